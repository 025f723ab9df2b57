//! Pods that should be gone by now, and who holds them.

use super::phrase::{ago, span, word};
use super::{Case, Finding};
use crate::facts::Pod;

/// Whether the pod should be gone by now: its `deletionTimestamp` has its grace period in it.
pub(super) fn is_held(case: &Case<'_>, pod: &Pod) -> bool {
    pod.deleted_at.is_some_and(|time| time < case.now)
}

/// Whether it is its node that has not let it go.
pub(super) fn is_lost(case: &Case<'_>, pod: &Pod) -> bool {
    is_held(case, pod) && pod.finalizers.is_empty() && pod.node.is_some()
}

/// `finalizer example.com/drain holds it`.
pub(super) fn who(pod: &Pod) -> String {
    match pod.finalizers.first() {
        Some(finalizer) => format!("finalizer {finalizer} holds it"),
        None => format!(
            "the kubelet of node {} has not said that it ended",
            pod.node.as_deref().unwrap_or("its node")
        ),
    }
}

/// How far it is with its end, for the proof.
pub(super) fn state(case: &Case<'_>, pod: &Pod) -> String {
    let node = pod.node.as_deref().unwrap_or("no node");
    match pod.deleted_at {
        Some(time) if time < case.now => {
            format!("{} on {node}, to be gone {}", pod.phase, ago(time, case.now))
        }
        Some(time) => format!(
            "{} on {node}, ends within {}",
            pod.phase,
            span((time - case.now).num_seconds())
        ),
        None => {
            let words = [pod.reason.as_deref(), pod.message.as_deref()];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            format!("{} {}", pod.phase, words.join(": "))
                .trim_end()
                .to_owned()
        }
    }
}

/// Where the node holds it, the node is looked at first.
pub(super) fn see_node(case: &Case<'_>, finding: Finding, pod: &Pod) -> Finding {
    if !is_lost(case, pod) {
        return finding;
    }
    let node = pod.node.as_deref().unwrap_or_default();
    finding.object("Node", "", node).fix(
        "see whether the node answers",
        format!("kubectl get node {}", word(node)),
        "reads only; when it comes back, the pod ends and the next one is made",
    )
}
