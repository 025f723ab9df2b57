//! The controller's arithmetic as it is shown.

use super::explanation::{MetricReport, PodReport, RecommendationReport, StabilizationReport};
use super::{Case, phrase};
use crate::facts::{Quantity, QuantityFormat};
use crate::hpa::replicas::{Counted, Limit, MetricProposal, PodShare, Recommendation};
use crate::hpa::symptoms::SyncStage;

/// Turns the arithmetic into its part of the contract.
pub(super) fn recommendation(case: &Case<'_>, it: &Recommendation) -> RecommendationReport {
    RecommendationReport {
        agrees_with_status: agrees(case, it),
        ..assumed(it, case.facts.hpa.desired_replicas)
    }
}

/// The same of a state that is only assumed: the status does not speak of it.
pub(super) fn assumed(it: &Recommendation, status_desired_replicas: i32) -> RecommendationReport {
    RecommendationReport {
        current_replicas: it.current_replicas,
        desired_replicas: it.desired_replicas,
        metrics_want: it.metrics_want,
        status_desired_replicas,
        agrees_with_status: None,
        limited_by: it.limited_by.map(limit),
        stabilization: it.stabilization.as_ref().map(|window| StabilizationReport {
            window_seconds: window.window_seconds,
            assumed_default: window.assumed_default,
            not_before: window.not_before,
            not_after: window.not_after,
        }),
        sentence: it.sentence.clone(),
        metrics: it.metrics.iter().map(metric).collect(),
    }
}

/// Right after a rescale, or while a sync fails, the status speaks of another state than the one that was
/// read.
pub(super) fn agrees(case: &Case<'_>, it: &Recommendation) -> Option<bool> {
    let rescaled = case
        .said
        .current("AbleToScale")
        .is_some_and(|symptom| symptom.condition.reason == "SucceededRescale");
    let desired = it.desired_replicas?;
    let settled = case.said.stage == SyncStage::Complete && !rescaled;
    settled.then_some(desired == case.facts.hpa.desired_replicas)
}

fn limit(limit: Limit) -> &'static str {
    match limit {
        Limit::MaxReplicas => "maxReplicas",
        Limit::MinReplicas => "minReplicas",
        Limit::ScaleUpPolicy => "scaleUpPolicy",
        Limit::ScaleDownPolicy => "scaleDownPolicy",
        Limit::Disabled => "disabled",
        Limit::Stabilization => "stabilizationWindow",
    }
}

fn metric(metric: &MetricProposal) -> MetricReport {
    MetricReport {
        type_: metric.type_.clone(),
        name: metric.name.clone(),
        current: metric.current.clone(),
        target: metric.target.clone(),
        value_from: value_from(metric),
        ratio: metric.ratio,
        proposal: metric.proposal,
        pods: metric.pods.iter().map(|share| pod(metric, share)).collect(),
    }
}

fn value_from(metric: &MetricProposal) -> Option<&'static str> {
    let outside = matches!(metric.type_.as_str(), "Pods" | "Object" | "External");
    if metric.from_status {
        Some("status")
    } else {
        (outside && metric.current.is_some()).then_some("metricsApi")
    }
}

fn pod(metric: &MetricProposal, share: &PodShare) -> PodReport {
    let of_adapter = metric.type_ == "Pods";
    let amount = |milli| {
        if of_adapter {
            Quantity::from_milli(milli, QuantityFormat::DecimalSi).0
        } else {
            phrase::amount(&metric.name, milli)
        }
    };
    PodReport {
        name: share.name.clone(),
        usage: share.usage_milli.map(amount),
        request: share.request_milli.map(amount),
        counted: match share.counted {
            Counted::Yes => "counted",
            Counted::Unready => "unready",
            Counted::Missing => "missing",
            Counted::Ignored => "ignored",
        },
        why: share.why.clone(),
    }
}
