//! Stabilization windows, as far as they can be known from outside.
//!
//! `stabilizeRecommendation` and `stabilizeRecommendationWithBehaviors` (`horizontal.go`) hold the highest
//! (for growing: the lowest) recommendation of the window. The recommendations are in the controller's memory;
//! from outside only bounds are known: what the last sync said, when its status last changed, and when a
//! metric last made it grow.

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::later;
use super::context::Context;
use super::{MetricProposal, Stabilization, history, shown};
use crate::facts::Hpa;
use crate::hpa::symptoms::SyncStage;

/// The direction in which the metrics want to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

impl Direction {
    fn stabilized(self) -> &'static str {
        match self {
            Self::Up => "ScaleUpStabilized",
            Self::Down => "ScaleDownStabilized",
        }
    }

    /// The limits that the controller can only run into when its window did not hold.
    fn beyond_the_window(self) -> &'static [&'static str] {
        match self {
            Self::Up => &["ScaleUpLimit", "TooManyReplicas"],
            Self::Down => &["ScaleDownLimit"],
        }
    }
}

/// The window that holds the replicas where they are, none where nothing holds them.
pub(super) fn hold(
    context: &Context<'_>,
    metrics: &[MetricProposal],
    direction: Direction,
) -> Option<Stabilization> {
    let (window_seconds, assumed_default) = window(context, direction);
    if window_seconds <= 0 {
        return None;
    }
    let window = TimeDelta::seconds(window_seconds);
    let bounds = bounds(context, metrics, direction, window)?;
    let expired = bounds.not_after.is_some_and(|time| time <= context.now);
    let not_before = bounds.not_before.filter(|time| *time > context.now);
    (!expired || not_before.is_some()).then_some(Stabilization {
        window_seconds,
        not_before,
        not_after: bounds.not_after,
        assumed_default,
    })
}

fn window(context: &Context<'_>, direction: Direction) -> (i64, bool) {
    let behavior = context.hpa.behavior.as_ref();
    let rules = behavior.and_then(|behavior| match direction {
        Direction::Up => behavior.scale_up.as_ref(),
        Direction::Down => behavior.scale_down.as_ref(),
    });
    match (
        rules.and_then(|rules| rules.stabilization_window_seconds),
        direction,
    ) {
        (Some(seconds), _) => (i64::from(seconds), false),
        (None, Direction::Up) => (0, false),
        (None, Direction::Down) => (context.controller.downscale_stabilization_seconds, true),
    }
}

/// Between which times the window lets go.
struct Bounds {
    not_before: Option<DateTime<Utc>>,
    not_after: Option<DateTime<Utc>>,
}

/// None where it is certain that no recommendation holds the replicas.
fn bounds(
    context: &Context<'_>,
    metrics: &[MetricProposal],
    direction: Direction,
    window: TimeDelta,
) -> Option<Bounds> {
    let grown = history::last_growth(context)
        .filter(|_| direction == Direction::Down)
        .map(|time| later(time, window));
    let changed = context.hpa.status_changed_at.map(|time| later(time, window));
    let able = context
        .said
        .current("AbleToScale")
        .map(|symptom| &symptom.condition);
    Some(match context.said.stage {
        // The status is written only when something in it changes: where it shows the usage of now, the
        // recommendation has been the one of now since then. Another one begins now, and what the last sync
        // recommended holds it for one window more.
        SyncStage::Complete if able.is_some_and(|able| able.reason == direction.stabilized()) => Bounds {
            not_before: grown,
            not_after: changed
                .filter(|_| steady(context.hpa, metrics))
                .or(Some(later(context.now, window))),
        },
        SyncStage::Complete if limited_by_rate(context, direction) => return None,
        // The last sync found the replicas right, at the earliest when it changed the status.
        SyncStage::Complete => Bounds {
            not_before: grown
                .max(changed.filter(|_| able.is_some_and(|able| able.reason == "ReadyForNewScale"))),
            not_after: Some(later(context.now, window)),
        },
        SyncStage::ScaleNotWritten if tried(context, direction) => return None,
        SyncStage::ScaleNotWritten
        | SyncStage::StatusNotWritten
        | SyncStage::NeverSynced
        | SyncStage::Disabled => Bounds {
            not_before: grown,
            not_after: Some(later(context.now, window)),
        },
        // A sync that fails recommends nothing: what is remembered is older than the failure.
        SyncStage::ScaleNotRead | SyncStage::Selector | SyncStage::Metrics => Bounds {
            not_before: grown,
            not_after: context
                .said
                .blocking()
                .and_then(|symptom| symptom.condition.last_transition_time)
                .map(|time| later(time, window)),
        },
    })
}

/// Whether every metric is what the status shows of it.
fn steady(hpa: &Hpa, metrics: &[MetricProposal]) -> bool {
    metrics
        .iter()
        .all(|metric| metric.current.is_some() && shown(hpa, metric) == metric.current)
}

fn limited_by_rate(context: &Context<'_>, direction: Direction) -> bool {
    context.said.current("ScalingLimited").is_some_and(|symptom| {
        symptom.condition.status == "True"
            && direction
                .beyond_the_window()
                .contains(&symptom.condition.reason.as_str())
    })
}

/// Whether the controller already tried to go there, and only the write failed.
fn tried(context: &Context<'_>, direction: Direction) -> bool {
    history::last_failed_size(context.facts).is_some_and(|size| match direction {
        Direction::Up => size > context.current_replicas(),
        Direction::Down => size < context.current_replicas(),
    })
}
