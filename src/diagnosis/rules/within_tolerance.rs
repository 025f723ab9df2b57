//! TFS603 within-tolerance
//!
//! ## What it detects
//! Usage differs from the target by so little that the HPA keeps the replicas: ten percent in either direction.
//!
//! ## How it is proved
//! The ratio of usage to target, in the controller's arithmetic, lies inside the tolerance.
//!
//! ## What it is not
//! A problem, as a rule: the tolerance keeps replicas from flapping. One of `spec.behavior` that holds what the default would let
//! go is told, and one of 100% or more is doubted.
//!
//! ## Fix
//! None is needed. From 1.35 on `behavior.scaleUp.tolerance` and `behavior.scaleDown.tolerance` can be set.
//!
//! ## Source
//! `isWithin` in `replica_calculator.go`, Kubernetes v1.37; `--horizontal-pod-autoscaler-tolerance`, default 0.1.

use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
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
    if let Some(finding) = held_by_its_own(case, metric, ratio, &current, recommendation.current_replicas) {
        return Some(finding);
    }
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

/// A tolerance of `spec.behavior` that holds what the default would let go. It is a share of one, often written as a
/// percentage; one of 1 or more switches scaling down off.
fn held_by_its_own(
    case: &Case<'_>,
    metric: &MetricProposal,
    ratio: f64,
    current: &str,
    stays: i32,
) -> Option<Finding> {
    let up = ratio > 1.0;
    let direction = if up { "Up" } else { "Down" };
    let tolerance = case.scaling_rules(up)?.tolerance.as_ref()?;
    let share = f64::from(i32::try_from(tolerance.milli_value().ok()?).ok()?) / 1000.0;
    if (ratio - 1.0).abs() <= case.controller.tolerance {
        return None;
    }
    let far = share >= 1.0;
    let field = format!("behavior.scale{direction}.tolerance");
    let percent = share * 100.0;
    let reason = match (up, far) {
        (true, _) => format!("the HPA scales up only above {:.2} times the target", 1.0 + share),
        (false, true) => "usage cannot be so far below the target: the HPA never scales down".to_owned(),
        (false, false) => format!(
            "the HPA scales down only below {:.2} times the target",
            1.0 - share
        ),
    };
    let finding = case
        .on_hpa(RULE.finding(
            if far { Severity::Warning } else { Severity::Info },
            format!(
                "{current}{}: within a tolerance of its own of {percent}%, stays at {}",
                damped(metric),
                replicas(stays)
            ),
            reason,
        ))
        .verdict(Verdict::Limited)
        .saw("usage divided by target", format!("{ratio:.2}"), "arithmetic")
        .saw(format!("spec.{field}"), &tolerance.0, "GET the HPA");
    Some(finding.fix(
        if far {
            "give the tolerance as a share of one: 0.1 is ten percent"
        } else {
            "use the default tolerance again"
        },
        case.patch_hpa(&format!(
            r#"{{"behavior":{{"scale{direction}":{{"tolerance":{}}}}}}}"#,
            if far { r#""100m""# } else { "null" }
        )),
        "changes the HPA alone",
    ))
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
