//! TFS614 rounded-up
//!
//! ## What it detects
//! Usage is well below the target, and still no replica goes: with one fewer, the rest would be above the target.
//!
//! ## How it is proved
//! The ratio of usage and target is outside the tolerance; multiplied with the pods and rounded up, it gives the
//! replicas that run.
//!
//! ## What it is not
//! A ratio within the tolerance is TFS603, a stabilization window TFS604.
//!
//! ## Fix
//! None is needed. A higher target lets the replica go.
//!
//! ## Source
//! `math.Ceil` in `replica_calculator.go`, Kubernetes v1.37; kubernetes issue 78761.

use crate::diagnosis::phrase::count;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS614",
    name: "rounded-up",
    stage: Stage::Arithmetic,
    source: documentation!("rounded_up.rs"),
    explains: &[],
    needs: &[Need::PodMetrics],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let recommendation = case.recommendation?;
    let current = recommendation.current_replicas;
    let metric = case.deciding_metric()?;
    let ratio = metric.ratio.filter(|ratio| *ratio < 1.0)?;
    let stays = recommendation.desired_replicas == Some(current) && metric.proposal == Some(current);
    let at_minimum = current <= case.facts.hpa.effective_min_replicas();
    if !stays || at_minimum || metric.within_tolerance || metric.damped_ratio.is_some() {
        return None;
    }
    let exact = ratio * f64::from(metric.multiplier?);
    let replicas = count(usize::try_from(current).ok()?, "replica");
    let usage = case.current_of_target()?;
    Some(
        RULE.finding(
            Severity::Info,
            format!("{usage}: stays at {replicas}, with one fewer the rest would be above the target"),
            "the HPA rounds the replicas that the metrics want up to a whole number",
        )
        .saw("replicas before rounding", format!("{exact:.2}"), "arithmetic"),
    )
}
