//! Our arithmetic against the controller's own, on seeded random scenarios.
//!
//! `tests/parity/oracle` drives `ReplicaCalculator`, the metrics client and the controller's own limits and policies, of
//! two pinned Kubernetes releases. Both sides read the same facts. `PARITY_SCENARIOS` and `PARITY_SEED` change how many
//! and which.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end with a panic"
)]

mod limits;
mod oracle;
mod outside;
mod scenario;
mod sequence;

use chrono::{DateTime, Utc};
use kubectl_tfserve::facts::MetricTarget;
use kubectl_tfserve::hpa::replicas::{self, Controller, Limit, Recommendation};

use oracle::{Answer, Release};
use scenario::{Random, Scenario};

const SCENARIOS: usize = 100_000;
/// For another release, and for what comes after the metrics.
const FEWER: usize = 20_000;
/// Scenarios that one oracle process answers; keeps the memory of a run small.
const BATCH: usize = 10_000;

#[test]
fn our_arithmetic_is_the_controllers() {
    let scenarios = from_environment("PARITY_SCENARIOS").unwrap_or(SCENARIOS);
    compare_all(Release::Newest, scenarios, Scenario::random, metric);
}

#[test]
fn our_arithmetic_is_that_of_1_34() {
    compare_all(Release::V1_34, FEWER, Scenario::random, metric);
}

#[test]
fn our_limits_and_policies_are_the_controllers() {
    compare_all(Release::Newest, FEWER, limits::random, decision);
}

#[test]
fn our_limits_and_policies_are_those_of_1_34() {
    compare_all(Release::V1_34, FEWER / 4, limits::random, decision);
}

#[test]
fn what_we_say_of_the_time_left_is_what_the_controller_does() {
    in_time(
        Release::Newest,
        from_environment("PARITY_SCENARIOS").unwrap_or(FEWER),
    );
}

#[test]
fn what_we_say_of_the_time_left_is_what_1_34_does() {
    in_time(Release::V1_34, FEWER / 4);
}

fn in_time(release: Release, sequences: usize) {
    let seed = from_environment("PARITY_SEED").unwrap_or(20_261_124) as u64;
    for start in (0..sequences).step_by(BATCH) {
        let batch = BATCH.min(sequences - start);
        let compared = sequence::compare(oracle::of(release), seed + start as u64, batch);
        assert!(
            compared.differences.is_empty(),
            "{} differences, the first:\n{}",
            compared.differences.len(),
            compared.differences[0]
        );
    }
}

fn compare_all(
    release: Release,
    scenarios: usize,
    make: fn(&mut Random, DateTime<Utc>) -> Scenario,
    difference: fn(&Scenario, &Recommendation, &Answer) -> Option<String>,
) {
    let seed = from_environment("PARITY_SEED").unwrap_or(20_261_124);
    let oracle = oracle::of(release);
    let controller = Controller {
        downscale_stabilization_seconds: 0,
        ..Controller::defaults(Some(oracle.version))
    };
    let mut random = Random::new(seed as u64);
    let mut differences = Vec::new();
    let mut computed = 0;
    for start in (0..scenarios).step_by(BATCH) {
        let now = Utc::now();
        let batch: Vec<Scenario> = (start..scenarios.min(start + BATCH))
            .map(|_| make(&mut random, now))
            .collect();
        let answers = oracle.solve(&batch);
        assert_eq!(answers.len(), batch.len(), "the oracle answers every scenario");
        for (index, (scenario, answer)) in batch.iter().zip(&answers).enumerate() {
            let ours =
                replicas::recommend(&scenario.facts, &controller, now).expect("the facts are complete");
            computed += usize::from(ours.metrics[0].proposal.is_some());
            if let Some(difference) = difference(scenario, &ours, answer) {
                differences.push(format!(
                    "scenario {} (seed {seed}): {difference}\n{}",
                    start + index,
                    serde_json::to_string(&scenario).unwrap()
                ));
            }
        }
    }
    println!(
        "{}: {scenarios} scenarios, {computed} with a proposal, {} differences",
        oracle.version,
        differences.len()
    );
    assert!(
        differences.is_empty(),
        "{} differences, the first:\n{}",
        differences.len(),
        differences[0]
    );
    assert!(
        computed * 3 > scenarios,
        "too few scenarios come as far as a proposal: {computed}"
    );
}

fn from_environment(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

/// What differs in the number that is written and in what limits it.
fn decision(scenario: &Scenario, ours: &Recommendation, oracle: &Answer) -> Option<String> {
    let limited = match oracle.reason.as_str() {
        "TooManyReplicas" => ours.limited_by == Some(Limit::MaxReplicas),
        "TooFewReplicas" => ours.limited_by == Some(Limit::MinReplicas),
        "ScaleUpLimit" => matches!(ours.limited_by, Some(Limit::ScaleUpPolicy | Limit::Disabled)),
        "ScaleDownLimit" => matches!(ours.limited_by, Some(Limit::ScaleDownPolicy | Limit::Disabled)),
        _ => ours.limited_by.is_none(),
    };
    let same = limited && ours.desired_replicas == Some(oracle.desired);
    metric(scenario, ours, oracle).or_else(|| {
        (!same).then(|| {
            format!(
                "we decide {:?} ({:?}), the controller {} ({})",
                ours.desired_replicas, ours.limited_by, oracle.desired, oracle.reason
            )
        })
    })
}

/// What differs in the metric's proposal and in what the status shows of it.
fn metric(scenario: &Scenario, ours: &Recommendation, oracle: &Answer) -> Option<String> {
    let ours = &ours.metrics[0];
    match (&ours.error, &oracle.error) {
        (Some(our_text), Some(their_text)) => {
            let (our_text, their_text) = (innermost(our_text), innermost(their_text));
            (our_text != their_text).then(|| format!("we say `{our_text}`, the controller `{their_text}`"))
        }
        (Some(text), None) => Some(format!(
            "we fail with `{text}`, the controller proposes {}",
            oracle.replicas
        )),
        (None, Some(text)) => Some(format!(
            "we propose {:?}, the controller fails with `{text}`",
            ours.proposal
        )),
        (None, None) if ours.proposal != Some(oracle.replicas) => Some(format!(
            "we propose {:?}, the controller {}",
            ours.proposal, oracle.replicas
        )),
        (None, None) => {
            let shown = ours.current.clone().unwrap_or_default();
            // A mean over no replicas is no number; what the controller then shows depends on its processor.
            let facts = &scenario.facts;
            let no_mean = matches!(facts.hpa.metrics[0].target, MetricTarget::AverageValue(_))
                && facts
                    .scale
                    .known()
                    .is_some_and(|scale| scale.status_replicas == 0);
            let same = match shown.strip_suffix('%') {
                Some(percent) => percent == oracle.utilization.to_string(),
                None => no_mean || shown == oracle.usage,
            };
            (!same).then(|| {
                format!(
                    "we show {shown}, the controller {}% or {}",
                    oracle.utilization, oracle.usage
                )
            })
        }
    }
}

/// The innermost error. The controller names whichever pod its lister returns first, in map order, so
/// pods and containers are left out.
fn innermost(text: &str) -> &str {
    let start = [
        "missing request for",
        "missing pod-level request",
        "did not receive",
        "no metrics returned",
        "no pods returned",
        "the custom metrics API server returned",
    ]
    .iter()
    .filter_map(|template| text.rfind(template))
    .max()
    .unwrap_or(0);
    let text = &text[start..];
    text.split(" in container ")
        .next()
        .unwrap_or(text)
        .split(" in Pod ")
        .next()
        .unwrap_or(text)
}
