//! TFS611 request-far-below-usage
//!
//! ## What it detects
//! The HPA runs at its maximum because the request is tiny: each pod uses many times what its container requests, so
//! that no number of replicas brings the percentage down to the target.
//!
//! ## How it is proved
//! The metrics want more than `maxReplicas`, and every counted pod uses at least ten times its request; or each requests at most
//! 10m of cpu and uses at most 20m, as an idle process does; or one container uses ten times its request, and the others are not above the target. Whether the usage is load or what the program takes when idle cannot be seen, so
//! the finding is likely.
//!
//! ## What it is not
//! Usage somewhat above the request is what an HPA is for (TFS602). Memory of idle pods is TFS619.
//!
//! ## Fix
//! Request what a pod uses when it is as busy as it should be.
//!
//! ## Source
//! `GetResourceUtilizationRatio` in `metrics/utilization.go`, Kubernetes v1.37: usage is a percentage of the request.

use std::collections::BTreeMap;

use crate::diagnosis::phrase::amount;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::template_change::{self, Setting};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::Container;
use crate::hpa::replicas::{Counted, Limit, MetricProposal, PodShare};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS611",
    name: "request-far-below-usage",
    stage: Stage::Arithmetic,
    source: documentation!("request_far_below_usage.rs"),
    explains: &["TFS602"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// The most cpu, in thousandths of a core, that a process takes while it does nothing.
const IDLE_MILLI: i64 = 20;

/// A request of so little is below that.
const TINY_MILLI: i64 = 10;

/// What a pod requests that has something to do, to begin with.
const STARTING_MILLI: i64 = 100;

/// Nobody means a pod to use ten times its request.
const TIMES: i64 = 10;

fn check(case: &Case<'_>) -> Option<Finding> {
    let recommendation = case
        .recommendation
        .filter(|it| it.limited_by == Some(Limit::MaxReplicas))?;
    let deciding = case.deciding_metric()?;
    let metric = case
        .utilization_metrics()
        .find(|metric| metric.name == deciding.name && metric.type_ == deciding.type_)?;
    let resource = metric.name.as_str();
    let counted: Vec<&PodShare> = deciding
        .pods
        .iter()
        .filter(|share| share.counted == Counted::Yes)
        .collect();
    let idle = resource == "cpu" && counted.iter().all(|share| is_idle(share));
    let far = |share: &&PodShare| {
        let (Some(usage), Some(request)) = (share.usage_milli, share.request_milli) else {
            return false;
        };
        idle || request.checked_mul(TIMES).is_some_and(|bound| usage >= bound)
    };
    if counted.is_empty() || !counted.iter().all(far) {
        return beside_others(
            case,
            &counted,
            resource,
            metric.container.is_none().then_some(deciding)?,
        );
    }
    let greatest = counted.iter().max_by_key(|share| share.usage_milli)?;
    let (usage, request) = (greatest.usage_milli?, greatest.request_milli?);
    let pod = case.own_pods().find(|pod| pod.name == greatest.name)?;
    let container = smallest(
        case,
        pod.containers.as_slice(),
        metric.container.as_deref(),
        resource,
        &pod.name,
    )?;
    let target = deciding
        .target
        .trim_end_matches('%')
        .parse::<i64>()
        .ok()
        .filter(|it| *it > 0)?;
    let fitting = if idle {
        STARTING_MILLI
    } else {
        usage.checked_mul(100)?.checked_div(target)?.max(1)
    };
    let label = case.target_label();
    let wanted = recommendation.metrics_want.unwrap_or_default();
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "Each pod of {label} uses up to {} {resource} and requests {}: {} of {}, so the HPA always wants its maximum",
                amount(resource, usage),
                amount(resource, request),
                deciding.current.as_deref().unwrap_or("more"),
                deciding.target
            ),
            "a percentage of so small a request says nothing about load, and no number of replicas brings it down",
        )
        .at_most(Confidence::Likely)
        .container("Pod", &pod.namespace, &pod.name, &container.name)
        .saw(
            format!("Pod {}, container {}", pod.name, container.name),
            format!(
                "requests {resource} {}",
                container.resources.requests.get(resource).map_or("none", |it| it.0.as_str())
            ),
            "LIST pods",
        )
        .saw(
            "the metrics want",
            format!("{wanted}, maxReplicas {}", case.facts.hpa.max_replicas),
            "arithmetic",
        );
    Some(template_change::proposed(
        case,
        case.on_target(finding),
        "request what a pod uses",
        &[Setting::request(
            &container.name,
            resource,
            &amount(resource, fitting),
        )],
        if idle {
            "; a starting value: set what one replica needs"
        } else {
            "; at the usage of now a pod is then at its target"
        },
    ))
}

