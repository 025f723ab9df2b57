//! TFS301 metrics-api-not-registered
//!
//! ## What it detects
//! The HPA needs cpu or memory usage, and the cluster has no resource metrics API: metrics-server is not
//! installed, or its `APIService` is gone.
//!
//! ## How it is proved
//! The API server answers 404 for the `APIService` `v1beta1.metrics.k8s.io`; where that may not be read, it is
//! likely when listing the pods' samples answers 404. What the controller's event
//! says is not asked: `missing request for cpu` can be read there although every container has a request.
//!
//! ## What it is not
//! A registered API whose backend does not answer is TFS302; one that answers without samples is TFS304.
//!
//! ## Fix
//! Install metrics-server. On test clusters (minikube, kind) its kubelet certificate check has to be
//! relaxed, see TFS303.
//!
//! ## Source
//! `GetResourceMetric` in `metrics/client.go`, Kubernetes v1.37; the aggregation layer serves
//! `metrics.k8s.io` only through an `APIService`.

use crate::diagnosis::case::{is_own, refused};
use crate::diagnosis::offenders::offenders;
use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricsServer, Pod};
use crate::hpa::message::{ApiFailure, Message, MetricsApi};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS301",
    name: "metrics-api-not-registered",
    stage: Stage::MetricsPipeline,
    source: documentation!("metrics_api_not_registered.rs"),
    explains: &["TFS607"],
    needs: &[Need::ApiService],
    check,
};

/// The official manifest of metrics-server.
pub(super) const MANIFEST: &str =
    "https://github.com/kubernetes-sigs/metrics-server/releases/latest/download/components.yaml";

fn check(case: &Case<'_>) -> Option<Finding> {
    let resources = case.resources();
    let api = &case.cluster.resource_metrics_api;
    let blind = refused(api).filter(|_| case.facts.pod_metrics.is_absent() || not_served(case));
    if resources.is_empty() || !(api.is_absent() || blind.is_some()) {
        return None;
    }
    let usage = list(&resources);
    let mut finding = RULE
        .finding(
            Severity::Error,
            format!("Nothing serves metrics.k8s.io, so the HPA cannot read {usage} usage"),
            if case.cluster.metrics_server.known().is_some() {
                "metrics-server is there, and its APIService is not: it was deleted, or never created"
            } else {
                "metrics-server is not installed"
            },
        )
        .shared("v1beta1.metrics.k8s.io")
        .object("APIService", "", "v1beta1.metrics.k8s.io");
    finding = match blind {
        Some(reason) if case.facts.pod_metrics.is_absent() => finding
            .saw(
                "samples of the pods",
                "404: no such API",
                "LIST pods.metrics.k8s.io",
            )
            .could_not_read(reason),
        Some(reason) => case.with_condition(finding).could_not_read(reason),
        None => finding.saw(
            "APIService v1beta1.metrics.k8s.io",
            "not found",
            "GET apiservices/v1beta1.metrics.k8s.io",
        ),
    };
    let server = &case.cluster.metrics_server;
    finding = match (server.known(), refused(server)) {
        (Some(server), _) => finding.saw(
            format!("Deployment {}/{}", server.namespace, server.name),
            "exists, but no APIService leads to it",
            "LIST deployments",
        ),
        (None, Some(reason)) => finding.could_not_read(reason),
        (None, None) if server.is_absent() => finding.saw(
            "Deployment metrics-server",
            "none in any namespace",
            "LIST deployments",
        ),
        (None, None) => finding,
    };
    finding = with_requests(case, finding);
    if let Some(server) = server.known() {
        return Some(register(finding, server));
    }
    if let Some(command) = autoscale(case) {
        finding = finding.fix("install metrics-server", command, "the HPA stays as it is");
    }
    Some(
        finding
            .fix(
                "install it from its release",
                format!("kubectl apply -f {MANIFEST}"),
                "in kube-system",
            )
            .fix(
                "on minikube",
                "minikube addons enable metrics-server",
                "an addon of it",
            ),
    )
}

/// Only the registration is missing: creating it leaves metrics-server's own arguments alone.
fn register(finding: Finding, server: &MetricsServer) -> Finding {
    let port = server.service_ports.first().copied();
    let object = format!(
        r#"{{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{{"name":"v1beta1.metrics.k8s.io"}},"spec":{{"group":"metrics.k8s.io","version":"v1beta1","groupPriorityMinimum":100,"versionPriority":100,"insecureSkipTLSVerify":true,"service":{{"namespace":"{}","name":"metrics-server","port":{}}}}}}}"#,
        server.namespace,
        port.unwrap_or(443)
    );
    let finding = finding.object("Deployment", &server.namespace, &server.name);
    let finding = if port.is_none() && !matches!(server.replicas, Some(0)) {
        finding.fix(
            "create its Service, where there is none",
            format!(
                "kubectl expose deployment {} -n {} --name=metrics-server --port=443 --target-port=https",
                word(&server.name),
                word(&server.namespace)
            ),
            "a Service alone",
        )
    } else {
        finding
    };
    finding
        .fix(
            "register it again",
            format!("echo {} | kubectl apply -f -", word(&object)),
            "creates the APIService alone",
        )
        .fix(
            "or apply its whole release",
            format!("kubectl apply -f {MANIFEST}"),
            "in kube-system; its arguments become those of the release",
        )
}

/// The requests that are there are part of the proof: the controller's text may blame them.
fn with_requests(case: &Case<'_>, mut finding: Finding) -> Finding {
    let missing = offenders(case);
    let Some(pod) = case.pods().iter().find(|pod: &&Pod| is_own(pod)) else {
        return finding;
    };
    if !missing.is_empty() {
        return finding;
    }
    for metric in case.utilization_metrics() {
        for container in &pod.containers {
            if let Some(request) = container.resources.requests.get(&metric.name) {
                finding = finding.saw(
                    format!("container {}", container.name),
                    format!("requests {} {request}: the request is not the cause", metric.name),
                    format!("Pod {}", pod.name),
                );
            }
        }
    }
    finding
}

/// Whether the controller itself was told in its last sync that the API is not served.
fn not_served(case: &Case<'_>) -> bool {
    case.said.blocking().is_some_and(|symptom| {
        symptom.message
            == Message::MetricsApiFailed {
                api: MetricsApi::Resource,
                failure: ApiFailure::NotServed,
            }
    })
}

/// Our own command leaves the HPA as it is; it finds the HPA by its Deployment.
pub(super) fn autoscale(case: &Case<'_>) -> Option<String> {
    let target = &case.facts.hpa.target;
    (target.kind == "Deployment").then(|| {
        format!(
            "kubectl tfserve autoscale {} -n {} --install-metrics-server",
            word(&target.name),
            case.namespace()
        )
    })
}
