//! TFS605 scaling-disabled-at-zero
//!
//! ## What it detects
//! The scale target has zero replicas, and the HPA does nothing until somebody scales it to one or more. This is
//! Kubernetes' way to pause an HPA; it is also what an accident looks like.
//!
//! The same for an HPA that scaled its target to zero itself and has only metrics of pods now: without pods they have no value.
//!
//! ## How it is proved
//! `spec.replicas` of the scale is 0. Who wrote it last is read from the managed fields; where that was Flagger or Argo
//! Rollouts, what works in the target's place is read too.
//!
//! ## What it is not
//! An HPA with `minReplicas: 0` that itself scaled to zero (`ScaledToZero=True`) is healthy. So is one of KEDA's: KEDA
//! scales to zero and wakes the target when a trigger becomes active. So is the target of Flagger's `Canary` between
//! releases: its primary serves. And so is what kube-downscaler, kube-green or a `SleepCycle` put to sleep for the night:
//! they wake it, and the HPA goes on.
//!
//! ## Fix
//! `kubectl scale` to as many replicas as `minReplicas` asks for, once; the HPA takes over from there. A Deployment that a
//! `Rollout` of Argo refers to (`workloadRef`) is only its template: the HPA has to scale the `Rollout`.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: `ScalingActive=False/ScalingDisabled`. From 1.36 on that is
//! so with `minReplicas: 0` as well, unless the condition `ScaledToZero` is true: a target that was at zero before the
//! upgrade stays there.

use crate::diagnosis::offenders;
use crate::diagnosis::phrase::{ago, count, list};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::successor::{Proof, rollout_in_place};
use crate::diagnosis::template_change::{self, Setting};
use crate::diagnosis::{Case, Confidence, Finding, Severity, keeper};
use crate::facts::{FLAGGER, Fact, MetricSpec, ObjectReference, ScaleTarget, Successor};

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
    if case.scale()?.spec_replicas != 0 {
        return None;
    }
    if itself {
        return cannot_wake(case);
    }
    let label = case.target_label();
    if let Some(owner) = keeper::scaled_object(case) {
        return Some(asleep(case, owner));
    }
    if let Some((rollout, proof)) = rollout_in_place(case) {
        return Some(taken_over(case, &rollout, proof));
    }
    let writer = case.target().and_then(ScaleTarget::last_replicas_writer);
    let manager = writer.map_or("", |writer| writer.manager.as_str());
    if manager == FLAGGER
        && let Fact::Known(primary) = &case.facts.successor
        && primary.replicas != Some(0)
    {
        return Some(at_rest(case, primary));
    }
    if let Some(sleeper) = sleeper(case, manager) {
        return Some(put_to_sleep(case, sleeper));
    }
    let mut finding = with_zero(
        case,
        RULE.finding(
            Severity::Warning,
            format!("{label} is scaled to 0, which switches its HPA off"),
            if case.facts.hpa.min_replicas == Some(0) && case.controller.minor >= 36 {
                "with minReplicas 0 too, an HPA wakes only what it scaled to zero itself (ScaledToZero=True)"
            } else {
                "an HPA does not wake a target that something else scaled to zero"
            },
        ),
    );
    let replicas = case.facts.hpa.effective_min_replicas().max(1);
    let applied = case.target().and_then(|target| target.last_applied_replicas);
    if applied == Some(0) {
        finding = finding.saw(
            "manifest applied last",
            "replicas 0: the next one writes it again",
            "metadata.annotations",
        );
    }
    let finding = case.on_target(finding).fix(
        "start it again, if it is not paused on purpose",
        case.scale_up(),
        format!(
            "starts {} of {label}; the HPA takes over from there",
            count(usize::try_from(replicas).unwrap_or(1), "pod")
        ),
    );
    Some(next_fault(case, finding))
}

/// What the HPA would stop at when the target is scaled up: a request that its template lacks.
fn next_fault(case: &Case<'_>, finding: Finding) -> Finding {
    let lacking = offenders::of_template(case);
    let Some(first) = lacking.first() else {
        return finding;
    };
    let (container, resource) = (first.container, first.resource);
    let value = offenders::starting_value(case, container, resource);
    let finding = finding.saw(
        format!("template, container {container}"),
        format!("no {resource} request: there the HPA stops next, unless a LimitRange adds one"),
        "spec.template",
    );
    template_change::proposed(
        case,
        finding,
        format!("request {resource} for container {container} before that"),
        &[Setting::request(container, resource, &value.value)],
        &format!("; {}", value.basis()),
    )
}

/// The HPA put the target to sleep itself, and has no metric any more that has a value without pods.
fn cannot_wake(case: &Case<'_>) -> Option<Finding> {
    let hpa = &case.facts.hpa;
    let of_pods = |metric: &MetricSpec| !matches!(metric.type_.as_str(), "External" | "Object");
    if hpa.metrics.is_empty() || !hpa.metrics.iter().all(of_pods) {
        return None;
    }
    let label = case.target_label();
    let names: Vec<&str> = hpa.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let finding = RULE
        .finding(
            Severity::Error,
            format!(
                "{label} sleeps at 0, and nothing wakes it: {} is measured on pods, and there are none",
                list(&names)
            ),
            "the HPA scaled it to zero by another metric, which it has no more; an External or Object metric has a value without pods",
        )
        .saw("condition ScaledToZero", "True", "status.conditions");
    let finding = with_zero(case, finding);
    Some(case.on_target(finding).fix(
        "wake it by hand",
        case.scale_up(),
        "the HPA takes over from there",
    ))
}

