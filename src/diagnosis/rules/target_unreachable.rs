//! TFS610 target-unreachable
//!
//! ## What it detects
//! The limits of the containers end below the target of the metric: however great the load, usage cannot rise far
//! enough above the target, and the HPA can never scale up.
//!
//! ## How it is proved
//! Every container that counts has a limit, and the limits of the running pods together are at most the target plus
//! the tolerance; that holds for every metric of the HPA. A limit of the pod as a whole caps its containers, and its request
//! takes the place of theirs from 1.34 on.
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
use crate::diagnosis::offenders::has_pod_level_request;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{Container, MetricSpec, MetricTarget, Pod, Quantity, Resources};

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
    /// The container with the tightest limit; none where it is the pod's own.
    container: Option<&'a str>,
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
        if let Some(of_pod) = pod.resources.as_ref() {
            finding = finding.saw(
                "the pod as a whole (spec.resources)",
                requests_and_limits(of_pod, resource),
                "LIST pods",
            );
        }
        for container in counted(pod, first.metric) {
            finding = finding.saw(
                format!("container {}", container.name),
                requests_and_limits(&container.resources, resource),
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
                match first.container {
                    Some(container) => format!("raise the {resource} limit of container {container}"),
                    None => format!("raise the {resource} limit of the pod as a whole (`spec.resources`)"),
                },
                format!("rolls the pods of {label}"),
            ),
    )
}

fn requests_and_limits(of: &Resources, resource: &str) -> String {
    let amount = |quantity: Option<&Quantity>| quantity.map_or_else(|| "none".to_owned(), |it| it.0.clone());
    format!(
        "requests {resource} {}, limits {resource} {}",
        amount(of.requests.get(resource)),
        amount(of.limits.get(resource))
    )
}

fn own<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Pod> {
    case.own_pods().filter(|pod| is_running(pod))
}

fn counted<'a>(pod: &'a Pod, metric: &MetricSpec) -> impl Iterator<Item = &'a Container> {
    pod.containers.iter().filter(|container| {
        container.counts_for_requests()
            && metric
                .container
                .as_ref()
                .is_none_or(|name| *name == container.name)
    })
}

/// Request, limit, and the container whose limit it is; none where the pod's own limit caps all of them.
struct Share<'a> {
    request: i64,
    limit: i64,
    tightest: Option<&'a Container>,
}

/// None where nothing caps the usage, or where it is no percentage of requests.
fn ceiling<'a>(case: &Case<'a>, index: usize, metric: &'a MetricSpec) -> Option<Ceiling<'a>> {
    let MetricTarget::AverageUtilization(target) = metric.target else {
        return None;
    };
    // The requests of somebody else's pods are in the sum.
    if case.foreign_pods().next().is_some() {
        return None;
    }
    let shares: Vec<Share<'_>> = own(case)
        .map(|pod| share(pod, metric, case.controller.minor))
        .collect::<Option<_>>()?;
    let sum = |of: fn(&Share<'_>) -> i64| shares.iter().map(of).try_fold(0_i64, i64::checked_add);
    let (requests, limits) = (sum(|share| share.request)?, sum(|share| share.limit)?);
    Some(Ceiling {
        metric,
        index,
        target,
        percent: i32::try_from(limits.checked_mul(100)?.checked_div(requests)?).ok()?,
        container: shares.first()?.tightest.map(|it| it.name.as_str()),
    })
}

/// What the controller takes for the pod's request, and what the kernel lets it use at most.
fn share<'a>(pod: &'a Pod, metric: &MetricSpec, minor: u32) -> Option<Share<'a>> {
    let milli = |quantity: &Quantity| quantity.milli_value().ok();
    let of_pod = pod.resources.as_ref();
    let capped = of_pod.and_then(|own| milli(own.limits.get(&metric.name)?));
    let requested = of_pod
        .filter(|own| metric.container.is_none() && has_pod_level_request(Some(own), &metric.name, minor))
        .and_then(|own| milli(own.requests.get(&metric.name)?));
    let (mut requests, mut limits) = (Some(0_i64), Some(0_i64));
    let mut tightest: Option<(&Container, i64)> = None;
    for container in counted(pod, metric) {
        let of = &container.resources;
        let request = of.requests.get(&metric.name).and_then(milli);
        let limit = of.limits.get(&metric.name).and_then(milli);
        requests = requests.and_then(|sum| sum.checked_add(request?));
        limits = limits.and_then(|sum| sum.checked_add(limit?));
        let percent = limit
            .zip(request)
            .and_then(|(limit, request)| limit.checked_mul(100)?.checked_div(request));
        if let Some(percent) = percent
            && tightest.is_none_or(|(_, least)| percent < least)
        {
            tightest = Some((container, percent));
        }
    }
    let by_containers = limits.filter(|limits| capped.is_none_or(|capped| *limits <= capped));
    Some(Share {
        request: requested.or(requests)?,
        limit: by_containers.or(capped)?,
        tightest: by_containers.and(tightest).map(|(container, _)| container),
    })
}
