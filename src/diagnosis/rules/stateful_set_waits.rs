//! TFS505 stateful-set-waits
//!
//! ## What it detects
//! A `StatefulSet` that creates and removes its pods in order, and stands still at one that is not ready, or at one that
//! should be gone and is held: the replicas that the HPA asked for do not come, or those that it gave up do not go.
//!
//! ## How it is proved
//! The `StatefulSet` asks for more or fewer replicas than it has pods, its `podManagementPolicy` is not `Parallel`, and a pod of
//! it is not ready. Or the `deletionTimestamp` of one of its pods has passed: a pod of the same name takes the place of a pod
//! that is gone, and not before; a finalizer holds it, or a node whose kubelet has not said that the pod ended.
//!
//! ## What it is not
//! A pod that is Pending or has never been ready is the cause itself: TFS503, TFS502. Pods that are refused are TFS702.
//!
//! ## Fix
//! Repair the pod that it waits for. `podManagementPolicy: Parallel` needs the `StatefulSet` to be created again.
//!
//! ## Source
//! `processReplica` in `pkg/controller/statefulset/stateful_set_control.go`, Kubernetes v1.37.

use crate::diagnosis::case::{is_leftover, is_ready};
use crate::diagnosis::foreign;
use crate::diagnosis::held;
use crate::diagnosis::phrase::{count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS505",
    name: "stateful-set-waits",
    stage: Stage::Pods,
    source: documentation!("stateful_set_waits.rs"),
    explains: &["TFS511", "TFS601", "TFS602", "TFS603", "TFS614"],
    needs: &[Need::Target, Need::Pods],
    check,
};

/// A pod that starts is not ready for a while; this long is more than a start.
const START_SECONDS: i64 = 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let target = case.target().filter(|target| target.kind == "StatefulSet")?;
    if let Some(finding) = held_up(case) {
        return Some(finding);
    }
    if target.pod_management_policy.as_deref() == Some("Parallel") {
        return None;
    }
    let wanted = usize::try_from(case.scale()?.spec_replicas).ok()?;
    let own: Vec<&Pod> = case.own_pods().filter(|pod| !is_leftover(pod)).collect();
    let surplus = own.len().saturating_sub(wanted);
    if own.len() == wanted {
        return None;
    }
    let (pod, since) = own.iter().filter(|pod| !is_ready(pod)).find_map(|pod| {
        let changed = pod
            .condition("Ready")
            .and_then(|ready| ready.last_transition_time);
        let since = seconds_since(changed.or(pod.created_at)?, case.now);
        (since >= START_SECONDS).then_some((*pod, since))
    })?;
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "{label} waits for Pod {} to be ready: {}",
                pod.name,
                if surplus > 0 {
                    format!("{} run, {wanted} wanted", count(own.len(), "pod"))
                } else {
                    format!("{} of {} missing", wanted - own.len(), count(wanted, "replica"))
                }
            ),
            if surplus > 0 {
                "it removes its pods in order, each while the ones before it are ready"
            } else {
                "it creates its pods in order, each when the ones before it are ready"
            },
        )
        .object("Pod", &pod.namespace, &pod.name)
        .saw(
            format!("Pod {}", pod.name),
            format!("{}, not ready for {}", pod.phase, span(since)),
            "LIST pods",
        )
        .saw(
            &label,
            format!("{} of {} pods, in order", own.len(), wanted),
            "LIST pods",
        );
    let on_target = case.on_target(finding);
    let arguments = format!("pod {} -n {}", word(&pod.name), case.namespace());
    let finding = on_target
        .fix(
            "see what the probe got",
            format!("kubectl describe {arguments}"),
            "reads only",
        )
        .fix(
            "start the pod anew, if it does not recover",
            format!("kubectl delete {arguments}"),
            "ends this pod; the StatefulSet makes it again",
        );
    if surplus > 0 {
        return Some(finding);
    }
    Some(finding.advice(
        "create the StatefulSet again with podManagementPolicy Parallel, if the order does not matter",
        "the field cannot be changed: `kubectl delete --cascade=orphan` keeps the pods meanwhile",
    ))
}

/// A pod that does not go keeps its name, and the `StatefulSet` makes no other of that name.
fn held_up(case: &Case<'_>) -> Option<Finding> {
    let wanted = usize::try_from(case.scale()?.spec_replicas).ok()?;
    let living = case.own_pods().filter(|pod| !is_leftover(pod)).count();
    let overdue = |pod: &&Pod| {
        pod.deleted_at
            .is_some_and(|time| seconds_since(time, case.now) >= START_SECONDS)
    };
    let ordered = case
        .target()
        .is_some_and(|target| target.pod_management_policy.as_deref() != Some("Parallel"));
    let stands = if living < wanted {
        format!("{} of {} missing", wanted - living, count(wanted, "replica"))
    } else if living > wanted && ordered {
        format!("{} run beside it, {wanted} wanted", count(living, "pod"))
    } else {
        return None;
    };
    let pod = case.own_pods().find(overdue).filter(|_| living > 0)?;
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "{} waits for Pod {} to be gone, and {}: {stands}",
                case.target_label(),
                pod.name,
                held::who(pod)
            ),
            if living < wanted {
                "the next pod takes the name of the one before, and can be made only when that is gone"
            } else {
                "it removes its pods in order, the next one when the one before is gone"
            },
        )
        .object("Pod", &pod.namespace, &pod.name)
        .saw(format!("Pod {}", pod.name), held::state(case, pod), "LIST pods");
    // The node itself was not read.
    let finding = if pod.finalizers.is_empty() {
        finding.at_most(Confidence::Likely)
    } else {
        finding
    };
    let finding = held::see_node(case, case.on_target(finding), pod);
    Some(foreign::delete(case, finding, &[pod]))
}
