//! Our arithmetic against the controller's own, on seeded random scenarios.
//!
//! `tests/parity/oracle` drives `ReplicaCalculator` and the metrics client of the pinned Kubernetes release.
//! Both sides read the same facts. `PARITY_SCENARIOS` and `PARITY_SEED` change how many and which.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end with a panic"
)]

mod oracle;
mod scenario;

use kubectl_tfserve::hpa::replicas::{self, Controller, MetricProposal};

use oracle::Answer;
use scenario::{Random, Scenario};

const SCENARIOS: usize = 100_000;
/// Scenarios that one oracle process answers; keeps the memory of a run small.
const BATCH: usize = 10_000;

#[test]
fn our_arithmetic_is_the_controllers() {
    let scenarios = from_environment("PARITY_SCENARIOS").unwrap_or(SCENARIOS);
    let seed = from_environment("PARITY_SEED").unwrap_or(20_261_124);
    let oracle = oracle::build();
    let mut random = Random::new(seed as u64);
    let mut differences = Vec::new();
    let mut computed = 0;
    for start in (0..scenarios).step_by(BATCH) {
        let now = chrono::Utc::now();
        let batch: Vec<Scenario> = (start..scenarios.min(start + BATCH))
            .map(|_| Scenario::random(&mut random, now))
            .collect();
        let answers = oracle.solve(&batch);
        assert_eq!(answers.len(), batch.len(), "the oracle answers every scenario");
        for (index, (scenario, answer)) in batch.iter().zip(&answers).enumerate() {
            let controller = Controller::defaults(Some(oracle.version));
            let ours =
                replicas::recommend(&scenario.facts, &controller, now).expect("the facts are complete");
            let ours = &ours.metrics[0];
            computed += usize::from(ours.proposal.is_some());
            if let Some(difference) = compare(ours, answer) {
                differences.push(format!(
                    "scenario {} (seed {seed}): {difference}\n{}",
                    start + index,
                    serde_json::to_string(&scenario.facts).unwrap()
                ));
            }
        }
    }
    println!(
        "{scenarios} scenarios, {computed} with a proposal, {} differences",
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

/// What differs, where something does.
fn compare(ours: &MetricProposal, oracle: &Answer) -> Option<String> {
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
        (None, None) => {
            let utilization = ours.current.as_deref().and_then(|text| text.strip_suffix('%'));
            if ours.proposal != Some(oracle.replicas) {
                Some(format!(
                    "we propose {:?}, the controller {}",
                    ours.proposal, oracle.replicas
                ))
            } else if utilization.is_some_and(|percent| percent != oracle.utilization.to_string()) {
                Some(format!(
                    "we show {utilization:?} percent, the controller {}",
                    oracle.utilization
                ))
            } else {
                None
            }
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
