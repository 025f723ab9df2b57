//! TFS503 pods-pending
//!
//! ## What it detects
//! Pods of the workload that cannot be scheduled or cannot start their containers. Pending pods are left out
//! of the average and count as zero usage when the HPA scales up.
//!
//! ## How it is proved
//! The pod is `Pending` and says why: its condition `PodScheduled` is `False`, or a container waits for an image or
//! for its configuration.
//!
//! ## What it is not
//! A pod that was created a moment ago and waits for nothing yet.
//!
//! ## Fix
//! Give the cluster the capacity that the scheduler misses, or request less; repair the image or the
//! configuration that is named.
//!
//! ## Source
//! `groupPods` in `replica_calculator.go`, Kubernetes v1.37.

use crate::diagnosis::case::container_trouble;
use crate::diagnosis::phrase::{count, list, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS503",
    name: "pods-pending",
    stage: Stage::Pods,
    source: include_str!("pods_pending.rs"),
    explains: &["TFS304", "TFS602", "TFS603", "TFS607"],
    needs: &[Need::Pods],
    check,
};

/// How many pods are proved one by one.
const PROVED: usize = 3;

/// A pod that has a node runs within this time, unless its image is large or something is missing.
const START_SECONDS: i64 = 120;

fn check(case: &Case<'_>) -> Option<Finding> {
    let stuck: Vec<(&Pod, Why<'_>)> = case
        .own_pods()
        .filter(|pod| pod.phase == "Pending" && pod.deleted_at.is_none())
        .filter_map(|pod| Some((pod, why(pod)?)))
        .collect();
    let Some((first, reason)) = stuck.first() else {
        return starting(case);
    };
    let all = stuck.len() == case.own_pods().count();
    let label = case.target_label();
    let severity = if all { Severity::Error } else { Severity::Warning };
    let subject = if all {
        format!("All pods of {label} are Pending")
    } else {
        format!(
            "{} of {} of {label} Pending",
            stuck.len(),
            count(case.own_pods().count(), "pod")
        )
    };
    let mut finding = RULE.finding(
        severity,
        format!("{subject}: {}", reason.short),
        "a pod that does not run has no usage, and the replicas that the HPA asked for do not help",
    );
    for (pod, reason) in stuck.iter().take(PROVED) {
        finding = finding.object("Pod", &pod.namespace, &pod.name).saw(
            format!("Pod {}", pod.name),
            reason.long.clone(),
            "LIST pods",
        );
    }
    let describe = format!(
        "kubectl describe pod {} -n {}",
        word(&first.name),
        case.namespace()
    );
    let finding = finding.fix("see the events of the pod", describe, "reads only");
    if !reason.scheduling {
        return Some(finding);
    }
    let containers: Vec<&str> = first
        .containers
        .iter()
        .filter(|container| !container.init)
        .map(|it| it.name.as_str())
        .collect();
    Some(finding.advice(
        format!(
            "add nodes, or lower the requests of {} (`kubectl set resources`)",
            list(&containers)
        ),
        format!("lower requests roll the pods of {label} and raise the utilization that the HPA sees"),
    ))
}

/// All pods have a node and none of them runs: for a while that is a start, later a volume or the network is missing.
fn starting(case: &Case<'_>) -> Option<Finding> {
    let pods: Vec<&Pod> = case.own_pods().filter(|pod| pod.deleted_at.is_none()).collect();
    let first = pods.first()?;
    if pods.iter().any(|pod| pod.phase != "Pending") {
        return None;
    }
    let created = pods.iter().filter_map(|pod| pod.created_at).min()?;
    let age = seconds_since(created, case.now);
    let label = case.target_label();
    let (severity, title) = if age < START_SECONDS {
        (
            Severity::Info,
            format!("The pods of {label} are being started, for {}", span(age)),
        )
    } else {
        (
            Severity::Error,
            format!(
                "All pods of {label} are Pending for {}: their containers are not created",
                span(age)
            ),
        )
    };
    let finding = RULE
        .finding(
            severity,
            title,
            "a pod that does not run has no usage; a container waits for its image, its volumes, its network",
        )
        .object("Pod", &first.namespace, &first.name)
        .saw(
            format!("Pod {}", first.name),
            format!("Pending on {}", first.node.as_deref().unwrap_or("no node yet")),
            "LIST pods",
        )
        .fix(
            "see the events of the pod",
            format!(
                "kubectl describe pod {} -n {}",
                word(&first.name),
                case.namespace()
            ),
            "reads only; FailedMount names the volume, Pulling the image",
        );
    Some(if severity == Severity::Info {
        finding.verdict(Verdict::Waiting)
    } else {
        finding
    })
}

/// Why a pod is pending.
struct Why<'a> {
    short: &'a str,
    long: String,
    scheduling: bool,
}

fn why(pod: &Pod) -> Option<Why<'_>> {
    if let Some(scheduled) = pod
        .condition("PodScheduled")
        .filter(|condition| condition.status == "False")
    {
        return Some(Why {
            short: "no node has room for them",
            long: format!("{}: {}", scheduled.reason, scheduled.message),
            scheduling: true,
        });
    }
    let (container, reason) = container_trouble(pod)?;
    Some(Why {
        short: reason,
        long: format!("container {container}: {reason}"),
        scheduling: false,
    })
}
