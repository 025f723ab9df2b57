//! TFS801 cpu-metric-on-gpu-model
//!
//! ## What it detects
//! TensorFlow Serving computes on a GPU, and the HPA reads nothing but cpu and memory. The GPU can be full, and requests
//! wait for it, while the cpu has little to do.
//!
//! ## How it is proved
//! The serving container asks for a GPU, and every metric of the HPA is `cpu` or `memory`. metrics.k8s.io does not know
//! how busy a GPU is, so whether it is the bottleneck is not proven.
//!
//! ## What it is not
//! An HPA that reads another metric too follows that one.
//!
//! ## Fix
//! Scale on what the GPU limits: requests in the queue, latency, or the GPU's utilization, through an adapter of
//! custom.metrics.k8s.io.
//!
//! ## Source
//! `performance.md` of TensorFlow Serving; the replica calculation is by the metric, Kubernetes v1.37.

use crate::diagnosis::phrase::list;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving;
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{Container, Quantity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS801",
    name: "cpu-metric-on-gpu-model",
    stage: Stage::Serving,
    source: documentation!("cpu_metric_on_gpu_model.rs"),
    explains: &[],
    needs: &[Need::Target],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let metrics = &case.facts.hpa.metrics;
    let blind = |name: &str| matches!(name, "cpu" | "memory");
    let of_kubelet = metrics.iter().all(|metric| {
        blind(&metric.name) && matches!(metric.type_.as_str(), "Resource" | "ContainerResource")
    });
    if metrics.is_empty() || !of_kubelet {
        return None;
    }
    let container = serving::of_template(case)?.container;
    let (resource, number) = gpu(container)?;
    let target = &case.facts.hpa.target;
    let names = list(&case.resources());
    let finding = RULE
        .finding(
            Severity::Info,
            format!(
                "{} computes on a GPU, and the HPA reads {names} alone: a full GPU does not scale it up",
                case.target_label()
            ),
            "requests wait for the GPU while the cpu has little to do, and metrics.k8s.io knows nothing of GPUs",
        )
        .at_most(Confidence::Likely)
        .hint()
        .container(
            &target.kind,
            &case.facts.hpa.namespace,
            &target.name,
            &container.name,
        )
        .saw(
            format!("container {}", container.name),
            format!("limits {resource} {}", number.0),
            "spec.template",
        )
        .saw("metrics of the HPA", names, "spec.metrics");
    Some(case.with_default_metric(finding).advice(
        "scale on requests in the queue, latency or GPU utilization",
        "a Pods metric, through an adapter of custom.metrics.k8s.io; cpu may stay as a second metric",
    ))
}

/// A GPU by the name that its vendor's device plugin gives it: `nvidia.com/gpu`, `nvidia.com/mig-1g.5gb`,
/// `amd.com/gpu`, `gpu.intel.com/i915`.
fn gpu(container: &Container) -> Option<(&str, &Quantity)> {
    let is_gpu = |name: &str| {
        let (vendor, device) = name.split_once('/').unwrap_or(("", name));
        device == "gpu" || vendor == "nvidia.com" && device.starts_with("mig-") || vendor == "gpu.intel.com"
    };
    let resources = &container.resources;
    resources
        .limits
        .iter()
        .chain(&resources.requests)
        .find(|(name, number)| is_gpu(name) && number.milli_value().is_ok_and(|number| number > 0))
        .map(|(name, number)| (name.as_str(), number))
}
