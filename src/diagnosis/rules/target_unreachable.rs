//! TFS610 target-unreachable
//!
//! ## What it detects
//! The limits of the containers end below the target of the metric: however great the load, usage cannot rise far
//! enough above the target, and the HPA can never scale up.
//!
//! ## How it is proved
//! Every container that counts has a limit, and the limits of the running pods together are at most the target plus
//! the tolerance; that holds for every metric of the HPA.
//!
//! ## What it is not
//! A container without a limit can use more than its request. Where one metric of several can be reached, the HPA can
//! scale.
//!
//! ## Fix
//! Lower the target below the limits, or raise the limits.
//!
//! ## Source
//! `GetResourceUtilizationRatio` in `metrics/utilization.go`, Kubernetes v1.37: usage is a percentage of requests, not of
//! limits; the kernel throttles cpu at the limit and ends a container at its memory limit.

use crate::diagnosis::case::is_running;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{Container, MetricSpec, MetricTarget, Pod, Quantity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS610",
    name: "target-unreachable",
    stage: Stage::Arithmetic,
    source: documentation!("target_unreachable.rs"),
    explains: &["TFS601", "TFS603", "TFS614"],
    needs: &[Need::Pods],
    check,
};

/// How far usage can rise, as a percentage of the requests.
struct Ceiling<'a> {
    metric: &'a MetricSpec,
    index: usize,
    target: i32,
    percent: i32,
    /// The container with the tightest limit.
    container: &'a str,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let hpa = &case.facts.hpa;
    if hpa.effective_min_replicas() == hpa.max_replicas || case.said.blocking().is_some() {
        return None;
    }
    let tolerance = case
        .scaling_rules(true)
        .and_then(|rules| rules.tolerance.as_ref())
        .and_then(|tolerance| tolerance.approximate_f64().ok())
        .unwrap_or(case.controller.tolerance);
    let ceilings: Vec<Ceiling<'_>> = hpa
        .metrics
        .iter()
        .enumerate()
        .map(|(index, metric)| {
            let ceiling = ceiling(case, index, metric)?;
            let needed = f64::from(ceiling.target) * (1.0 + tolerance);
            let reachable = f64::from(ceiling.percent) > needed;
            (!reachable).then_some(ceiling)
        })
        .collect::<Option<_>>()?;
    let first = ceilings.first()?;
    let (percent, target) = (first.percent, first.target);
    let resource = &first.metric.name;
    let label = case.target_label();
    let finding = RULE.finding(
        Severity::Warning,
        format!("The {resource} target of {target}% is out of reach: the limits of {label} end at {percent}% of its requests"),
        format!(
            "usage is a percentage of the request, and the limit caps it at {percent}%, so this HPA can never scale up"
        ),
    );
    let mut finding = case.on_hpa(finding);
    if let Some(pod) = own(case).next() {
        for container in counted(pod, first.metric) {
            finding = finding.saw(
                format!("container {}", container.name),
                format!(
                    "requests {resource} {}, limits {resource} {}",
                    amount(container.resources.requests.get(resource)),
                    amount(container.resources.limits.get(resource))
                ),
                "LIST pods",
            );
        }
    }
    finding = finding.estimates(
        "tolerance",
        format!("{}%", tolerance * 100.0),
        "the default, or spec.behavior",
    );
    // A common target leaves room for a load to be seen before the limit throttles it.
    let lower = (i64::from(percent) * 7 / 10).max(1);
    let kind = if first.metric.type_ == "ContainerResource" {
        "containerResource"
    } else {
        "resource"
    };
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/metrics/{}/{kind}/target/averageUtilization","value":{lower}}}]"#,
        first.index
    );
    Some(
        finding
            .fix(
                "lower the target below the limits",
                case.patch_hpa_json(&patch),
                "changes the HPA alone",
            )
            .advice(
                format!("raise the {resource} limit of container {}", first.container),
                format!("rolls the pods of {label}"),
            ),
    )
}

fn amount(quantity: Option<&Quantity>) -> &str {
    quantity.map_or("none", |quantity| quantity.0.as_str())
}

fn own<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Pod> {
    case.own_pods().filter(|pod| is_running(pod))
}

fn counted<'a>(pod: &'a Pod, metric: &'a MetricSpec) -> impl Iterator<Item = &'a Container> {
    pod.containers.iter().filter(|container| {
        container.counts_for_requests()
            && metric
                .container
                .as_ref()
                .is_none_or(|name| *name == container.name)
    })
}

/// None where nothing caps the usage, or where it is no percentage of requests.
fn ceiling<'a>(case: &Case<'a>, index: usize, metric: &'a MetricSpec) -> Option<Ceiling<'a>> {
    let MetricTarget::AverageUtilization(target) = metric.target else {
        return None;
    };
    let (mut requests, mut limits) = (0_i64, 0_i64);
    let mut tightest: Option<(&str, i64)> = None;
    // A pod-level request or a pod of somebody else makes another sum than that of the containers.
    if case.foreign_pods().next().is_some() {
        return None;
    }
    for pod in own(case) {
        if pod.resources.is_some() {
            return None;
        }
        for container in counted(pod, metric) {
            let request = container
                .resources
                .requests
                .get(&metric.name)?
                .milli_value()
                .ok()?;
            let limit = container.resources.limits.get(&metric.name)?.milli_value().ok()?;
            requests = requests.checked_add(request)?;
            limits = limits.checked_add(limit)?;
            let share = limit.checked_mul(100)?.checked_div(request)?;
            if tightest.is_none_or(|(_, least)| share < least) {
                tightest = Some((&container.name, share));
            }
        }
    }
    Some(Ceiling {
        metric,
        index,
        target,
        percent: i32::try_from(limits.checked_mul(100)?.checked_div(requests)?).ok()?,
        container: tightest?.0,
    })
}
