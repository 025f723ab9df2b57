//! TFS509 no-living-pods
//!
//! ## What it detects
//! Every pod of the target has ended or is about to, and no other has taken its place: there is nothing to measure.
//!
//! ## How it is proved
//! Each pod of the target has a `deletionTimestamp`, or the phase `Failed` or `Succeeded`, while `spec.replicas` is not zero.
//! A pod that should be gone by now, as its `deletionTimestamp` has passed, shows what holds it: a finalizer, or a node whose
//! kubelet has not said that the pod ended.
//!
//! ## What it is not
//! Within the grace period this is a restart, and nothing is wrong. No pod at all is TFS504; pods that may not be made are TFS702.
//!
//! ## Fix
//! A `StatefulSet`, and a `Deployment` with the strategy `Recreate`, make the next pod when the one before is gone. Where the node is lost
//! for good, forget the pod or delete the node; where a finalizer holds it, whoever set it must let go.
//!
//! ## Source
//! `groupPods` in `replica_calculator.go`, Kubernetes v1.37, ignores pods that are deleted or failed; `processReplica` in
//! `pkg/controller/statefulset/stateful_set_control.go`.

use chrono::{DateTime, Utc};

use crate::diagnosis::case::is_leftover;
use crate::diagnosis::foreign;
use crate::diagnosis::held;
use crate::diagnosis::phrase::{count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity, Verdict};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS509",
    name: "no-living-pods",
    stage: Stage::Pods,
    source: documentation!("no_living_pods.rs"),
    explains: &["TFS304", "TFS404", "TFS505", "TFS602", "TFS607", "TFS708"],
    needs: &[Need::Scale, Need::Pods],
    check,
};

/// How many pods are proved one by one.
const PROVED: usize = 3;

fn check(case: &Case<'_>) -> Option<Finding> {
    let pods: Vec<&Pod> = case.own_pods().collect();
    let wanted = case.scale()?.spec_replicas;
    if wanted == 0 || pods.is_empty() || !pods.iter().all(|pod| is_leftover(pod)) {
        return None;
    }
    let deleted = case.target().and_then(|target| target.deleted_at);
    let mut finding = if let Some(since) = deleted {
        deleted_target(case, since)
    } else if let Some(pod) = pods.iter().find(|pod| held::is_held(case, pod)) {
        held_up(case, pod)
    } else if let Some(last) = pods.iter().filter_map(|pod| pod.deleted_at).max() {
        ending(case, pods.len(), (last - case.now).num_seconds())
    } else {
        ended(case, pods.len())
    };
    for pod in pods.iter().take(PROVED) {
        finding = finding.object("Pod", &pod.namespace, &pod.name).saw(
            format!("Pod {}", pod.name),
            held::state(case, pod),
            "LIST pods",
        );
    }
    let finding = case.on_target(finding);
    if deleted.is_some() {
        return Some(without_target(case, finding));
    }
    let finding = match pods.iter().find(|pod| held::is_lost(case, pod)) {
        Some(pod) => held::see_node(case, finding, pod),
        None => finding,
    };
    Some(foreign::delete(case, finding, &pods).fix(
        "see why no new pod is made",
        format!(
            "kubectl events -n {} --for {}/{}",
            case.namespace(),
            word(&case.facts.hpa.target.kind.to_lowercase()),
            word(&case.facts.hpa.target.name)
        ),
        "reads only",
    ))
}

fn held_up(case: &Case<'_>, pod: &Pod) -> Finding {
    let label = case.target_label();
    let reason = if pod.finalizers.is_empty() {
        "a node that is down or cut off says nothing, and no other pod takes the place before"
    } else {
        "what set the finalizer has to remove it; until then the pod has no usage that counts"
    };
    let finding = RULE.finding(
        Severity::Error,
        format!(
            "{label} has no living pod: Pod {} should be gone, and {}",
            pod.name,
            held::who(pod)
        ),
        reason,
    );
    // The node itself was not read.
    if pod.finalizers.is_empty() {
        finding.at_most(Confidence::Likely)
    } else {
        finding
    }
}

/// Nobody makes pods for an object that is about to go.
fn deleted_target(case: &Case<'_>, since: DateTime<Utc>) -> Finding {
    RULE.finding(
        Severity::Error,
        format!(
            "{} is being deleted, since {}: it makes no pods any more",
            case.target_label(),
            span(seconds_since(since, case.now))
        ),
        "it waits until its pods are gone, and goes with the last of them",
    )
}

fn without_target(case: &Case<'_>, finding: Finding) -> Finding {
    finding
        .fix(
            "delete its HPA too, if it is not wanted any more",
            format!(
                "kubectl delete hpa {} -n {}",
                word(&case.facts.hpa.name),
                case.namespace()
            ),
            "deletes the HPA alone",
        )
        .advice(
            format!(
                "create {} anew once it is gone, if it was deleted by mistake",
                case.target_label()
            ),
            "a deletion cannot be taken back; what holds its pods delays it",
        )
}

fn ending(case: &Case<'_>, pods: usize, left: i64) -> Finding {
    let are = if pods == 1 { "is" } else { "are" };
    RULE.finding(
        Severity::Info,
        format!(
            "{} of {} {are} ending, for {} at most, and no other runs yet",
            count(pods, "pod"),
            case.target_label(),
            span(left)
        ),
        "the HPA leaves out pods that are about to end; it goes on with the ones that follow",
    )
    .verdict(Verdict::Waiting)
}

fn ended(case: &Case<'_>, pods: usize) -> Finding {
    let has = if pods == 1 { "has" } else { "have" };
    RULE.finding(
        Severity::Error,
        format!(
            "{} of {} {has} ended, and no other was made",
            count(pods, "pod"),
            case.target_label()
        ),
        "a pod that has ended has no usage, and the HPA counts no pod that failed",
    )
}
