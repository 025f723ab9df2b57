//! What was left out because many HPAs were asked about at a time: asking about one alone reads it.

use super::adapters::{self, api_of};
use super::case::refused;
use super::order::unreadable;
use super::phrase::word;
use super::report;
use super::rule::Need;
use super::{Case, Finding};
use crate::facts::NotReadable;
use crate::hpa::message::MetricsApi;
use crate::hpa::replicas::Recommendation;

/// What was left out and could tell why the controller reports a failure.
pub(super) fn of<'a>(case: &Case<'a>) -> Vec<&'a NotReadable> {
    let needs = [
        Need::Target,
        Need::Scale,
        Need::Pods,
        Need::MetricsServer,
        Need::ScaledObject,
    ];
    let facts = needs.into_iter().filter_map(|need| unreadable(case, need));
    distinct(facts.chain(of_metrics(case)))
}

/// What was left out of the failing metrics of adapters: what serves them, and their values.
pub(super) fn of_metrics<'a>(case: &Case<'a>) -> Vec<&'a NotReadable> {
    let mut found = Vec::new();
    for index in &case.said.failed_metrics {
        let Some(spec) = case.facts.hpa.metrics.get(*index) else {
            continue;
        };
        if api_of(&spec.type_) == MetricsApi::Resource {
            continue;
        }
        found.extend(refused(adapters::served_by(case, spec)));
        found.extend(case.facts.metric_value(*index).and_then(refused));
    }
    distinct(found.into_iter())
}

fn distinct<'a>(facts: impl Iterator<Item = &'a NotReadable>) -> Vec<&'a NotReadable> {
    let mut distinct: Vec<&NotReadable> = Vec::new();
    for fact in facts.filter(|fact| fact.is_left_out()) {
        if !distinct.contains(&fact) {
            distinct.push(fact);
        }
    }
    distinct
}

/// The command that reads what was left out.
pub(super) fn ask_alone(case: &Case<'_>, finding: Finding) -> Finding {
    finding.fix(
        "ask about this HPA alone: that reads what was left out",
        format!(
            "kubectl tfserve explain-hpa {} -n {}",
            word(&case.facts.hpa.name),
            case.namespace()
        ),
        "reads only",
    )
}

/// The values that a calculation has taken from the status because they were left out, where the last sync decided
/// otherwise: what the status shows is then not what decides.
pub(super) fn contradicted<'a>(case: &Case<'a>, it: &Recommendation) -> Vec<&'a NotReadable> {
    if report::agrees(case, it) != Some(false) {
        return Vec::new();
    }
    let shown = it.metrics.iter().filter(|metric| metric.from_status);
    distinct(shown.filter_map(|metric| refused(case.facts.metric_value(metric.index)?)))
}
