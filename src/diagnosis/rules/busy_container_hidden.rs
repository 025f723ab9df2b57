//! TFS613 busy-container-hidden
//!
//! ## What it detects
//! One container is above the target of the HPA, and the HPA does not see it: another container of the same pods
//! requests at least as much and is idle, so that the average of the pod stays low. Or a `ContainerResource` metric reads
//! the idle container alone, for example the proxy that a mesh has put into the pods.
//!
//! ## How it is proved
//! Usage and requests of every container were read: the container alone, judged as the HPA would, wants more replicas
//! than run, and the pod as a whole does not.
//!
//! ## What it is not
//! A sidecar above its own small request, beside the container that the metric reads. A single container cannot be
//! hidden.
//!
//! ## Fix
//! Read the busy container alone with a `ContainerResource` metric, or request less for the idle one.
//!
//! ## Source
//! `GetResourceUtilizationRatio` in `metrics/utilization.go`, Kubernetes v1.37: the sums over all containers are divided.

use std::collections::BTreeMap;

use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricSpec, MetricTarget, Pod};
use crate::hpa::replicas::Counted;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS613",
    name: "busy-container-hidden",
    stage: Stage::Arithmetic,
    source: documentation!("busy_container_hidden.rs"),
    explains: &["TFS601", "TFS603", "TFS604", "TFS614"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// An idle container uses less than this share of its request, in percent.
const IDLE_PERCENT: i64 = 20;

/// `ContainerResource` metrics work without a feature gate from this minor version on.
const CONTAINER_METRICS: u32 = 27;

fn check(case: &Case<'_>) -> Option<Finding> {
    let recommendation = case.recommendation?;
    let current = recommendation.current_replicas;
    // What scales up, or is at its limit, is not hidden.
    if recommendation.metrics_want.is_none_or(|wanted| wanted > current)
        || current >= case.facts.hpa.max_replicas
    {
        return None;
    }
    let metrics = case.facts.hpa.metrics.iter().enumerate();
    metrics
        .filter(|(_, metric)| metric.type_ == "Resource" && metric.name == "cpu")
        .find_map(|(index, metric)| hidden(case, index, metric))
        .or_else(|| unread(case))
}

/// Whether a percentage is above the target by more than the tolerance.
fn above(case: &Case<'_>, percent: i64, target: i64) -> bool {
    let (Ok(percent), Ok(target)) = (i32::try_from(percent), i32::try_from(target)) else {
        return false;
    };
    f64::from(percent) > f64::from(target) * (1.0 + case.controller.tolerance)
}

/// A metric of one container, which is idle, while no metric reads the busy one.
fn unread(case: &Case<'_>) -> Option<Finding> {
    let cpu: Vec<(usize, &MetricSpec)> = (0..)
        .zip(&case.facts.hpa.metrics)
        .filter(|(_, metric)| metric.name == "cpu" && metric.type_.ends_with("Resource"))
        .collect();
    let (index, metric) = *cpu.first()?;
    let MetricTarget::AverageUtilization(target) = metric.target else {
        return None;
    };
    let (target, read) = (i64::from(target), metric.container.as_deref()?);
    let sums = sums(case, "cpu")?;
    let read_sum = sums.get(read).filter(|sum| sum.percent() < IDLE_PERCENT)?;
    let (busy, sum) = sums
        .iter()
        .filter(|(name, sum)| {
            !cpu.iter()
                .any(|(_, metric)| metric.container.as_ref().is_none_or(|read| read == *name))
                && sum.request >= read_sum.request
        })
        .max_by_key(|(_, sum)| sum.percent())?;
    let percent = sum.percent();
    if !above(case, percent, target) {
        return None;
    }
    let (label, hpa) = (case.target_label(), &case.facts.hpa);
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "Container {busy} of {label} is at {percent}% of its cpu request, but the HPA reads container {read} \
                 alone: {}% of {target}%",
                read_sum.percent()
            ),
            "a `ContainerResource` metric reads one container, and whatever the others use counts for nothing",
        )
        .container(&hpa.target.kind, &hpa.namespace, &hpa.target.name, busy)
        .saw(format!("container {busy}"), sum.shown(), "LIST pods.metrics.k8s.io")
        .saw(format!("container {read}"), read_sum.shown(), "LIST pods.metrics.k8s.io");
    Some(case.on_hpa(finding).fix(
        format!("let the HPA read container {busy}"),
        case.read_container(index, busy),
        "changes the HPA alone",
    ))
}

