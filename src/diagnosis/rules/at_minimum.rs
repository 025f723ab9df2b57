//! TFS601 at-minimum
//!
//! ## What it detects
//! The workload is idle: the metrics want no more than `minReplicas`, and that is what runs.
//!
//! ## How it is proved
//! The controller's arithmetic on the live state ends at `minReplicas`, or it says `TooFewReplicas`.
//!
//! ## What it is not
//! A problem. An HPA that still has more replicas than it wants is TFS604.
//!
//! ## Fix
//! None is needed. Lower `minReplicas` to save replicas when idle.
//!
//! ## Source
//! `convertDesiredReplicasWithRules` in `horizontal.go`, Kubernetes v1.37: `ScalingLimited=True/TooFewReplicas`.

use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS601",
    name: "at-minimum",
    stage: Stage::Arithmetic,
    source: documentation!("at_minimum.rs"),
    explains: &["TFS603"],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let minimum = case.facts.hpa.effective_min_replicas();
    let recommendation = case.recommendation?;
    let idle = recommendation
        .metrics_want
        .is_some_and(|wanted| wanted <= minimum);
    let there =
        recommendation.current_replicas == minimum && recommendation.desired_replicas == Some(minimum);
    // Above the target, it is not the minimum that keeps the replicas.
    let above = case
        .deciding_metric()
        .is_some_and(|metric| metric.ratio.is_some_and(|ratio| ratio > 1.0));
    if !idle || !there || above {
        return None;
    }
    let at = format!("at the minimum of {minimum}");
    let title = case
        .current_of_target()
        .map_or_else(|| at.clone(), |current| format!("{current}: {at}"));
    Some(
        RULE.finding(
            Severity::Info,
            title,
            "the metrics want no more than `minReplicas`",
        )
        .saw("minReplicas", minimum.to_string(), "spec.minReplicas")
        .saw(
            "the metrics want",
            recommendation.metrics_want.unwrap_or_default().to_string(),
            "arithmetic",
        ),
    )
}
