//! TFS616 value-does-not-fall
//!
//! ## What it detects
//! The HPA runs up to its maximum on a value that its replicas do not bring down. With a target of `Value` the controller
//! multiplies the replicas of now: a queue of 7 for a target of 6 is one more replica at every sync, and has no end.
//!
//! ## How it is proved
//! The metric that decides has a target of `Value` and is above it. Within a few minutes the replicas have become several
//! times as many, and no step was larger than the value of now would make it: it has not fallen while the replicas came.
//! Whether it will fall later cannot be seen, so that is *likely*.
//!
//! ## What it is not
//! A value that falls as replicas come, such as a latency or a usage: its first step is the largest.
//!
//! ## Fix
//! Share a total among the replicas with `averageValue`.
//!
//! ## Source
//! `getUsageRatioReplicaCount` in `replica_calculator.go`, Kubernetes v1.37.

use crate::diagnosis::phrase::{seconds_since, span};
use crate::diagnosis::rescales::{self, Direction, Size};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{MetricSpec, MetricTarget};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS616",
    name: "value-does-not-fall",
    stage: Stage::Arithmetic,
    source: documentation!("value_multiplies.rs"),
    explains: &["TFS602", "TFS606"],
    needs: &[Need::Pods],
    check,
};

/// So many rescales on end have had time to bring a value down.
const STEPS: usize = 3;
/// And so many times the replicas.
const TIMES: i32 = 2;

/// Within this time: a load that grows like that does it in hours.
const RUN_SECONDS: i64 = 15 * 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric()?;
    let spec = case.facts.hpa.metrics.get(metric.index)?;
    let MetricTarget::Value(target) = &spec.target else {
        return None;
    };
    let ratio = metric.ratio.filter(|ratio| *ratio > 1.0)?;
    if metric.within_tolerance {
        return None;
    }
    let run = run(case, ratio)?;
    let (first, last) = (run.first()?, run.last()?);
    let sizes: Vec<String> = run.iter().map(|size| size.replicas.to_string()).collect();
    let current = metric.current.as_deref()?;
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "{current} of {target} whatever the replicas are: {} rescales to {} did not bring {} down",
                run.len(),
                last.replicas,
                spec.name
            ),
            "a target of `Value` is one for the whole: at every sync the replicas are multiplied, until the value falls",
        )
        .at_most(Confidence::Likely)
        .saw(
            format!("rescales in {}", span(seconds_since(first.last, last.last))),
            format!("to {}: at most {ratio:.2} times each, rounded up", sizes.join(", ")),
            "LIST events",
        )
        .saw(
            format!("spec.metrics[{}]", metric.index),
            format!("{}, value {target}", spec.name),
            "GET the HPA",
        );
    Some(
        case.on_hpa(finding)
            .fix(
                "share the value among the replicas, if it is a total such as the length of a queue",
                average(case, metric.index, spec, &target.to_string()),
                "changes the HPA alone",
            )
            .advice(
                "or measure what falls as replicas come, such as the age of the oldest message",
                "changes the HPA alone",
            ),
    )
}

/// `kubectl patch hpa` that makes the target an `AverageValue`.
pub(super) fn average(case: &Case<'_>, index: usize, spec: &MetricSpec, target: &str) -> String {
    let field = spec.type_.to_lowercase();
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/metrics/{index}/{field}/target","value":{{"type":"AverageValue","averageValue":"{target}"}}}}]"#
    );
    case.patch_hpa_json(&patch)
}

/// The last rescales up, none of them further than the ratio of now takes the one before; pods that were not ready yet
/// make a step smaller. None where one went down since.
fn run(case: &Case<'_>, ratio: f64) -> Option<Vec<Size>> {
    let mut sizes = rescales::read(case)?.by_metrics();
    sizes.sort_by_key(|size| size.last);
    let mut run: Vec<Size> = Vec::new();
    for size in sizes {
        let follows = run
            .last()
            .is_none_or(|before| f64::from(size.replicas) <= (ratio * f64::from(before.replicas)).ceil());
        if size.direction != Direction::Up || size.times > 1 {
            run.clear();
        } else {
            if !follows {
                run.clear();
            }
            run.push(size);
        }
    }
    let (first, last) = run.first().zip(run.last())?;
    let grown = last.replicas >= first.replicas.saturating_mul(TIMES);
    let soon = seconds_since(first.last, last.last) <= RUN_SECONDS;
    (grown && soon && run.len() > STEPS).then_some(run)
}