/// Whether a pod uses no more cpu than a process that does nothing, and requests even less.
fn is_idle(share: &PodShare) -> bool {
    let little = |milli: Option<i64>, most: i64| milli.is_some_and(|milli| milli <= most);
    little(share.usage_milli, IDLE_MILLI) && little(share.request_milli, TINY_MILLI)
}

/// Usage and request of the containers of one name, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    usage: i64,
    request: i64,
}

impl Sum {
    fn plus(self, other: Self) -> Self {
        Self {
            usage: self.usage.saturating_add(other.usage),
            request: self.request.saturating_add(other.request),
        }
    }

    fn percent(self) -> Option<i64> {
        self.usage.saturating_mul(100).checked_div(self.request)
    }
}

/// One container that uses many times its request, beside others that are not above the target: a log shipper, a proxy.
fn beside_others(
    case: &Case<'_>,
    counted: &[&PodShare],
    resource: &str,
    deciding: &MetricProposal,
) -> Option<Finding> {
    let target = deciding.target.trim_end_matches('%').parse::<i64>().ok()?;
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for share in counted {
        let pod = case.own_pods().find(|pod| pod.name == share.name)?;
        let sample = case.sample(pod)?;
        for container in pod.containers.iter().filter(|it| it.counts_for_requests()) {
            let measured = sample.containers.iter().find(|it| it.name == container.name);
            let usage = measured.and_then(|it| it.usage.get(resource)?.milli_value().ok());
            let request = container.resources.requests.get(resource)?.milli_value().ok()?;
            let sum = sums.entry(&container.name).or_default();
            *sum = sum.plus(Sum {
                usage: usage.unwrap_or(0),
                request,
            });
        }
    }
    let (name, greedy) = sums
        .iter()
        .map(|(name, sum)| (*name, *sum))
        .max_by_key(|(_, sum)| sum.percent())?;
    let rest = sums
        .iter()
        .filter(|(other, _)| **other != name)
        .fold(Sum::default(), |all, (_, sum)| all.plus(*sum))
        .percent()?;
    if greedy.percent()? < TIMES * 100 || rest > target {
        return None;
    }
    let pods = i64::try_from(counted.len()).ok()?;
    let (usage, request) = (greedy.usage / pods, greedy.request / pods);
    let fitting = usage.checked_mul(100)?.checked_div(target)?.max(1);
    let label = case.target_label();
    let finding = case.on_target(
        RULE.finding(
            Severity::Warning,
            format!(
                "Container {name} of {label} uses {} {resource} a pod and requests {}: it makes the pods look busy, {} of {}",
                amount(resource, usage),
                amount(resource, request),
                deciding.current.as_deref().unwrap_or("more"),
                deciding.target
            ),
            format!("without it they are at {rest}% of {}: the HPA adds replicas for it", deciding.target),
        )
        .at_most(Confidence::Likely)
        .saw(
            format!("container {name}"),
            format!("{}% of its request, the others {rest}%", greedy.percent()?),
            "LIST pods.metrics.k8s.io",
        ),
    );
    let setting = Setting::request(name, resource, &amount(resource, fitting));
    Some(template_change::proposed(case, finding, "request what it uses", &[setting], "").advice(
        format!("or let the HPA read the container that serves alone: a `ContainerResource` metric of {resource}"),
        "changes the HPA alone",
    ))
}

/// The container whose usage is the most times its request.
fn smallest<'a>(
    case: &Case<'_>,
    containers: &'a [Container],
    only: Option<&str>,
    resource: &str,
    pod: &str,
) -> Option<&'a Container> {
    let samples = case.facts.pod_metrics.known()?;
    let sample = samples.iter().find(|sample| sample.name == pod)?;
    let times = |container: &Container| {
        let request = container.resources.requests.get(resource)?.milli_value().ok()?;
        let measured = sample.containers.iter().find(|it| it.name == container.name)?;
        measured
            .usage
            .get(resource)?
            .milli_value()
            .ok()?
            .checked_div(request)
    };
    containers
        .iter()
        .filter(|container| container.counts_for_requests() && only.is_none_or(|name| name == container.name))
        .max_by_key(|container| times(container))
}
