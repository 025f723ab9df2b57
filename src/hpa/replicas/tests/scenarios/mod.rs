//! One table: the scenarios of upstream's calculator and controller tests, and those that upstream lacks, in the
//! numbers under which the project's notes on the HPA controller list them.
//!
//! 69 is a text of the symptoms, 71 to 73 and 79 are what the controller writes, 93 to 96 and 103 what it remembers: none
//! of them is arithmetic on what can be read.

mod adapters;
mod counting;
mod deciding;
mod given;
mod usage;

use super::super::fixtures::{controller, now};
use super::super::{Controller, Counted, Limit, recommend};
use crate::facts::HpaFacts;

/// What a scenario ends in.
enum End {
    /// The first metric proposes so many replicas and shows this value.
    Proposes(i32, &'static str),
    /// The first metric fails with a text that ends so.
    Fails(&'static str),
    /// The controller decides this; nothing where it decides nothing.
    Decides(Option<i32>, Option<Limit>),
    /// The first pod is counted so.
    Counts(Counted),
    /// The first pod requests so many thousandths.
    Requests(i64),
}

struct Row {
    number: &'static str,
    facts: HpaFacts,
    controller: Controller,
    end: End,
}

fn row(number: &'static str, facts: HpaFacts, end: End) -> Row {
    Row {
        number,
        facts,
        controller: controller(),
        end,
    }
}

impl Row {
    fn tolerating(mut self, tolerance: f64) -> Self {
        self.controller.tolerance = tolerance;
        self
    }

    fn on(mut self, minor: u32) -> Self {
        self.controller.minor = minor;
        self
    }

    fn check(&self) {
        let recommendation = recommend(&self.facts, &self.controller, now()).unwrap();
        let number = self.number;
        let first = recommendation.metrics.first();
        match &self.end {
            End::Proposes(replicas, shown) => {
                let first = first.unwrap();
                let seen = (first.proposal, first.current.as_deref());
                assert_eq!(
                    seen,
                    (Some(*replicas), Some(*shown)),
                    "{number}: {:?}",
                    first.error
                );
            }
            End::Fails(text) => {
                let error = first.unwrap().error.as_deref().unwrap_or_default();
                assert!(error.ends_with(text), "{number}: {error}");
            }
            End::Decides(replicas, limit) => {
                let seen = (recommendation.desired_replicas, recommendation.limited_by);
                assert_eq!(seen, (*replicas, *limit), "{number}: {}", recommendation.sentence);
            }
            End::Counts(counted) => assert_eq!(first.unwrap().pods[0].counted, *counted, "{number}"),
            End::Requests(milli) => {
                let first = first.unwrap();
                assert_eq!(
                    first.pods[0].request_milli,
                    Some(*milli),
                    "{number}: {:?}",
                    first.error
                );
            }
        }
    }
}

#[test]
fn every_scenario_ends_as_upstream() {
    let rows = [
        usage::utilization_rows(),
        adapters::adapter_rows(),
        counting::pod_rows(),
        deciding::controller_rows(),
        deciding::rate_rows(),
        usage::edge_rows(),
    ];
    for row in rows.iter().flatten() {
        row.check();
    }
}
