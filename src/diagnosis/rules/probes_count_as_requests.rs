//! TFS803 probes-count-as-requests
//!
//! ## What it detects
//! The HPA scales on the requests that TensorFlow Serving counts, and the kubelet's own HTTP probes are among them: each
//! replica brings requests that no client sent.
//!
//! ## How it is proved
//! A readiness or liveness probe is an `httpGet` below `/v1/` on the REST port, and the HPA's metric is called as the
//! request counter is, or as adapters rename it. Whether the adapter's query leaves probes out is not read, so the
//! finding is likely.
//!
//! ## What it is not
//! Latency counters by API, rates of predict requests alone, and probes of another kind. While probes make less than
//! half of the target, it is a hint only.
//!
//! ## Fix
//! Probe the gRPC port with tcpSocket, or count `request_latency_count` of the Predict API alone.
//!
//! ## Source
//! `http_rest_api_handler.cc` of TensorFlow Serving, 2.16 to 2.20: every REST request counts, status requests too.

use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Port, Server};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{MetricSpec, MetricTarget, Probe, ProbeKind};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS803",
    name: "probes-count-as-requests",
    stage: Stage::Serving,
    source: documentation!("probes_count_as_requests.rs"),
    explains: &[],
    needs: &[Need::Target],
    check,
};

/// From this share of the target on, probes decide how many replicas there are.
const WEIGHTY: f64 = 0.5;

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case
        .facts
        .hpa
        .metrics
        .iter()
        .find(|metric| counts_requests(metric))?;
    let server = serving::of_template(case)?;
    let probes = counted(server);
    probes.first()?;
    let rate: f64 = probes
        .iter()
        .map(|(_, probe)| 1.0 / f64::from(probe.period_seconds.max(1)))
        .sum();
    let share = share(metric, rate);
    let severity = if share.is_some_and(|share| share >= WEIGHTY) {
        Severity::Warning
    } else {
        Severity::Info
    };
    let of_target = share.map_or_else(String::new, |share| {
        format!(", {:.0}% of the target {}", share * 100.0, shown(metric))
    });
    let (target, label) = (&case.facts.hpa.target, case.target_label());
    let mut finding = RULE
        .finding(
            severity,
            format!("The probes of {label} count as requests: {rate:.1}/s in every pod{of_target}"),
            format!(
                "TensorFlow Serving counts the kubelet's status requests in {} too, so an idle replica looks used",
                metric.name
            ),
        )
        .at_most(Confidence::Likely)
        .hint()
        .container(
            &target.kind,
            &case.facts.hpa.namespace,
            &target.name,
            &server.container.name,
        );
    for (name, probe) in &probes {
        finding = finding.saw(
            *name,
            format!(
                "httpGet {} every {} s",
                probe.path.as_deref().unwrap_or("/"),
                probe.period_seconds
            ),
            "spec.template",
        );
    }
    finding = finding.saw("metric of the HPA", &metric.name, "spec.metrics");
    let changes = format!("rolls the pods of {label}");
    let title = "look whether the gRPC port is open instead";
    finding = match serving::tcp_probes(case, &probes) {
        Some(command) => finding.fix(title, command, changes),
        None => finding.advice(title, changes),
    };
    Some(finding.advice(
        "count :tensorflow:serving:request_latency_count of API Predict and predict in the adapter's query",
        "no pod restarts",
    ))
}

/// Whether a metric is the request counter, by its own name or as adapters call it: a colon is not allowed in theirs.
fn counts_requests(metric: &MetricSpec) -> bool {
    let name = metric.name.to_lowercase().replace([':', '-', '.'], "_");
    let of_server = ["tensorflow_serving", "tf_serving", "tfserving", "tfs_"]
        .iter()
        .any(|part| name.contains(part));
    let foreign = matches!(metric.type_.as_str(), "Pods" | "Object" | "External");
    let of_predictions = name.contains("predict") || name.contains("latency");
    foreign && of_server && name.contains("request") && !of_predictions
}

/// The probes that go on as long as a pod runs and are counted.
fn counted(server: Server<'_>) -> Vec<(&'static str, &Probe)> {
    let is_counted = |probe: &&Probe| {
        let rest = probe
            .port
            .is_some_and(|port| Port::At(port) == server.rest_port());
        let path = probe.path.as_deref().unwrap_or("/");
        probe.kind == ProbeKind::HttpGet && rest && path.starts_with("/v1/")
    };
    [
        ("readinessProbe", &server.told.readiness),
        ("livenessProbe", &server.told.liveness),
    ]
    .into_iter()
    .filter_map(|(name, probe)| Some((name, probe.as_ref().filter(is_counted)?)))
    .collect()
}

/// The probes' part of what a pod may have; the metric is taken for a rate, as adapters make one of a counter.
fn share(metric: &MetricSpec, rate: f64) -> Option<f64> {
    let MetricTarget::AverageValue(target) = &metric.target else {
        return None;
    };
    let target = target.approximate_f64().ok()?;
    (target > 0.0).then(|| rate / target)
}

fn shown(metric: &MetricSpec) -> &str {
    match &metric.target {
        MetricTarget::AverageValue(target) | MetricTarget::Value(target) => &target.0,
        MetricTarget::AverageUtilization(_) | MetricTarget::None => "it",
    }
}
