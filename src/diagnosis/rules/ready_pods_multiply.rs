//! TFS510 only-ready-pods-multiply
//!
//! ## What it detects
//! A metric with a target of `Value` stands above it, and the HPA does not scale up, or even scales down, because pods
//! that have run are not ready: the controller multiplies by the ready pods alone. Under a load that fails their
//! readiness probes it takes replicas away at the peak.
//!
//! ## How it is proved
//! The metric that decides is `Object` or `External` with `value`, above its target beyond the tolerance. Pods that run
//! are not ready, and usage divided by target, times those that are, is no more than the replicas of now.
//!
//! ## What it is not
//! Pods that start: they become ready within minutes. A target of `AverageValue` does not ask how many are ready.
//!
//! ## Fix
//! Let a pod that is busy stay ready, or use `AverageValue`.
//!
//! ## Source
//! `getUsageRatioReplicaCount` in `replica_calculator.go`, Kubernetes v1.37.

use crate::diagnosis::case::{is_ready, is_running};
use crate::diagnosis::phrase::{count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricTarget, Pod};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS510",
    name: "only-ready-pods-multiply",
    stage: Stage::Pods,
    source: documentation!("ready_pods_multiply.rs"),
    explains: &["TFS601", "TFS603", "TFS604", "TFS614"],
    needs: &[Need::Pods, Need::Scale],
    check,
};

/// How many pods are proved one by one.
const PROVED: usize = 3;

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric()?;
    let spec = case.facts.hpa.metrics.get(metric.index)?;
    let (ready, ratio, wanted) = (metric.multiplier?, metric.ratio?, metric.proposal?);
    let current = case.scale()?.spec_replicas;
    let holds = matches!(spec.target, MetricTarget::Value(_)) && ratio > 1.0 && wanted <= current;
    if !holds || metric.within_tolerance || wanted >= case.facts.hpa.max_replicas {
        return None;
    }
    let living: Vec<&Pod> = case.pods().iter().filter(|pod| pod.takes_room()).collect();
    let lost: Vec<(&Pod, i64)> = living
        .iter()
        .copied()
        .filter(|pod| is_running(pod) && !is_ready(pod) && !starts(case, pod))
        .filter_map(|pod| Some((pod, unready_for(case, pod)?)))
        .collect();
    let (first, _) = lost.first()?;
    let usage = case.current_of_target()?;
    let label = case.target_label();
    let pods = count(living.len(), "pod");
    let title = match ready {
        0 => format!(
            "{usage}, and the HPA wants 0 replicas: it multiplies by the pods that are ready, and no pod of {label} is"
        ),
        _ => format!(
            "{usage} and no scale-up: the HPA multiplies by the pods that are ready, and {ready} of {pods} are"
        ),
    };
    let mut finding = RULE
        .finding(
            Severity::Warning,
            title,
            "a target of `Value` is one for the whole: usage divided by target, times the ready pods",
        )
        .object("Pod", &first.namespace, &first.name);
    for (pod, seconds) in lost.iter().take(PROVED) {
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!("{}, not ready for {}", pod.phase, span(*seconds)),
            "LIST pods",
        );
    }
    let finding = finding.saw(
        "the metrics want",
        replicas_by_ready(ready, living.len(), ratio, wanted),
        "arithmetic",
    );
    let mut finding = case.on_hpa(finding).fix(
        "see what the readiness probe got",
        format!(
            "kubectl describe pod {} -n {}",
            word(&first.name),
            case.namespace()
        ),
        "reads only",
    );
    if current > case.facts.hpa.effective_min_replicas() {
        finding = finding.fix(
            "keep the replicas of now until the pods are ready",
            case.patch_hpa(&format!(r#"{{"minReplicas":{current}}}"#)),
            "changes the HPA alone; lower it again afterwards",
        );
    }
    Some(finding.advice(
        "let a busy pod stay ready, by a probe that is more patient, or target an AverageValue, which no readiness changes",
        format!("a probe rolls the pods of {label}; a target changes the HPA alone"),
    ))
}

/// `8, and 40 if all 20 pods were ready`.
fn replicas_by_ready(ready: i32, living: usize, ratio: f64, wanted: i32) -> String {
    let all = u32::try_from(living).unwrap_or(u32::MAX);
    let with_all = (ratio * f64::from(all)).ceil();
    format!("{wanted} with {ready} ready, and {with_all:.0} if all {living} were")
}

/// A pod that has not been ready yet may become it.
fn starts(case: &Case<'_>, pod: &Pod) -> bool {
    pod.has_never_been_ready()
        && case
            .age(pod)
            .is_none_or(|age| age < case.controller.cpu_initialization_seconds)
}

fn unready_for(case: &Case<'_>, pod: &Pod) -> Option<i64> {
    let since = pod.condition("Ready")?.last_transition_time?;
    Some(seconds_since(since, case.now))
}
