//! TFS303 kubelet-certificate-refused
//!
//! ## What it detects
//! Metrics-server refuses the serving certificates of the kubelets, so it has no samples and never becomes
//! ready. Kubelets sign their own certificate unless the cluster was set up otherwise.
//!
//! ## How it is proved
//! The log of metrics-server names the refused certificate (`x509:`, `tls: failed to verify certificate`).
//! Where the log cannot be read, it is likely when metrics-server runs without being ready and its arguments
//! neither skip the check nor name a certificate authority.
//!
//! ## What it is not
//! A kubelet that cannot be reached, or that forbids the request, is TFS304.
//!
//! ## Fix
//! On a test cluster: `--kubelet-insecure-tls`. In production: `serverTLSBootstrap: true` for the kubelets and
//! approval of their certificate requests, or `--kubelet-certificate-authority` with the authority that
//! signed their certificates.
//!
//! ## Source
//! metrics-server v0.9, `pkg/scraper/client/resource`; Kubernetes documentation, kubelet TLS bootstrapping.

use crate::diagnosis::case::{is_available, is_ready, refused};
use crate::diagnosis::phrase::{self, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::scrape::{node_of, only_node};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{ApiService, LogLine, MetricsServer};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS303",
    name: "kubelet-certificate-refused",
    stage: Stage::MetricsPipeline,
    source: documentation!("kubelet_certificate_refused.rs"),
    explains: &["TFS302", "TFS304", "TFS607"],
    needs: &[Need::MetricsServer, Need::MetricsServerLog],
    check,
};

/// The arguments that decide how the certificate is checked.
const FLAGS: &[&str] = &["--kubelet-insecure-tls", "--kubelet-certificate-authority"];

fn check(case: &Case<'_>) -> Option<Finding> {
    let server = case.cluster.metrics_server.known()?;
    let api = case.cluster.resource_metrics_api.known()?;
    let answers = case
        .facts
        .pod_metrics
        .known()
        .is_some_and(|samples| !samples.is_empty());
    if case.resource_metrics().next().is_none() || answers && is_available(api) {
        return None;
    }
    let checks = !server
        .args
        .iter()
        .any(|argument| FLAGS.iter().any(|flag| argument.starts_with(flag)));
    let refusing = server.log.known().and_then(|log| {
        log.iter()
            .rev()
            .find(|line| is_refusal(&line.text) && concerns(case, api, line))
    });
    let starts_unready = !server.pods.is_empty() && !server.pods.iter().any(is_ready);
    let finding = match (refusing, refused(&server.log)) {
        (Some(line), _) => {
            // A server that answers reads other nodes.
            let log = server.log.known().map_or(&[][..], Vec::as_slice);
            let alone = only_node(log).filter(|_| is_available(api));
            with_line(begin(server, alone), line, case)
        }
        (None, Some(unreadable)) if checks && starts_unready && misses_endpoints(case) => begin(server, None)
            .saw("pods of metrics-server", "running, not ready", "LIST pods")
            .could_not_read(unreadable)
            .at_most(Confidence::Likely),
        _ => return None,
    };
    let finding = if checks {
        finding.saw(
            "arguments of metrics-server",
            format!("neither {} nor {}", FLAGS[0], FLAGS[1]),
            "spec.containers[].args",
        )
    } else {
        finding
    };
    Some(with_fixes(finding, server))
}

/// Where the API answers, only the nodes of the HPA's own pods are of interest.
fn concerns(case: &Case<'_>, api: &ApiService, line: &LogLine) -> bool {
    let node = node_of(&line.text).filter(|_| is_available(api));
    node.is_none_or(|node| case.own_pods().any(|pod| pod.node.as_deref() == Some(node)))
}

fn misses_endpoints(case: &Case<'_>) -> bool {
    let api = case.cluster.resource_metrics_api.known();
    api.and_then(|api| api.available.as_ref())
        .is_some_and(|condition| condition.reason == "MissingEndpoints")
}

fn begin(server: &MetricsServer, node: Option<&str>) -> Finding {
    let (whose, why) = match node {
        Some(node) => (
            format!("the certificate of node {node}'s kubelet"),
            "it reads the other nodes, and cannot verify who signed this one's",
        ),
        None => (
            "the kubelets' certificates".to_owned(),
            "it cannot verify who signed them, and reads nothing until it can",
        ),
    };
    let finding = RULE
        .finding(
            Severity::Error,
            format!("metrics-server refuses {whose}, so no usage reaches the HPA"),
            why,
        )
        .shared(&server.name)
        .object("Deployment", &server.namespace, &server.name);
    match node {
        Some(node) => finding.object("Node", "", node),
        None => finding,
    }
}

fn with_line(finding: Finding, line: &LogLine, case: &Case<'_>) -> Finding {
    let when = line
        .time
        .map_or_else(String::new, |time| format!(", {}", phrase::ago(time, case.now)));
    finding.saw(
        format!("log of metrics-server{when}"),
        refusal(&line.text),
        format!("pods/log of {}", line.pod),
    )
}

fn with_fixes(finding: Finding, server: &MetricsServer) -> Finding {
    let patch =
        r#"[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--kubelet-insecure-tls"}]"#;
    finding
        .fix(
            "on a test cluster",
            format!(
                "kubectl patch deployment {} -n {} --type=json -p '{patch}'",
                word(&server.name),
                word(&server.namespace)
            ),
            "metrics-server rolls, and trusts any kubelet",
        )
        .fix(
            "in production, serverTLSBootstrap: true for the kubelets",
            "kubectl get csr --field-selector spec.signerName=kubernetes.io/kubelet-serving",
            "then `kubectl certificate approve NAME`",
        )
        .advice(
            "--kubelet-certificate-authority=FILE, the authority that signed them",
            "rolls metrics-server",
        )
}

fn is_refusal(text: &str) -> bool {
    text.contains("x509:") || text.contains("tls: failed to verify certificate")
}

/// The part of the line that names the refusal.
fn refusal(text: &str) -> &str {
    let start = text
        .find("tls: failed to verify certificate")
        .or_else(|| text.find("x509:"));
    let tail = start.map_or(text, |start| &text[start..]);
    tail.split('"').next().unwrap_or(tail).trim_end_matches('\\')
}
