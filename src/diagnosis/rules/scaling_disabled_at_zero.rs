//! TFS605 scaling-disabled-at-zero
//!
//! ## What it detects
//! The scale target has zero replicas, and the HPA does nothing until somebody scales it to one or more. This is
//! Kubernetes' way to pause an HPA; it is also what an accident looks like.
//!
//! ## How it is proved
//! `spec.replicas` of the scale is 0. Who wrote it last is read from the managed fields.
//!
//! ## What it is not
//! An HPA with `minReplicas: 0` that itself scaled to zero (`ScaledToZero=True`) is healthy. So is one of KEDA's: KEDA
//! scales to zero and wakes the target when a trigger becomes active.
//!
//! ## Fix
//! `kubectl scale` to one replica, once; the HPA takes over from there.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: `ScalingActive=False/ScalingDisabled`. From 1.36 on that is
//! so with `minReplicas: 0` as well, unless the condition `ScaledToZero` is true: a target that was at zero before the
//! upgrade stays there.

use crate::diagnosis::phrase::{ago, count};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, keeper};
use crate::facts::ObjectReference;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS605",
    name: "scaling-disabled-at-zero",
    stage: Stage::Arithmetic,
    source: documentation!("scaling_disabled_at_zero.rs"),
    explains: &["TFS304", "TFS504", "TFS607"],
    needs: &[Need::Scale],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let itself = case
        .facts
        .hpa
        .condition("ScaledToZero")
        .is_some_and(|condition| condition.status == "True");
    if case.scale()?.spec_replicas != 0 || itself {
        return None;
    }
    let label = case.target_label();
    if let Some(owner) = keeper::scaled_object(case) {
        return Some(asleep(case, owner));
    }
    let mut finding = RULE
        .finding(
            Severity::Warning,
            format!("{label} is scaled to 0, which switches its HPA off"),
            if case.facts.hpa.min_replicas == Some(0) && case.controller.minor >= 36 {
                "with minReplicas 0 too, an HPA wakes only what it scaled to zero itself (ScaledToZero=True)"
            } else {
                "an HPA does not wake a target that something else scaled to zero"
            },
        )
        .saw(
            format!("{label}, spec.replicas"),
            "0",
            "GET the scale subresource",
        );
    let writers = case.target().map_or(&[][..], |target| &target.replicas_writers);
    if let Some(writer) = writers.iter().max_by_key(|writer| writer.time) {
        let when = writer
            .time
            .map_or_else(String::new, |time| format!(", {}", ago(time, case.now)));
        finding = finding.saw(
            "last writer of spec.replicas",
            format!("{}{when}", writer.manager),
            "managedFields",
        );
    }
    let replicas = case.facts.hpa.effective_min_replicas().max(1);
    let applied = case.target().and_then(|target| target.last_applied_replicas);
    if applied == Some(0) {
        finding = finding.saw(
            "manifest applied last",
            "replicas 0: the next one writes it again",
            "metadata.annotations",
        );
    }
    Some(case.on_target(finding).fix(
        "start it again, if it is not paused on purpose",
        format!("kubectl scale {} --replicas={replicas}", case.target_arguments()),
        format!(
            "starts {} of {label}; the HPA takes over from there",
            count(usize::try_from(replicas).unwrap_or(1), "pod")
        ),
    ))
}

/// KEDA scaled to zero, and KEDA wakes it.
fn asleep(case: &Case<'_>, owner: &ObjectReference) -> Finding {
    let label = case.target_label();
    let owner = keeper::label(owner);
    let finding = RULE
        .finding(
            Severity::Info,
            format!("{label} sleeps at 0: KEDA wakes it when a trigger of {owner} becomes active"),
            "KEDA scales from and to 0, and its HPA does the rest",
        )
        .saw(
            format!("{label}, spec.replicas"),
            "0",
            "GET the scale subresource",
        )
        .saw("the HPA is written from", &owner, "metadata.ownerReferences");
    case.on_target(finding)
}
