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
use crate::diagnosis::phrase::{count, list, word};
use crate::diagnosis::registry::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};
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

fn check(case: &Case<'_>) -> Option<Finding> {
    let stuck: Vec<(&Pod, Why<'_>)> = case
        .own_pods()
        .filter(|pod| pod.phase == "Pending" && pod.deleted_at.is_none())
        .filter_map(|pod| Some((pod, why(pod)?)))
        .collect();
    let (first, reason) = stuck.first()?;
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
