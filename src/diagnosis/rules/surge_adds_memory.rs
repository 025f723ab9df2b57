//! TFS617 surge-adds-memory
//!
//! ## What it detects
//! A rolling update makes an HPA scale up that is below its memory target: for a while more pods run than there are
//! replicas, and the controller multiplies by all of them. The rollout then surges again from the new number.
//!
//! ## How it is proved
//! Memory decides and is not above its target, pods of two templates run, more of them than replicas, and the target ratio
//! times those pods is more than the replicas of now. Where the HPA has only done so minutes ago, it is *likely*.
//!
//! ## What it is not
//! Cpu is shared: twice the pods use half of it each, so that their sum tells what is needed. Memory is each pod's own.
//!
//! ## Fix
//! Let fewer pods surge, or hold scaling up while the rollout goes on.
//!
//! ## Source
//! `calcPlainMetricReplicas` and `GetResourceReplicas` in `replica_calculator.go`, Kubernetes v1.37: the ratio is
//! multiplied with the pods that count, not with `spec.replicas`.

use std::collections::BTreeSet;

use crate::diagnosis::foreign::revision;
use crate::diagnosis::phrase::{ago, count, seconds_since};
use crate::diagnosis::rescales::{self, Direction};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS617",
    name: "surge-adds-memory",
    stage: Stage::Arithmetic,
    source: documentation!("surge_adds_memory.rs"),
    explains: &["TFS602", "TFS603", "TFS604", "TFS614"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// The rescales of a rollout that still goes on.
const RECENT_SECONDS: i64 = 10 * 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric()?;
    let spec = case.facts.hpa.metrics.get(metric.index)?;
    let current = case.scale()?.spec_replicas;
    let of_memory = spec.name == "memory" && spec.type_.ends_with("Resource");
    if !of_memory || metric.ratio? > 1.0 {
        return None;
    }
    let living: Vec<&Pod> = case.own_pods().filter(|pod| pod.takes_room()).collect();
    let revisions: BTreeSet<&str> = living.iter().filter_map(|pod| revision(pod)).collect();
    let surge = i32::try_from(living.len()).is_ok_and(|living| living > current);
    if !surge || revisions.len() < 2 {
        return None;
    }
    let wanted = metric.proposal.filter(|wanted| *wanted > current);
    let last = rescales::read(case)?
        .by_metrics()
        .into_iter()
        .filter(|size| size.direction == Direction::Up && size.replicas <= current)
        .max_by_key(|size| size.last)
        .filter(|size| seconds_since(size.last, case.now) <= RECENT_SECONDS);
    if wanted.is_none() && last.is_none() {
        return None;
    }
    let usage = case.current_of_target()?;
    let label = case.target_label();
    let does = wanted.map_or_else(
        || format!("yet the HPA has scaled up to {current}"),
        |wanted| format!("yet the HPA wants {wanted} replicas"),
    );
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "{usage}, {does}: it multiplies by {} of the rolling update of {label}",
                count(living.len(), "pod")
            ),
            "memory is each pod's own: the sum over old and new pods says nothing about load",
        )
        .at_most(if wanted.is_some() {
            Confidence::Proven
        } else {
            Confidence::Likely
        })
        .saw(
            "pods",
            format!(
                "{} of {} templates, {}",
                living.len(),
                revisions.len(),
                count(usize::try_from(current).unwrap_or(0), "replica")
            ),
            "LIST pods",
        );
    let finding = match last {
        Some(size) => finding.saw(
            "last rescale up",
            format!("to {}, {}", size.replicas, ago(size.last, case.now)),
            "LIST events",
        ),
        None => finding,
    };
    let finding = case.on_target(finding).fix(
        "hold scaling up until the rollout is over",
        case.patch_hpa(r#"{"behavior":{"scaleUp":{"selectPolicy":"Disabled"}}}"#),
        "changes the HPA alone; set it back to Max afterwards",
    );
    let target = &case.facts.hpa.target;
    Some(if target.kind == "Deployment" {
        finding.fix(
            "let one pod surge at a time",
            format!(
                "kubectl patch {} --type=merge -p '{}'",
                case.target_arguments(),
                r#"{"spec":{"strategy":{"rollingUpdate":{"maxSurge":1}}}}"#
            ),
            "rollouts take longer; no pod is rolled by it",
        )
    } else {
        finding.advice("let fewer pods surge", format!("changes {label}"))
    })
}
