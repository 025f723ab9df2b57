//! TFS508 pods-evicted
//!
//! ## What it detects
//! The kubelet evicts pods of the target one after the other: each new one is without a sample for its first minute, so that
//! the HPA loses its metric again and again, or scales by the pods that are left.
//!
//! ## How it is proved
//! At least two pods of the target have failed with the reason `Evicted` within the last half hour. What the kubelet said
//! of them is quoted.
//!
//! ## What it is not
//! One pod that was evicted once, and pods that a drain or a person evicts by the API: they are deleted, and leave nothing.
//!
//! ## Fix
//! It depends on what the kubelet said. A pod that uses more of a node's memory than it requests goes first when the node is
//! short of it: request what it uses. A volume or a log that grows over its limit grows again in the next pod.
//!
//! ## Source
//! `pkg/kubelet/eviction/helpers.go`, Kubernetes v1.37, for what the kubelet says; `groupPods` in
//! `pkg/controller/podautoscaler/replica_calculator.go` ignores failed pods.

use chrono::{DateTime, Utc};

use crate::diagnosis::case::is_leftover;
use crate::diagnosis::phrase::{ago, count, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS508",
    name: "pods-evicted",
    stage: Stage::Pods,
    source: documentation!("pods_evicted.rs"),
    explains: &["TFS509"],
    needs: &[Need::Pods],
    check,
};

/// What was long ago is no cause of today.
const RECENT_SECONDS: i64 = 1800;

fn check(case: &Case<'_>) -> Option<Finding> {
    let mut evicted: Vec<(DateTime<Utc>, &Pod)> = case
        .own_pods()
        .filter(|pod| is_leftover(pod) && pod.reason.as_deref() == Some("Evicted"))
        .filter_map(|pod| Some((ended_at(pod)?, pod)))
        .filter(|(at, _)| (case.now - *at).num_seconds() <= RECENT_SECONDS)
        .collect();
    evicted.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    // One may be an accident.
    let [(newest_at, newest), .., (oldest_at, _)] = &evicted[..] else {
        return None;
    };
    let label = case.target_label();
    let said = newest.message.as_deref().unwrap_or_default().trim();
    let mut finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "{} of {label} were evicted within {}",
                count(evicted.len(), "pod"),
                span((*newest_at - *oldest_at).num_seconds())
            ),
            "a pod that follows an evicted one has no sample for its first minute, and may go the same way",
        )
        .object("Pod", &newest.namespace, &newest.name);
    finding = finding.saw(format!("Pod {}", newest.name), said, "LIST pods");
    let times: Vec<String> = evicted.iter().map(|(at, _)| ago(*at, case.now)).collect();
    finding = finding.saw("evicted", times.join(", "), "LIST pods");
    let (title, changes) = repair(said);
    Some(
        case.on_target(finding)
            .advice(title, format!("{changes}; rolls the pods of {label}"))
            .fix(
                "see what a pod uses, and what it asks for",
                format!(
                    "kubectl describe pod {} -n {}",
                    word(&newest.name),
                    case.namespace()
                ),
                "reads only",
            ),
    )
}

/// When the kubelet had ended it.
fn ended_at(pod: &Pod) -> Option<DateTime<Utc>> {
    pod.condition("Ready")
        .and_then(|ready| ready.last_transition_time)
        .or(pod.start_time)
        .or(pod.created_at)
}

/// By the kubelet's sentence (`pkg/kubelet/eviction/helpers.go`, v1.37).
fn repair(said: &str) -> (&'static str, &'static str) {
    if said.contains("EmptyDir volume") {
        (
            "raise `sizeLimit` of the volume in the template, or write less into it",
            "the limit counts what is written, not what is there when the pod starts",
        )
    } else if said.contains("ephemeral") {
        (
            "raise the limit of ephemeral-storage, or write less: logs count, and what is written beside a volume",
            "without a limit the node's own space is the limit",
        )
    } else if said.contains("resource: memory") {
        (
            "request the memory that a pod uses: who uses more than was requested goes first",
            "pods then go where there is room",
        )
    } else {
        (
            "give the node what it is short of, or the pods another node",
            "the node itself says when it is no longer short of it",
        )
    }
}
