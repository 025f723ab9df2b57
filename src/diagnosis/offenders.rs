//! Containers without a request, and whose fault that is.
//!
//! The controller adds up the requests of every pod that matches the selector, finished and terminating
//! ones among them, and gives up at the first container without one
//! (`calculatePodRequests`, `replica_calculator.go`, v1.37). Native sidecars count from 1.29 on, pod-level
//! requests from 1.34 on.

use super::case::is_leftover;
use super::{Case, phrase};
use crate::facts::{Container, Fact, MetricSpec, Pod, PodTemplate, Resources};

/// Why a container has no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The template does not ask for it, or there is no template to compare with.
    Template,
    /// The container is not in the template: something put it into the pod.
    Injected,
    /// The pod belongs to somebody else.
    Foreign,
    /// The pod has ended and the template is right.
    Leftover,
    /// The template is right; the pod is older.
    NotRolledOut,
}

/// One container without a request.
#[derive(Debug, Clone)]
pub(super) struct Offender<'a> {
    /// Its pod; none where only the template was read.
    pub pod: Option<&'a Pod>,
    /// The container.
    pub container: &'a str,
    /// The resource that is not requested.
    pub resource: &'a str,
    /// Whose fault it is.
    pub origin: Origin,
}

/// All containers that lack a request that a metric of the HPA needs.
pub(super) fn offenders<'a>(case: &Case<'a>) -> Vec<Offender<'a>> {
    let mut found = Vec::new();
    for metric in case.utilization_metrics().filter(|metric| is_measured(metric)) {
        match &case.facts.pods {
            Fact::Known(pods) => {
                for pod in pods {
                    in_pod(case, metric, pod, &mut found);
                }
            }
            Fact::NotReadable(_) => in_template(case, metric, &mut found),
            Fact::Absent => {}
        }
    }
    found
}

/// The offenders of some origins.
pub(super) fn of_origin<'a>(case: &Case<'a>, origins: &[Origin]) -> Vec<Offender<'a>> {
    let mut found = offenders(case);
    found.retain(|offender| origins.contains(&offender.origin));
    found
}

/// The containers of the template that lack a request, whether there are pods of it or not.
pub(super) fn of_template<'a>(case: &Case<'a>) -> Vec<Offender<'a>> {
    let mut found = Vec::new();
    for metric in case.utilization_metrics().filter(|metric| is_measured(metric)) {
        in_template(case, metric, &mut found);
    }
    found
}

/// Of a resource that nothing measures the controller never gets as far as the requests: TFS305.
fn is_measured(metric: &MetricSpec) -> bool {
    matches!(metric.name.as_str(), "cpu" | "memory")
}

/// Whether live pods lack a request that their template has: whatever keeps the new pods from running keeps the HPA
/// from its repair.
pub(super) fn holds_up_a_repair(case: &Case<'_>) -> bool {
    !of_origin(case, &[Origin::NotRolledOut]).is_empty()
}

/// The distinct names of the containers.
pub(super) fn containers<'a>(offenders: &[Offender<'a>]) -> Vec<&'a str> {
    distinct(offenders.iter().map(|offender| offender.container))
}

/// The distinct names of the pods.
pub(super) fn pods<'a>(offenders: &[Offender<'a>]) -> Vec<&'a str> {
    distinct(
        offenders
            .iter()
            .filter_map(|offender| offender.pod.map(|pod| pod.name.as_str())),
    )
}

/// The distinct names of the resources.
pub(super) fn resources<'a>(offenders: &[Offender<'a>]) -> Vec<&'a str> {
    distinct(offenders.iter().map(|offender| offender.resource))
}

/// A request to begin with: so much that the usage seen now is at the target, where it is known, and 100m or 128Mi where not.
pub(super) fn starting_value(case: &Case<'_>, container: &str, resource: &str) -> StartingValue {
    let used = case
        .own_pods()
        .filter_map(|pod| usage(case, pod, container, resource))
        .max();
    match (used, resource) {
        (Some(milli), _) if milli > 0 => StartingValue {
            value: phrase::amount(resource, round_up(resource, at_target(case, resource, milli))),
            observed: true,
        },
        (_, "memory") => StartingValue::guess("128Mi"),
        _ => StartingValue::guess("100m"),
    }
}

/// A proposed request.
pub(super) struct StartingValue {
    /// The quantity.
    pub value: String,
    /// Whether it rests on observed usage.
    pub observed: bool,
}