/// The proof that it is at zero, and who wrote that.
fn with_zero(case: &Case<'_>, finding: Finding) -> Finding {
    let finding = finding.saw(
        format!("{}, spec.replicas", case.target_label()),
        "0",
        "GET the scale subresource",
    );
    let Some(writer) = case.target().and_then(ScaleTarget::last_replicas_writer) else {
        return finding;
    };
    let when = writer
        .time
        .map_or_else(String::new, |time| format!(", {}", ago(time, case.now)));
    finding.saw(
        "last writer of spec.replicas",
        format!("{}{when}", writer.manager),
        "managedFields",
    )
}

/// What puts workloads to sleep and wakes them by the clock: how its manager is called, what it is called.
const SLEEPERS: [(&str, &str); 3] = [
    ("downscaler", "kube-downscaler"),
    ("kube-green", "kube-green"),
    ("sleepcycle", "a SleepCycle"),
];
/// What kube-downscaler notes while a workload sleeps, and takes away when it wakes it (`scaler.py`).
const ORIGINAL_REPLICAS: &str = "downscaler/original-replicas";
/// How the managers of kubectl's commands begin: a person wrote last.
const KUBECTL: &str = "kubectl";

fn sleeper(case: &Case<'_>, manager: &str) -> Option<&'static str> {
    let by_name = SLEEPERS.iter().find(|(part, _)| manager.contains(part));
    let marks = &case.target()?.sleep_marks;
    let noted = marks.contains_key(ORIGINAL_REPLICAS) && !manager.starts_with(KUBECTL);
    by_name
        .map(|(_, name)| *name)
        .or(noted.then_some("kube-downscaler"))
}

fn put_to_sleep(case: &Case<'_>, sleeper: &str) -> Finding {
    let label = case.target_label();
    let mut finding = with_zero(
        case,
        RULE.finding(
            Severity::Info,
            format!("{label} sleeps at 0: {sleeper} scaled it down, and wakes it by its schedule"),
            "an HPA is switched off while its target is at 0, and goes on when it is scaled up",
        ),
    );
    for (key, value) in case.target().into_iter().flat_map(|target| &target.sleep_marks) {
        finding = finding.saw(format!("annotation {key}"), value, "metadata.annotations");
    }
    case.on_target(finding)
}

/// Flagger keeps the target at zero between releases.
fn at_rest(case: &Case<'_>, primary: &Successor) -> Finding {
    let label = case.target_label();
    let serves = format!("{}/{}", primary.workload.kind, primary.workload.name);
    let finding = RULE.finding(
        Severity::Info,
        format!("Flagger keeps {label} at 0 between releases: {serves} serves"),
        "Flagger scales it up to try a release, and its HPA works as long as that takes",
    );
    let replicas = primary.replicas.map_or_else(
        || "exists".to_owned(),
        |replicas| count(usize::try_from(replicas).unwrap_or(0), "replica"),
    );
    let owned = primary
        .owner
        .as_ref()
        .map_or_else(String::new, |owner| format!(", of {}", keeper::label(owner)));
    case.on_target(with_zero(case, finding))
        .saw(serves, format!("{replicas}{owned}"), "GET it, or its HPA")
}

/// A `Rollout` of Argo has taken the Deployment's place.
fn taken_over(case: &Case<'_>, rollout: &ObjectReference, proof: Proof) -> Finding {
    let label = case.target_label();
    let name = format!("{}/{}", rollout.kind, rollout.name);
    let finding = RULE.finding(
        Severity::Error,
        format!("{name} has taken over from {label}, which stays at 0: the HPA scales the wrong one"),
        "the Deployment is only the template of the Rollout's pods (workloadRef), and Argo Rollouts keeps it at 0",
    );
    let finding = with_zero(case, finding);
    let finding = match proof {
        Proof::WorkloadRef => finding.saw(
            format!("{name}, spec.workloadRef"),
            &label,
            "LIST rollouts.argoproj.io",
        ),
        Proof::Pods(pods) => finding
            .saw(
                format!("pods of {name}"),
                format!("{} with the labels of {label}", count(pods, "pod")),
                "LIST pods",
            )
            .at_most(Confidence::Likely),
    };
    let finding = case
        .on_hpa(finding)
        .object(&rollout.kind, &case.facts.hpa.namespace, &rollout.name);
    case.on_target(finding).fix(
        format!("let the HPA scale {name}"),
        case.patch_hpa(&format!(
            r#"{{"scaleTargetRef":{{"apiVersion":"{}","kind":"{}","name":"{}"}}}}"#,
            rollout.api_version, rollout.kind, rollout.name
        )),
        "changes the HPA alone: no pod is restarted",
    )
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
