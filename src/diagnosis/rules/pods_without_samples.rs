//! TFS506 pods-without-samples
//!
//! ## What it detects
//! Some pods have run for minutes and metrics-server has no usage of them, while it has that of the others: its node
//! cannot be read. The HPA takes them for idle before it scales up and for fully used before it scales down.
//!
//! ## How it is proved
//! A running pod of the workload is older than the first two samples take, and has no complete sample, while another
//! pod has one. Or a pod of the workload has succeeded, as a node that shuts down leaves it: it still counts, as idle.
//!
//! ## What it is not
//! No sample of any pod is TFS304. A pod that has just started has no sample yet.
//!
//! ## Fix
//! Let metrics-server read the nodes that are named; its log tells what it got from them. Delete the pods that have ended.
//!
//! ## Source
//! `groupPods` and `GetResourceReplicas` in `replica_calculator.go`, Kubernetes v1.37.

use crate::diagnosis::adapters::custom_version;
use crate::diagnosis::case::{FIRST_SAMPLES_SECONDS, is_own, is_running};
use crate::diagnosis::foreign;
use crate::diagnosis::phrase::{count, list, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Pod;
use crate::hpa::replicas::{Counted, PodShare};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS506",
    name: "pods-without-samples",
    stage: Stage::Pods,
    source: documentation!("pods_without_samples.rs"),
    explains: &["TFS603", "TFS614"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// How many pods are proved one by one.
const PROVED: usize = 3;

fn check(case: &Case<'_>) -> Option<Finding> {
    let missing = case.shares(Counted::Missing);
    let running: Vec<&Pod> = case.pods().iter().filter(|pod| is_running(pod)).collect();
    let silent: Vec<(&Pod, i64)> = running
        .iter()
        .filter(|pod| is_own(pod) && missing.iter().any(|share| share.name == pod.name))
        // A sample without one container is that container's restart.
        .filter(|pod| case.sample(pod).is_none())
        .filter_map(|pod| Some((*pod, case.age(pod)?)))
        .filter(|(_, age)| *age >= 2 * FIRST_SAMPLES_SECONDS)
        .collect();
    if let Some(finding) = ended(case, &missing).or_else(|| without_series(case)) {
        return Some(finding);
    }
    if silent.is_empty() || running.iter().all(|pod| case.sample(pod).is_none()) {
        return None;
    }
    let mut nodes: Vec<&str> = silent.iter().filter_map(|(pod, _)| pod.node.as_deref()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let label = case.target_label();
    let plural = if nodes.len() == 1 { "node" } else { "nodes" };
    let mut finding = RULE.finding(
        Severity::Warning,
        format!(
            "metrics-server has no usage of {} of {} of {label}, on {plural} {}",
            silent.len(),
            count(running.len(), "running pod"),
            list(&nodes)
        ),
        "the HPA counts them as idle before it scales up, and as fully used before it scales down",
    );
    for (pod, _) in &silent {
        finding = finding.object("Pod", &pod.namespace, &pod.name);
    }
    for node in &nodes {
        finding = finding.object("Node", "", node);
    }
    for (pod, age) in silent.iter().take(PROVED) {
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!(
                "runs on {} for {}, no sample",
                pod.node.as_deref().unwrap_or("no node"),
                span(*age)
            ),
            "LIST pods.metrics.k8s.io",
        );
    }
    let server = case.cluster.metrics_server.known();
    let (namespace, name) = server.map_or(("kube-system", "metrics-server"), |it| (&it.namespace, &it.name));
    Some(
        finding
            .fix("see which nodes have usage", "kubectl top nodes", "reads only")
            .fix(
                "see what metrics-server got from the others",
                format!("kubectl logs deployment/{name} -n {namespace} --tail=50"),
                "reads only",
            ),
    )
}

/// Pods for which an adapter has no value of a `Pods` metric, while it has one for others: many sources have no series for a
/// pod that got no request yet.
fn without_series(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric().filter(|metric| metric.type_ == "Pods")?;
    metric.damped_ratio?;
    let silent: Vec<(&Pod, i64)> = metric
        .pods
        .iter()
        .filter(|share| share.counted == Counted::Missing)
        .filter_map(|share| {
            case.own_pods()
                .find(|pod| pod.name == share.name && is_running(pod))
        })
        .filter_map(|pod| Some((pod, case.age(pod)?)))
        .filter(|(_, age)| *age >= 2 * FIRST_SAMPLES_SECONDS)
        .collect();
    if silent.is_empty() {
        return None;
    }
    let running = case.own_pods().filter(|pod| is_running(pod)).count();
    let name = &metric.name;
    let mut finding = RULE.finding(
        Severity::Warning,
        format!(
            "The adapter has no {name} of {} of {} of {}",
            silent.len(),
            count(running, "running pod"),
            case.target_label()
        ),
        "the HPA counts them as idle before it scales up, and as at the target before it scales down: it cannot go down",
    );
    for (pod, age) in silent.iter().take(PROVED) {
        finding = finding.object("Pod", &pod.namespace, &pod.name).saw(
            format!("Pod {}", pod.name),
            format!("runs for {}, no value", span(*age)),
            "the metric's own API",
        );
    }
    Some(
        finding
            .fix(
                "see which pods the adapter has a value for",
                format!(
                    "kubectl get --raw {}",
                    word(&format!(
                        "/apis/custom.metrics.k8s.io/{}/namespaces/{}/pods/*/{name}",
                        custom_version(case),
                        case.facts.hpa.namespace
                    ))
                ),
                "reads only",
            )
            .advice(
                "let the query give 0 for a pod that has got no request (in PromQL: `or` a series of zeros of the pods)",
                "a pod without a series is not idle in the HPA's eyes, it is unknown",
            ),
    )
}

/// Pods of the workload that have succeeded and still damp the arithmetic.
fn ended(case: &Case<'_>, missing: &[&PodShare]) -> Option<Finding> {
    let damped = case.deciding_metric()?.damped_ratio.is_some();
    let ended: Vec<&Pod> = case
        .own_pods()
        .filter(|pod| pod.phase == "Succeeded" && missing.iter().any(|share| share.name == pod.name))
        .collect();
    if ended.is_empty() || !damped {
        return None;
    }
    let label = case.target_label();
    let has = if ended.len() == 1 {
        "has ended and is"
    } else {
        "have ended and are"
    };
    let mut finding = RULE.finding(
        Severity::Warning,
        format!("{} of {label} {has} still counted, as idle", count(ended.len(), "pod")),
        "the HPA leaves out pods that have failed, not those that have succeeded; they have no usage any more",
    );
    for pod in &ended {
        finding = finding.object("Pod", &pod.namespace, &pod.name);
    }
    for pod in ended.iter().take(PROVED) {
        let reason = pod
            .reason
            .as_deref()
            .map_or_else(String::new, |reason| format!(" ({reason})"));
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!("Succeeded{reason}, no sample"),
            "LIST pods",
        );
    }
    Some(foreign::delete(case, finding, &ended))
}
