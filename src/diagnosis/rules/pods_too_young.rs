//! TFS501 pods-too-young
//!
//! ## What it detects
//! Pods that run, and that the controller leaves out of the cpu average because they have just started: for
//! five minutes a pod's cpu counts only from the first full sample after it became ready.
//!
//! ## How it is proved
//! The controller's grouping of the pods is computed from their start time, their condition `Ready` and the
//! time of their sample.
//!
//! ## What it is not
//! A pod that is still not ready after five minutes is TFS502; one that does not run yet is TFS503. Memory
//! counts at once.
//!
//! ## Fix
//! Wait; the time that is left is named. A start that uses much cpu for longer distorts the HPA afterwards.
//!
//! ## Source
//! `groupPods` in `replica_calculator.go`, Kubernetes v1.37;
//! `--horizontal-pod-autoscaler-cpu-initialization-period`, default 5 min.

use crate::diagnosis::case::{container_trouble, is_running};
use crate::diagnosis::phrase::{count, span};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::facts::Pod;
use crate::hpa::replicas::{Counted, PodShare};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS501",
    name: "pods-too-young",
    stage: Stage::Pods,
    source: documentation!("pods_too_young.rs"),
    explains: &[],
    needs: &[Need::Pods],
    check,
};

/// How many pods are proved one by one.
const PROVED: usize = 3;

/// Older pods whose startup probe still gives them time.
fn starting(case: &Case<'_>, unready: &[&PodShare]) -> Option<Finding> {
    let starting: Vec<(&Pod, i64)> = case
        .own_pods()
        .filter(|pod| is_running(pod) && container_trouble(pod).is_none())
        .filter(|pod| unready.iter().any(|share| share.name == pod.name))
        .filter_map(|pod| Some((pod, pod.startup_left(case.now)?)))
        .collect();
    let most = starting.iter().map(|(_, left)| *left).max()?;
    let running = case.own_pods().filter(|pod| is_running(pod)).count();
    let all = starting.len() == running;
    let mut finding = RULE.finding(
        Severity::Info,
        format!(
            "{} of {} of {} are still starting: their startup probe gives them {} more",
            starting.len(),
            count(running, "pod"),
            case.target_label(),
            span(most)
        ),
        "until it has succeeded the readiness probe is not asked, and a pod that was never ready does not count",
    );
    for (pod, left) in starting.iter().take(PROVED) {
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!(
                "started {} ago, its startup probe ends it in {} unless it succeeds",
                span(case.age(pod).unwrap_or(0)),
                span(*left)
            ),
            "LIST pods",
        );
    }
    Some(finding.verdict(if all { Verdict::Waiting } else { Verdict::Healthy }))
}

fn check(case: &Case<'_>) -> Option<Finding> {
    if !case.resource_metrics().any(|metric| metric.name == "cpu") {
        return None;
    }
    let unready = case.shares(Counted::Unready);
    let period = case.controller.cpu_initialization_seconds;
    let young: Vec<(&Pod, i64)> = case
        .pods()
        .iter()
        .filter(|pod| is_running(pod) && container_trouble(pod).is_none())
        // Without the condition it does not become ready: TFS502.
        .filter(|pod| pod.condition("Ready").is_some())
        .filter(|pod| unready.iter().any(|share| share.name == pod.name))
        .filter_map(|pod| Some((pod, case.age(pod)?)))
        .filter(|(_, age)| *age < period)
        .collect();
    let Some(youngest) = young.iter().map(|(_, age)| *age).min() else {
        return starting(case, &unready);
    };
    let left = span(period - youngest);
    let all = young.len() == case.pods().iter().filter(|pod| is_running(pod)).count();
    let pods = count(young.len(), "pod");
    let (have, do_) = if young.len() == 1 {
        ("has", "does")
    } else {
        ("have", "do")
    };
    let title = if all {
        format!("All pods have just started: their cpu counts once they are ready, at the latest in {left}")
    } else {
        format!("{pods} {have} just started and {do_} not count yet: at the latest in {left}")
    };
    let period = span(period);
    let mut finding = RULE.finding(
        Severity::Info,
        title,
        format!("for {period} after its start, a pod's cpu counts only from the first full sample after it became ready"),
    );
    for (pod, age) in young.iter().take(PROVED) {
        let ready = pod
            .condition("Ready")
            .map_or("unknown", |condition| &condition.status);
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!("started {} ago, Ready={ready}", span(*age)),
            "status.startTime",
        );
    }
    let finding = finding.estimates(
        "cpu initialization period",
        format!("{period} (the default)"),
        "kube-controller-manager flag",
    );
    Some(finding.verdict(if all { Verdict::Waiting } else { Verdict::Healthy }))
}
