//! TFS607 partial-metric-failure
//!
//! ## What it detects
//! One metric of several cannot be read while others can. The HPA goes on, and scales up or holds; it does not
//! scale down as long as one metric fails.
//!
//! ## How it is proved
//! `status.currentMetrics` has an empty entry at the position of the failing metric (1.29 and later), while
//! another metric has a value.
//!
//! ## What it is not
//! When all metrics fail the HPA stands still, and the cause is told by another finding.
//!
//! ## Fix
//! Repair the metric, or remove it from the HPA.
//!
//! ## Source
//! `computeReplicasForMetrics` in `horizontal.go`, Kubernetes v1.37. The condition stays
//! `ScalingActive=True/ValidMetricFound`; only Warning events tell.

use crate::diagnosis::adapters;
use crate::diagnosis::case::innermost;
use crate::diagnosis::phrase::list;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS607",
    name: "partial-metric-failure",
    stage: Stage::Arithmetic,
    source: documentation!("partial_metric_failure.rs"),
    explains: &[],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let metrics = &case.facts.hpa.metrics;
    let failed = &case.said.failed_metrics;
    if failed.is_empty() || failed.len() >= metrics.len() {
        return None;
    }
    let names: Vec<String> = failed
        .iter()
        .filter_map(|index| metrics.get(*index))
        .map(|metric| format!("{} metric {}", metric.type_, metric.name))
        .collect();
    let mut finding = case.on_hpa(RULE.finding(
        Severity::Warning,
        format!(
            "{} cannot be read, so the HPA scales up but never down",
            list(&names)
        ),
        "while one metric fails, the HPA does not trust the others to scale down",
    ));
    for (index, name) in failed.iter().zip(&names) {
        finding = finding.saw(
            name,
            "no value in the last sync",
            format!("status.currentMetrics[{index}]"),
        );
        if adapters::answers_now(case, *index) {
            let now = "its API answers: the next sync should read it";
            finding = finding.saw(format!("{name} now"), now, "the metric's own API");
        }
    }
    if let Some(event) = case.facts.events.known().and_then(|events| {
        events
            .iter()
            .rev()
            .find(|event| event.type_ == "Warning" && event.reason.starts_with("FailedGet"))
    }) {
        finding = finding.saw(
            format!("event {}", event.reason),
            innermost(&event.message),
            "LIST events",
        );
    }
    Some(finding.advice(
        format!("repair {}, or remove it from spec.metrics", list(&names)),
        "changes the HPA, or the adapter that serves the metric",
    ))
}
