//! The scenarios of upstream's calculator and controller tests, with upstream's expected values, and those
//! that upstream lacks.

mod average;
mod groups;
mod limits;
mod outside;
mod reported;
mod requests;
mod scenarios;
mod sentences;
mod stabilization;
mod utilization;
mod zero;

use super::fixtures::{controller, now};
use super::{MetricProposal, Recommendation, recommend};
use crate::facts::HpaFacts;

/// The recommendation of upstream's test controller.
fn run(facts: &HpaFacts) -> Recommendation {
    recommend(facts, &controller(), now()).unwrap()
}

/// The same by another release.
fn run_on(minor: u32, facts: &HpaFacts) -> Recommendation {
    let controller = super::Controller {
        minor,
        ..controller()
    };
    recommend(facts, &controller, now()).unwrap()
}

/// The first metric's proposal.
fn first(facts: &HpaFacts) -> MetricProposal {
    run(facts).metrics.remove(0)
}

/// The proposed replicas and the value that the status would show.
fn proposed(facts: &HpaFacts) -> (Option<i32>, String) {
    let proposal = first(facts);
    (proposal.proposal, proposal.current.unwrap_or_default())
}
