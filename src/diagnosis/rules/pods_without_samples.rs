//! TFS506 pods-without-samples
//!
//! ## What it detects
//! Some pods have run for minutes and metrics-server has no usage of them, while it has that of the others: its node
//! cannot be read. The HPA takes them for idle before it scales up and for fully used before it scales down.
//!
//! ## How it is proved
//! A running pod of the workload is older than the first two samples take, and has no complete sample, while another
//! pod has one.
//!
//! ## What it is not
//! No sample of any pod is TFS304. A pod that has just started has no sample yet.
//!
//! ## Fix
//! Let metrics-server read the nodes that are named; its log tells what it got from them.
//!
//! ## Source
//! `groupPods` and `GetResourceReplicas` in `replica_calculator.go`, Kubernetes v1.37.

use crate::diagnosis::case::{FIRST_SAMPLES_SECONDS, is_own, is_running};
use crate::diagnosis::phrase::{count, list, span};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Pod;
use crate::hpa::replicas::Counted;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS506",
    name: "pods-without-samples",
    stage: Stage::Pods,
    source: include_str!("pods_without_samples.rs"),
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