/// Usage and request of one container over all pods that count, in thousandths.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    usage: i64,
    request: i64,
}

impl Sum {
    fn percent(self) -> i64 {
        self.usage.saturating_mul(100) / self.request.max(1)
    }

    fn shown(self) -> String {
        format!(
            "uses {}m, requests {}m: {}%",
            self.usage,
            self.request,
            self.percent()
        )
    }
}

fn hidden(case: &Case<'_>, index: usize, metric: &MetricSpec) -> Option<Finding> {
    let MetricTarget::AverageUtilization(target) = metric.target else {
        return None;
    };
    let target = i64::from(target);
    let sums = sums(case, &metric.name)?;
    let (busy, sum) = sums.iter().max_by_key(|(_, sum)| sum.percent())?;
    let percent = sum.percent();
    let (idle, idle_sum) = sums
        .iter()
        .filter(|(name, other)| {
            *name != busy && other.request >= sum.request && other.percent() < IDLE_PERCENT
        })
        .max_by_key(|(_, other)| other.request)?;
    let whole = sums.values().fold(Sum::default(), |all, one| Sum {
        usage: all.usage.saturating_add(one.usage),
        request: all.request.saturating_add(one.request),
    });
    if !above(case, percent, target) || whole.percent() >= target {
        return None;
    }
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "Container {busy} of {label} is at {percent}% of its cpu request, but the HPA sees {}% of {target}%: \
                 container {idle} hides it",
                whole.percent()
            ),
            "the HPA divides the usage of the whole pod by the requests of all its containers",
        )
        .container(&case.facts.hpa.target.kind, &case.facts.hpa.namespace, &case.facts.hpa.target.name, busy)
        .container(&case.facts.hpa.target.kind, &case.facts.hpa.namespace, &case.facts.hpa.target.name, idle);
    let finding = [(busy, sum), (idle, idle_sum)]
        .into_iter()
        .fold(finding, |finding, (name, sum)| {
            finding.saw(
                format!("container {name}"),
                sum.shown(),
                "LIST pods.metrics.k8s.io",
            )
        });
    if case.controller.minor < CONTAINER_METRICS {
        return Some(finding.advice(
            format!("request less cpu for container {idle}"),
            format!("rolls the pods of {label}"),
        ));
    }
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/metrics/{index}","value":{{"type":"ContainerResource","containerResource":{{"name":"cpu","container":"{busy}","target":{{"type":"Utilization","averageUtilization":{target}}}}}}}}}]"#
    );
    Some(
        case.on_hpa(finding)
            .fix(
                format!("let the HPA read container {busy} alone"),
                case.patch_hpa_json(&patch),
                "changes the HPA alone",
            )
            .advice(
                format!(
                    "request less cpu for container {idle}, which uses {}% of it",
                    idle_sum.percent()
                ),
                format!("rolls the pods of {label}"),
            ),
    )
}

/// The containers of the pods that count, by name; none where a pod requests for all of its containers at once.
fn sums(case: &Case<'_>, resource: &str) -> Option<BTreeMap<String, Sum>> {
    let counted = case.shares(Counted::Yes);
    let pods: Vec<&Pod> = case
        .own_pods()
        .filter(|pod| counted.iter().any(|share| share.name == pod.name))
        .collect();
    if pods.iter().any(|pod| pod.resources.is_some()) {
        return None;
    }
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for pod in pods {
        let sample = case.sample(pod)?;
        for measured in &sample.containers {
            let container = pod
                .containers
                .iter()
                .find(|container| container.name == measured.name && container.counts_for_requests())?;
            let sum = sums.entry(measured.name.clone()).or_default();
            sum.usage = sum
                .usage
                .saturating_add(measured.usage.get(resource)?.milli_value().ok()?);
            sum.request = sum
                .request
                .saturating_add(container.resources.requests.get(resource)?.milli_value().ok()?);
        }
    }
    Some(sums)
}
