//! TFS305 resource-not-measured
//!
//! ## What it detects
//! A `Resource` or `ContainerResource` metric that names something else than `cpu` or `memory`: `nvidia.com/gpu`,
//! `ephemeral-storage`, or a slip such as `CPU` or `cpu-percent`. No kubelet measures it, and it will never have a value.
//!
//! ## How it is proved
//! metrics.k8s.io has cpu and memory alone; where it answers, no sample of the pods has the resource.
//!
//! ## What it is not
//! cpu and memory without a sample are TFS304. A resource that the samples do have is measured, whatever its name.
//!
//! ## Fix
//! Name `cpu` or `memory`; for anything else an adapter has to serve a `Pods` or `External` metric.
//!
//! ## Source
//! `metrics.k8s.io/v1beta1`, filled by metrics-server from the kubelets' `/metrics/resource`
//! (`pkg/scraper/client/resource/decode.go`, v0.9): cpu and memory.

use crate::diagnosis::adapters::nearest;
use crate::diagnosis::phrase::list;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricSpec, MetricTarget};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS305",
    name: "resource-not-measured",
    stage: Stage::MetricsPipeline,
    source: documentation!("resource_not_measured.rs"),
    explains: &["TFS401", "TFS402", "TFS403", "TFS404", "TFS607"],
    needs: &[],
    check,
};

/// What a kubelet measures.
pub(super) const MEASURED: &[&str] = &["cpu", "memory"];

fn check(case: &Case<'_>) -> Option<Finding> {
    let metrics = &case.facts.hpa.metrics;
    let (index, metric) = metrics.iter().enumerate().find(|(_, metric)| {
        matches!(metric.type_.as_str(), "Resource" | "ContainerResource") && !is_measured(case, &metric.name)
    })?;
    let blocks = metrics.len() == 1 || case.blocked_by().is_some();
    let name = &metric.name;
    let finding = RULE.finding(
        if blocks {
            Severity::Error
        } else {
            Severity::Warning
        },
        format!("Nothing measures {name}: resource metrics are cpu and memory alone"),
        "kubelets measure no other resource, so this metric never has a value",
    );
    let finding = case.on_hpa(finding).saw(
        format!("spec.metrics[{index}]"),
        format!("{} {name}", metric.type_),
        "GET the HPA",
    );
    let finding = with_samples(case, finding);
    Some(with_fix(case, finding, index, metric))
}

fn is_measured(case: &Case<'_>, resource: &str) -> bool {
    let samples = case.facts.pod_metrics.known().into_iter().flatten();
    let mut containers = samples.flat_map(|sample| &sample.containers);
    MEASURED.contains(&resource) || containers.any(|container| container.usage.contains_key(resource))
}

fn with_samples(case: &Case<'_>, finding: Finding) -> Finding {
    let samples = case.facts.pod_metrics.known().into_iter().flatten();
    let mut seen: Vec<&str> = samples
        .flat_map(|sample| &sample.containers)
        .flat_map(|container| container.usage.keys().map(String::as_str))
        .collect();
    seen.sort_unstable();
    seen.dedup();
    if seen.is_empty() {
        return finding;
    }
    finding.saw(
        "samples of the pods",
        format!("have {}", list(&seen)),
        "LIST pods.metrics.k8s.io",
    )
}

fn with_fix(case: &Case<'_>, finding: Finding, index: usize, metric: &MetricSpec) -> Finding {
    let begins = MEASURED
        .iter()
        .find(|known| metric.name.to_lowercase().starts_with(*known));
    let meant = begins.copied().or_else(|| nearest(&metric.name, MEASURED));
    let field = if metric.type_ == "Resource" {
        "resource"
    } else {
        "containerResource"
    };
    let finding = match meant {
        Some(meant) => {
            let rename = format!(r#"{{"op":"replace","path":"/spec/metrics/{index}/{field}/name","value":"{meant}"}}"#);
            let patch = match (&metric.target, metric.name.to_lowercase().contains("percent")) {
                // Somebody wrote a percentage as a value.
                (MetricTarget::AverageValue(value), true) if value.0.parse::<u32>().is_ok() => format!(
                    r#"[{rename},{{"op":"replace","path":"/spec/metrics/{index}/{field}/target","value":{{"type":"Utilization","averageUtilization":{value}}}}}]"#
                ),
                _ => format!("[{rename}]"),
            };
            finding.fix(
                format!("read {meant}"),
                case.patch_hpa_json(&patch),
                "changes the HPA alone",
            )
        }
        None if case.facts.hpa.metrics.len() == 1 => finding.fix(
            "scale by cpu",
            case.patch_hpa(
                r#"{"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]}"#,
            ),
            "changes the HPA alone; every container needs a cpu request",
        ),
        None => finding.fix(
            format!("go on without {}", metric.name),
            case.patch_hpa_json(&format!(r#"[{{"op":"remove","path":"/spec/metrics/{index}"}}]"#)),
            "changes the HPA alone; it scales by its other metrics",
        ),
    };
    if meant.is_some() {
        return finding;
    }
    finding.advice(
        format!(
            "to scale by {}, export it and read it as a Pods metric through an adapter",
            metric.name
        ),
        "for example the DCGM exporter with Prometheus Adapter, for GPUs",
    )
}
