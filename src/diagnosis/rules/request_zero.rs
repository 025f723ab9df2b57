//! TFS405 request-zero
//!
//! ## What it detects
//! All requests for the resource are there and add up to zero, so utilization would be a division by zero.
//!
//! ## How it is proved
//! Every counted container of every pod has a request, and each of them is `0`.
//!
//! ## What it is not
//! A request that is missing is TFS401. One container with a request above zero is enough.
//!
//! ## Fix
//! Request what one replica needs, or scale on an `AverageValue`.
//!
//! ## Source
//! `GetResourceUtilizationRatio` in `metrics/utilization.go`, Kubernetes v1.37:
//! `no metrics returned matched known pods`.

use crate::diagnosis::offenders::{self, offenders};
use crate::diagnosis::phrase::count;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::template_change::{self, Setting};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::MetricSpec;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS405",
    name: "request-zero",
    stage: Stage::Requests,
    source: documentation!("request_zero.rs"),
    explains: &["TFS607"],
    needs: &[Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    if case.pods().is_empty() || !offenders(case).is_empty() {
        return None;
    }
    let metric = case
        .utilization_metrics()
        .find(|metric| sum(case, metric) == Some(0))?;
    let resource = &metric.name;
    let label = case.target_label();
    let pods = case.pods().len();
    let finding = RULE
        .finding(
            Severity::Error,
            format!("The {resource} requests of {label} are 0, so utilization cannot be computed"),
            "utilization is usage divided by request, and this would divide by zero",
        )
        .saw(
            format!("{resource} requests of {}", count(pods, "pod")),
            "0",
            "LIST pods",
        );
    let finding = case.on_target(case.with_condition(finding));
    let container = metric.container.as_deref().or_else(|| {
        case.own_pods()
            .flat_map(|pod| &pod.containers)
            .find(|container| !container.init)
            .map(|it| it.name.as_str())
    })?;
    let value = offenders::starting_value(case, container, resource);
    let title = format!("request {resource} for container {container}");
    let setting = Setting::request(container, resource, &value.value);
    let basis = format!("; {}", value.basis());
    Some(template_change::proposed(
        case,
        finding,
        title,
        &[setting],
        &basis,
    ))
}

/// The sum of the requests, none where one of them is no quantity or there is none at all.
fn sum(case: &Case<'_>, metric: &MetricSpec) -> Option<i64> {
    let mut total: Option<i64> = None;
    for pod in case.pods() {
        let containers = pod
            .containers
            .iter()
            .filter(|container| container.counts_for_requests());
        for container in containers {
            let named = metric
                .container
                .as_deref()
                .is_none_or(|name| name == container.name);
            let request = container.resources.requests.get(&metric.name);
            if let (true, Some(request)) = (named, request) {
                total = Some(total.unwrap_or(0).saturating_add(request.milli_value().ok()?));
            }
        }
    }
    total
}
