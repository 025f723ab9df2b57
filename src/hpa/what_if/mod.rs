//! What the controller would decide if something were different: assumptions, and the facts that they make.
//!
//! An assumption changes a copy of the facts; [`crate::hpa::replicas::recommend`] then decides on it as it does
//! on what was read. What the controller remembers, rates and stabilization windows, stays as it is.

mod parse;
mod pods;
mod spec;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests;
mod usage;

use chrono::{DateTime, Utc};

use super::replicas::Controller;
use crate::facts::{HpaFacts, Quantity};

pub use parse::{ACCEPTED, parse};

/// One thing that is assumed.
#[derive(Debug, Clone, PartialEq)]
pub enum Assumption {
    /// So much usage of a resource, in every running pod; or so much of another metric.
    Usage {
        /// `cpu`, `memory` or the name of a metric.
        name: String,
        /// The new value.
        amount: Amount,
    },
    /// So many pods, all of them ready; the replicas follow, and the load that is measured spreads over them.
    Pods(Number),
    /// `spec.replicas` of the scale alone.
    Replicas(Number),
    /// `spec.minReplicas`.
    MinReplicas(Number),
    /// `spec.maxReplicas`.
    MaxReplicas(Number),
    /// The target of a metric.
    Target {
        /// The metric's name; none for the only metric.
        metric: Option<String>,
        /// The new target.
        target: NewTarget,
    },
    /// The request of every pod.
    Request {
        /// `cpu` or `memory`.
        resource: String,
        /// The container; none for the only one.
        container: Option<String>,
        /// The new request.
        amount: Quantity,
    },
    /// The tolerance in both directions, a ratio.
    Tolerance(f64),
    /// A stabilization window.
    Window {
        /// Whether it is the one for growing.
        up: bool,
        /// Its length.
        seconds: i32,
    },
}

/// A number, or a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// So many.
    Exactly(i32),
    /// So many more, or fewer.
    More(i32),
}

impl Number {
    fn from(self, now: i32) -> i32 {
        match self {
            Self::Exactly(number) => number,
            Self::More(difference) => now.saturating_add(difference),
        }
    }
}

/// An amount, or a change in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// So much.
    Exactly(Quantity),
    /// So many percent more, or less.
    Percent(i32),
}

impl Amount {
    /// Thousandths, from the thousandths of now.
    fn from(&self, milli: i64) -> Result<i64, String> {
        match self {
            Self::Exactly(quantity) => quantity.milli_value().map_err(|error| error.to_string()),
            Self::Percent(percent) => {
                let changed = i128::from(milli) * i128::from(100_i64 + i64::from(*percent)) / 100;
                Ok(i64::try_from(changed.max(0)).unwrap_or(i64::MAX))
            }
        }
    }
}

/// A target of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewTarget {
    /// Percent of the request.
    Utilization(i32),
    /// An amount: for each pod, or for the whole where the metric has a target for the whole.
    Amount(Quantity),
}

/// The facts as they would be, and the controller that would read them.
///
/// # Errors
/// An assumption does not fit the HPA; the text says why and what would.
pub fn apply(
    facts: &HpaFacts,
    controller: &Controller,
    assumptions: &[Assumption],
    now: DateTime<Utc>,
) -> Result<(HpaFacts, Controller), String> {
    let mut facts = facts.clone();
    let mut controller = controller.clone();
    // The order is fixed, so that the order of the words does not matter: the pods first, over which the load
    // spreads, then what is said of each of them.
    for pass in [Pass::Pods, Pass::Rest] {
        for assumption in assumptions.iter().filter(|it| pass.takes(it)) {
            one(&mut facts, &mut controller, assumption, now)?;
        }
    }
    spec::check(&facts.hpa)?;
    Ok((facts, controller))
}

#[derive(Clone, Copy, PartialEq)]
enum Pass {
    Pods,
    Rest,
}

impl Pass {
    fn takes(self, assumption: &Assumption) -> bool {
        (self == Self::Pods) == matches!(assumption, Assumption::Pods(_))
    }
}

fn one(
    facts: &mut HpaFacts,
    controller: &mut Controller,
    assumption: &Assumption,
    now: DateTime<Utc>,
) -> Result<(), String> {
    match assumption {
        Assumption::Usage { name, amount }
            if facts.hpa.metrics.iter().any(|it| usage::is_of_pods(it, name)) =>
        {
            usage::of_pods(facts, name, amount, now)
        }
        Assumption::Usage { name, amount } => usage::of_metric(facts, name, amount),
        Assumption::Pods(number) => pods::set(facts, *number, now),
        Assumption::Replicas(number) => spec::replicas(facts, *number),
        Assumption::MinReplicas(number) => {
            facts.hpa.min_replicas = Some(number.from(facts.hpa.effective_min_replicas()));
            Ok(())
        }
        Assumption::MaxReplicas(number) => {
            facts.hpa.max_replicas = number.from(facts.hpa.max_replicas);
            Ok(())
        }
        Assumption::Target { metric, target } => spec::target(&mut facts.hpa, metric.as_deref(), target),
        Assumption::Request {
            resource,
            container,
            amount,
        } => usage::request(facts, resource, container.as_deref(), amount),
        Assumption::Tolerance(ratio) => {
            spec::tolerance(&mut facts.hpa, controller, *ratio);
            Ok(())
        }
        Assumption::Window { up, seconds } => {
            spec::window(&mut facts.hpa, *up, *seconds);
            Ok(())
        }
    }
}