impl StartingValue {
    fn guess(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            observed: false,
        }
    }

    /// Where the value comes from, for the person who has to choose it.
    pub(super) fn basis(&self) -> &'static str {
        if self.observed {
            "a starting value from the usage seen now"
        } else {
            "a starting value: set what one replica needs"
        }
    }
}

fn in_pod<'a>(case: &Case<'a>, metric: &'a MetricSpec, pod: &'a Pod, found: &mut Vec<Offender<'a>>) {
    let minor = case.controller.minor;
    if metric.container.is_none() && has_pod_level_request(pod.resources.as_ref(), &metric.name, minor) {
        return;
    }
    for container in lacking(&pod.containers, metric, minor) {
        found.push(Offender {
            pod: Some(pod),
            container: &container.name,
            resource: &metric.name,
            origin: origin(case, pod, container, &metric.name),
        });
    }
}

fn in_template<'a>(case: &Case<'a>, metric: &'a MetricSpec, found: &mut Vec<Offender<'a>>) {
    let Some(template) = case.target().and_then(|target| target.template.as_ref()) else {
        return;
    };
    let minor = case.controller.minor;
    if metric.container.is_none() && has_pod_level_request(template.resources.as_ref(), &metric.name, minor) {
        return;
    }
    let lacking =
        lacking(&template.containers, metric, minor).filter(|container| !has(container, &metric.name));
    found.extend(lacking.map(|container| Offender {
        pod: None,
        container: &container.name,
        resource: &metric.name,
        origin: Origin::Template,
    }));
}

fn lacking<'a>(
    containers: &'a [Container],
    metric: &'a MetricSpec,
    minor: u32,
) -> impl Iterator<Item = &'a Container> {
    containers.iter().filter(move |container| {
        let counted = container.counts_for_requests() && (!container.init || minor >= 29);
        let named = metric
            .container
            .as_deref()
            .is_none_or(|name| name == container.name);
        counted && named && !container.resources.requests.contains_key(&metric.name)
    })
}

fn origin(case: &Case<'_>, pod: &Pod, container: &Container, resource: &str) -> Origin {
    if !case.owns()(pod) {
        return Origin::Foreign;
    }
    let Some(template) = case.target().and_then(|target| target.template.as_ref()) else {
        return Origin::Template;
    };
    match in_template_of(template, &container.name) {
        None => Origin::Injected,
        Some(described) if !has(described, resource) => Origin::Template,
        Some(_) if is_leftover(pod) => Origin::Leftover,
        Some(_) => Origin::NotRolledOut,
    }
}

/// A template may name a limit alone: the API server makes it the request of the pod.
fn has(container: &Container, resource: &str) -> bool {
    let resources = &container.resources;
    resources.requests.contains_key(resource) || resources.limits.contains_key(resource)
}

fn in_template_of<'a>(template: &'a PodTemplate, name: &str) -> Option<&'a Container> {
    template
        .containers
        .iter()
        .find(|container| container.name == name)
}

/// Whether the controller takes the pod's own request (`spec.resources`) in place of the sum of its containers' (1.34).
pub(super) fn has_pod_level_request(resources: Option<&Resources>, resource: &str, minor: u32) -> bool {
    minor >= 34 && resources.is_some_and(|resources| resources.requests.contains_key(resource))
}

fn usage(case: &Case<'_>, pod: &Pod, container: &str, resource: &str) -> Option<i64> {
    let sample = case.sample(pod)?;
    let measured = sample
        .containers
        .iter()
        .find(|measured| measured.name == container)?;
    measured.usage.get(resource)?.milli_value().ok()
}

/// The request of which a usage is the HPA's target: one that equals the usage would scale up at once.
fn at_target(case: &Case<'_>, resource: &str, usage: i64) -> i64 {
    let mut metrics = case
        .utilization_metrics()
        .filter(|metric| metric.name == resource);
    match metrics.next().map(|metric| &metric.target) {
        Some(crate::facts::MetricTarget::AverageUtilization(percent @ 1..100)) => {
            usage.saturating_mul(100) / i64::from(*percent)
        }
        _ => usage,
    }
}

/// Up to the next 50m or 64Mi: a request is a round number.
fn round_up(resource: &str, milli: i64) -> i64 {
    let step = if resource == "memory" {
        64 * 1024 * 1024 * 1000
    } else {
        50
    };
    milli.saturating_add(step - 1) / step * step
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
