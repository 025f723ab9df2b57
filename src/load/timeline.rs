//! What happened when: one point a slice of time.

use std::time::Duration;

use serde::Serialize;

use super::{Plan, Quantiles, Tally};

/// A slice of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// When the slice begins, in seconds since the load began.
    pub second: f64,
    /// How long it is, in seconds.
    pub seconds: f64,
    /// Users, or requests a second that were due.
    pub level: u32,
    /// Requests that ended in it, a second.
    pub requests_per_second: f64,
    /// Those of them that failed.
    pub failed: u64,
    /// Latencies of those that were answered.
    pub latency_ms: Option<Quantiles>,
    /// Whether it counts for nothing.
    pub warm_up: bool,
}

/// Adds slices up: a point each, a tally for each step, one for all.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    points: Vec<Point>,
    steps: Vec<Tally>,
    total: Tally,
}

impl Timeline {
    /// Takes the next slice.
    #[expect(clippy::cast_precision_loss, reason = "no slice has 2^53 requests")]
    pub fn push(&mut self, plan: &Plan, start: Duration, length: Duration, tally: &Tally) {
        let warm_up = start < plan.warm_up;
        let seconds = length.as_secs_f64();
        self.points.push(Point {
            second: round(start.as_secs_f64()),
            seconds: round(seconds),
            level: plan.level_at(start),
            requests_per_second: if seconds > 0.0 {
                round(tally.count() as f64 / seconds)
            } else {
                0.0
            },
            failed: tally.failed_count(),
            latency_ms: tally.latencies.quantiles(),
            warm_up,
        });
        if warm_up {
            return;
        }
        let step = plan.step_at(start);
        if self.steps.len() <= step {
            self.steps.resize_with(step + 1, Tally::default);
        }
        if let Some(sum) = self.steps.get_mut(step) {
            sum.add(tally);
        }
        self.total.add(tally);
    }

    /// The points.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The last point.
    pub fn last(&self) -> Option<&Point> {
        self.points.last()
    }

    /// What happened in a step.
    pub fn step(&self, index: usize) -> Option<&Tally> {
        self.steps.get(index)
    }

    /// All that counts.
    pub fn total(&self) -> &Tally {
        &self.total
    }

    /// The share of failures in the slices of the last seconds, where they hold enough requests to tell.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
    pub fn recent_error_rate(&self, within: Duration) -> Option<f64> {
        const ENOUGH: f64 = 20.0;
        let now = self.points.last().map(|point| point.second + point.seconds)?;
        let recent = self
            .points
            .iter()
            .rev()
            .take_while(|point| point.second >= now - within.as_secs_f64() && !point.warm_up);
        let (failed, all) = recent.fold((0, 0.0), |(failed, all), point| {
            (
                failed + point.failed,
                all + point.requests_per_second * point.seconds,
            )
        });
        (all >= ENOUGH).then(|| failed as f64 / all)
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
