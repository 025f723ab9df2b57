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
use crate::diagnosis::rule::{Rule, Stage};
use crate::diagnosis::{Case, Confidence, Finding};
use crate::hpa::message::{ApiFailure, Message, MetricsApi};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS307",
    name: "adapter-not-registered",
    stage: Stage::MetricsPipeline,
    source: include_str!("adapter_not_registered.rs"),
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
    let api = adapters::api_of(&first.spec.type_);
    let group = adapters::group_of(api);
    let names: Vec<String> = failed.iter().map(|metric| adapters::label(metric.spec)).collect();
    let severity = adapters::severity(case);
    let served = adapters::served_by(case, first.spec);
    let mut finding = RULE
        .finding(
            severity,
            format!("Nothing serves {group}, so the HPA cannot read {}", list(&names)),
            "it takes an adapter; metrics-server serves cpu and memory alone",
        )
        .object("APIService", "", &format!("v1beta1.{group}"));
    finding = if served.is_absent() {
        finding.saw(
            format!("API group {group}"),
            "not served",
            format!("GET /apis/{group}/v1beta1"),
        )
    } else {
        let finding = finding.at_most(Confidence::Likely);
        refused(served).map_or(finding.clone(), |reason| finding.could_not_read(reason))
    };
    if !first.text.is_empty() {
        finding = finding.saw("the controller", innermost(first.text), "conditions and events");
    }
    finding = case.on_hpa(finding);
    finding = match api {
        MetricsApi::External => finding.advice(
            "install the adapter that knows the metric: KEDA, Prometheus Adapter with external rules, or the cloud's own",
            format!("registers v1beta1.{group}"),
        ),
        _ => finding.advice(
            "install an adapter that knows the metric, for example the Helm chart prometheus-community/prometheus-adapter",
            format!("registers v1beta1.{group}"),
        ),
    };
    Some(adapters::without(case, finding, first))
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
