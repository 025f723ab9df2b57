//! TFS708 rollout-stuck
//!
//! ## What it detects
//! A rollout of the Deployment does not come to its end: its new pods do not get ready, and the HPA counts two
//! revisions at once, of which one does no work.
//!
//! ## How it is proved
//! The Deployment's condition `Progressing` is `False` with reason `ProgressDeadlineExceeded`, it names the new
//! `ReplicaSet`, and pods of that one are not ready.
//!
//! ## What it is not
//! A rollout that is under way is no fault. Why the new pods do not get ready is told by TFS502, TFS503 and TFS702 where
//! it can be seen; then the stuck rollout only follows. Old pods without a request are TFS404.
//!
//! ## Fix
//! Repair the new template, or go back to the one before.
//!
//! ## Source
//! `DeploymentTimedOut` in `deployment_util.go`; `groupPods` in `replica_calculator.go`, Kubernetes v1.37: the HPA takes
//! all pods that the selector matches, of whatever revision; new replicas are spread over both.

use crate::diagnosis::case::{container_trouble, is_ready, is_running};
use crate::diagnosis::phrase::{count, list, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{Condition, Pod};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS708",
    name: "rollout-stuck",
    stage: Stage::Others,
    source: documentation!("rollout_stuck.rs"),
    explains: &["TFS602"],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let stuck = case.target()?.conditions.iter().find(|condition| {
        condition.type_ == "Progressing"
            && condition.status == "False"
            && condition.reason == "ProgressDeadlineExceeded"
    })?;
    let new = replica_set(stuck)?;
    let of_new = |pod: &&Pod| pod.owner.as_ref().is_some_and(|owner| owner.name == new);
    let late: Vec<&Pod> = case
        .own_pods()
        .filter(|pod| pod.deleted_at.is_none() && of_new(pod) && !is_ready(pod))
        .collect();
    let first = *late.first()?;
    let old = case
        .own_pods()
        .filter(|pod| is_running(pod) && !of_new(pod))
        .count();
    let label = case.target_label();
    let names: Vec<&str> = late.iter().map(|pod| pod.name.as_str()).collect();
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "The rollout of {label} is stuck: {} of the new template {} not ready",
                count(late.len(), "pod"),
                if late.len() == 1 { "is" } else { "are" }
            ),
            "the HPA counts the pods of both templates, and takes those that are not ready for idle before it scales up",
        )
        .saw(
            "condition Progressing",
            format!("{}: {}", stuck.reason, stuck.message),
            "status.conditions",
        )
        .saw(
            "its pods",
            format!("not ready: {}, {}", list(&names), state(case, first)),
            "LIST pods",
        )
        .saw("older pods", format!("{old} running"), "LIST pods");
    let mut finding = case.on_target(finding);
    for pod in late.iter().take(3) {
        finding = finding.object("Pod", &pod.namespace, &pod.name);
    }
    Some(
        finding
            .fix(
                "see why the new pod does not get ready",
                format!(
                    "kubectl describe pod {} -n {}",
                    word(&first.name),
                    case.namespace()
                ),
                "reads only",
            )
            .fix(
                "go back to the template before",
                format!("kubectl rollout undo {}", case.target_arguments()),
                format!("removes the new pods of {label}; the old ones stay"),
            ),
    )
}

/// `Pending 12 min`, or what its container is in.
fn state(case: &Case<'_>, pod: &Pod) -> String {
    if let Some((container, reason)) = container_trouble(pod) {
        return format!("{}, container {container}: {reason}", pod.phase);
    }
    let age = pod
        .created_at
        .map(|created| span(seconds_since(created, case.now)));
    age.map_or_else(|| pod.phase.clone(), |age| format!("{} {age}", pod.phase))
}

/// `web-5f6d`, from `ReplicaSet "web-5f6d" has timed out progressing.`
fn replica_set(condition: &Condition) -> Option<&str> {
    let (_, rest) = condition.message.split_once("ReplicaSet \"")?;
    rest.split_once('"').map(|(name, _)| name)
}
