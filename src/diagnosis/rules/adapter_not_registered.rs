//! TFS307 adapter-not-registered
//!
//! ## What it detects
//! The HPA has a `Pods`, `Object` or `External` metric, and no adapter serves custom.metrics.k8s.io or
//! external.metrics.k8s.io. metrics-server does not: it knows cpu and memory alone.
//!
//! ## How it is proved
//! Discovery of the API's group answers 404 in every version that the controller reads.
//!
//! ## What it is not
//! An adapter that is registered and does not answer is TFS308; one that does not know the metric TFS309.
//!
//! ## Fix
//! Install an adapter (Prometheus Adapter, KEDA, the cloud's own), or scale by another metric.
//!
//! ## Source
//! `custom_metrics/versioned_client.go` and `external_metrics/client.go` of k8s.io/metrics, v0.37:
//! `no custom metrics API (custom.metrics.k8s.io) registered`.

use crate::diagnosis::adapters::{self, FailedMetric};
use crate::diagnosis::case::{innermost, refused};
use crate::diagnosis::phrase::list;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding};
use crate::hpa::message::{ApiFailure, Message, MetricsApi};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS307",
    name: "adapter-not-registered",
    stage: Stage::MetricsPipeline,
    source: documentation!("adapter_not_registered.rs"),
    explains: &["TFS607"],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let failed: Vec<FailedMetric<'_>> = adapters::failed_of_adapters(case)
        .into_iter()
        .filter(|metric| is_missing(case, metric))
        .collect();
    let first = failed.first()?;
    let mut missing: Vec<&FailedMetric<'_>> = vec![first];
    let api_of = |metric: &FailedMetric<'_>| adapters::api_of(&metric.spec.type_);
    missing.extend(failed.iter().find(|metric| api_of(metric) != api_of(first)));
    let groups: Vec<&str> = missing.iter().map(|it| adapters::group_of(api_of(it))).collect();
    let names: Vec<String> = failed.iter().map(|metric| adapters::label(metric.spec)).collect();
    let mut finding = RULE
        .finding(
            adapters::severity(case),
            format!(
                "Nothing serves {}, so the HPA cannot read {}",
                list(&groups),
                list(&names)
            ),
            "it takes an adapter; metrics-server serves cpu and memory alone",
        )
        .shared(&groups.join(","));
    for metric in &missing {
        finding = proven(case, finding, metric);
    }
    if !first.text.is_empty() {
        finding = finding.saw("the controller", innermost(first.text), "conditions and events");
    }
    finding = case.on_hpa(finding);
    let apis: Vec<MetricsApi> = missing.iter().map(|metric| api_of(metric)).collect();
    finding = install(finding, &apis);
    Some(adapters::without(case, finding, first))
}

/// The API that serves the metric is not there, as far as that could be read.
fn proven(case: &Case<'_>, finding: Finding, metric: &FailedMetric<'_>) -> Finding {
    let group = adapters::group_of(adapters::api_of(&metric.spec.type_));
    let finding = finding.object("APIService", "", &format!("v1beta1.{group}"));
    let served = adapters::served_by(case, metric.spec);
    if served.is_absent() {
        return finding.saw(
            format!("API group {group}"),
            "not served",
            format!("GET /apis/{group}/v1beta1"),
        );
    }
    let finding = finding.at_most(Confidence::Likely);
    match refused(served) {
        Some(reason) => finding.could_not_read(reason),
        None => finding,
    }
}

fn install(finding: Finding, missing: &[MetricsApi]) -> Finding {
    let what = match missing {
        [_, _, ..] => {
            "install adapters that know the metrics: Prometheus Adapter with rules for both APIs, or one for each"
        }
        [MetricsApi::External] => {
            "install the adapter that knows the metric: KEDA, Prometheus Adapter with external rules, or the cloud's own"
        }
        _ => {
            "install an adapter that knows the metric, for example the Helm chart prometheus-community/prometheus-adapter"
        }
    };
    let names: Vec<String> = missing
        .iter()
        .map(|api| format!("v1beta1.{}", adapters::group_of(*api)))
        .collect();
    finding.advice(what, format!("registers {}", list(&names)))
}

fn is_missing(case: &Case<'_>, metric: &FailedMetric<'_>) -> bool {
    let served = adapters::served_by(case, metric.spec);
    let says_so = matches!(
        metric.message,
        Message::MetricsApiFailed {
            failure: ApiFailure::NotServed,
            ..
        }
    );
    served.is_absent() || says_so && served.known().is_none()
}
