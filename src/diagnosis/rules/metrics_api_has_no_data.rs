//! TFS304 metrics-api-has-no-data
//!
//! ## What it detects
//! The resource metrics API answers, and has no sample of any of the HPA's running pods.
//!
//! ## How it is proved
//! `LIST pods.metrics.k8s.io` with the HPA's selector returns none of the running pods. The reason is read from
//! the ages of the pods and of metrics-server, and from its log.
//!
//! ## What it is not
//! For the first minute of a pod, or of metrics-server, this is normal: two samples are needed, 15 s apart.
//! Refused certificates are TFS303; pods that do not run are TFS503.
//!
//! ## Fix
//! Wait where it is young. Otherwise let metrics-server reach port 10250 of every node, with the right address
//! type and the right to read `nodes/metrics`.
//!
//! ## Source
//! `GetResourceMetric` in `metrics/client.go`, Kubernetes v1.37; `pkg/storage/pod.go` of metrics-server.

use crate::diagnosis::case::{FIRST_SAMPLES_SECONDS, is_running, refused};
use crate::diagnosis::phrase::{self, count, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Confidence, Finding, Severity, Verdict};
use crate::facts::{LogLine, MetricsServer, Pod};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS304",
    name: "metrics-api-has-no-data",
    stage: Stage::MetricsPipeline,
    source: include_str!("metrics_api_has_no_data.rs"),
    explains: &["TFS607"],
    needs: &[
        Need::Pods,
        Need::PodMetrics,
        Need::MetricsServer,
        Need::MetricsServerLog,
    ],
    check,
};

/// What a scrape that fails writes, and what that means.
const FAILURES: &[(&str, &str)] = &[
    (
        "connection refused",
        "nothing listens on the kubelet's port at the address that metrics-server uses",
    ),
    (
        "no route to host",
        "there is no route from metrics-server to the nodes",
    ),
    (
        "i/o timeout",
        "the way from metrics-server to the nodes' port 10250 is blocked",
    ),
    (
        "deadline exceeded",
        "the kubelets do not answer metrics-server in time",
    ),
    ("no such host", "metrics-server cannot resolve the nodes' names"),
    ("403", "the kubelets forbid metrics-server to read nodes/metrics"),
    (
        "orbidden",
        "the kubelets forbid metrics-server to read nodes/metrics",
    ),
    ("401", "the kubelets do not accept metrics-server's credentials"),
];

fn check(case: &Case<'_>) -> Option<Finding> {
    case.resource_metrics().next()?;
    case.facts.pod_metrics.known()?;
    let running: Vec<&Pod> = case.own_pods().filter(|pod| is_running(pod)).collect();
    let silent = running.iter().all(|pod| case.sample(pod).is_none());
    if running.is_empty() || !silent || !case.resource_metrics_api_available() {
        return None;
    }
    let oldest = running.iter().filter_map(|pod| case.age(pod)).max();
    let server = case.cluster.metrics_server.known();
    let server_age = server.and_then(|server| server.pods.iter().filter_map(|pod| case.age(pod)).max());
    let finding = match (oldest, server_age) {
        (Some(age), _) if age < FIRST_SAMPLES_SECONDS => young("The pods", "the pods", age),
        (_, Some(age)) if age < FIRST_SAMPLES_SECONDS => young("metrics-server", "metrics-server", age),
        _ => missing(case, server, &running),
    };
    let finding = case.on_target(finding).saw(
        format!("samples of {}", count(running.len(), "running pod")),
        "none",
        "LIST pods.metrics.k8s.io",
    );
    let ages = oldest.map_or_else(
        || "unknown".to_owned(),
        |age| format!("the oldest runs for {}", span(age)),
    );
    Some(finding.saw("pods", ages, "status.startTime"))
}

fn young(subject: &str, who: &str, age: i64) -> Finding {
    let left = span(FIRST_SAMPLES_SECONDS - age);
    let verb = if who == "the pods" { "are" } else { "is" };
    RULE.finding(
        Severity::Info,
        format!(
            "{subject} {verb} only {} old: the first samples are due within {left}",
            span(age)
        ),
        "metrics-server needs two samples of each container, 15 s apart",
    )
    .verdict(Verdict::Waiting)
}

fn missing(case: &Case<'_>, server: Option<&MetricsServer>, running: &[&Pod]) -> Finding {
    let failure = server
        .and_then(|server| server.log.known())
        .and_then(|log| last_failure(log));
    let namespace = server.map_or("kube-system", |server| &server.namespace);
    let name = server.map_or("metrics-server", |server| &server.name);
    let logs = format!(
        "kubectl logs deployment/{} -n {} --tail=50",
        word(name),
        word(namespace)
    );
    let subject = format!(
        "metrics-server has no sample of {}",
        count(running.len(), "running pod")
    );
    if let Some((line, meaning)) = failure {
        let when = line
            .time
            .map_or_else(String::new, |time| format!(", {}", phrase::ago(time, case.now)));
        return RULE
            .finding(Severity::Error, format!("{subject}: it cannot read the kubelets"), meaning)
            .object("Deployment", namespace, name)
            .saw(format!("log of metrics-server{when}"), failure_text(&line.text), format!("pods/log of {}", line.pod))
            .fix("see which nodes fail", logs, "reads only")
            .advice(
                "open port 10250 of the nodes to metrics-server, or set --kubelet-preferred-address-types=InternalIP",
                "rolls metrics-server",
            );
    }
    let nodes: Vec<&str> = running.iter().filter_map(|pod| pod.node.as_deref()).collect();
    let finding = RULE
        .finding(
            Severity::Error,
            subject,
            "the API answers, and what it knows does not include these pods",
        )
        .at_most(Confidence::Likely)
        .saw("nodes of the pods", phrase::list(&nodes), "spec.nodeName");
    match server.and_then(|server| refused(&server.log)) {
        Some(unreadable) => finding.could_not_read(unreadable),
        None => finding,
    }
    .fix(
        "see whether these nodes are known",
        "kubectl top nodes",
        "reads only",
    )
    .fix("see what metrics-server says", logs, "reads only")
}

/// The error of a klog line, without the place in the source that wrote it.
fn failure_text(text: &str) -> &str {
    text.split_once("err=").map_or(text, |(_, error)| error)
}

fn last_failure(log: &[LogLine]) -> Option<(&LogLine, &'static str)> {
    log.iter().rev().find_map(|line| {
        let (_, meaning) = FAILURES.iter().find(|(text, _)| line.text.contains(text))?;
        Some((line, *meaning))
    })
}
