//! TFS603 within-tolerance
//!
//! ## What it detects
//! Usage differs from the target by so little that the HPA keeps the replicas: ten percent in either direction.
//!
//! ## How it is proved
//! The ratio of usage to target, in the controller's arithmetic, lies inside the tolerance.
//!
//! ## What it is not
//! A problem. The tolerance keeps replicas from flapping.
//!
//! ## Fix
//! None is needed. From 1.35 on `behavior.scaleUp.tolerance` and `behavior.scaleDown.tolerance` can be set.
//!
//! ## Source
//! `isWithin` in `replica_calculator.go`, Kubernetes v1.37; `--horizontal-pod-autoscaler-tolerance`, default 0.1.

use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::hpa::replicas::MetricProposal;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS603",
    name: "within-tolerance",
    stage: Stage::Arithmetic,
    source: documentation!("within_tolerance.rs"),
    explains: &[],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let recommendation = case.recommendation?;
    let metric = case.deciding_metric().filter(|metric| metric.within_tolerance)?;
    if recommendation.desired_replicas != Some(recommendation.current_replicas) {
        return None;
    }
    let ratio = metric.damped_ratio.or(metric.ratio)?;
    let current = case.current_of_target()?;
    Some(
        RULE.finding(
            Severity::Info,
            format!(
                "{current}{}: within the tolerance, stays at {}",
                damped(metric),
                replicas(recommendation.current_replicas)
            ),
            "usage is close enough to the target",
        )
        .saw("usage divided by target", format!("{ratio:.2}"), "arithmetic")
        .estimates(
            "tolerance",
            format!("{}%", case.controller.tolerance * 100.0),
            "the default, or spec.behavior",
        ),
    )
}

/// Pods that do not count are filled in, and it is the ratio after that which is close to the target.
fn damped(metric: &MetricProposal) -> String {
    metric.damped_ratio.map_or_else(String::new, |ratio| {
        format!(", but {ratio:.2} times the target with the pods that do not count")
    })
}

fn replicas(number: i32) -> String {
    crate::diagnosis::phrase::count(usize::try_from(number).unwrap_or(0), "replica")
}
