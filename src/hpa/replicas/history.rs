//! What the HPA's events tell of earlier rescales. The controller remembers them in memory only.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::later;
use super::context::Context;
use super::policies::longest_period;
use super::stabilization::Direction;
use crate::facts::{Hpa, HpaFacts};
use crate::hpa::message::{self, Message};

/// The event and `status.lastScaleTime` are written by different clocks' seconds.
const SAME_RESCALE: TimeDelta = TimeDelta::seconds(5);

/// One rescale.
struct Rescale {
    at: DateTime<Utc>,
    size: i32,
    grew_by_metric: bool,
    repeated: bool,
}

/// How the replicas changed within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: i32,
    pub(super) removed: i32,
    /// Whether the events prove that this is all.
    pub(super) known: bool,
}

/// When a metric last made the controller grow to the replicas of today, where that was its last rescale.
///
/// Without `spec.behavior` the built-in rate stops a growth half-way, and the next sync grows to what the one before
/// had recommended, whatever usage wants by then: the recommendation is as old as the first growth in a row.
pub(super) fn last_growth(context: &Context<'_>) -> Option<DateTime<Utc>> {
    let last_scale = context.hpa.last_scale_time?;
    let rescales = rescales(context.facts);
    let last = rescales.last()?;
    let fits = (last.at - last_scale).abs() <= SAME_RESCALE && last.size == context.current_replicas();
    if !fits || !last.grew_by_metric {
        return None;
    }
    let in_a_row = rescales.iter().rev().take_while(|rescale| rescale.grew_by_metric);
    match in_a_row.last() {
        Some(first) if context.hpa.behavior.is_none() && first.at < last.at => Some(first.at),
        _ => Some(last_scale),
    }
}

/// The size that the controller last tried to write, and when, where that failed.
pub(super) fn last_failed_size(facts: &HpaFacts) -> Option<i32> {
    let failed = facts
        .events
        .known()?
        .iter()
        .filter(|event| event.reason == "FailedRescale")
        .max_by_key(|event| event.last_seen)?;
    match message::decode(&failed.reason, &failed.message) {
        Message::Rescale { size, .. } => Some(size),
        _ => None,
    }
}

/// `getReplicasChangePerPeriod` for both directions. Without proof to the contrary nothing was changed.
pub(super) fn changes(context: &Context<'_>, period_seconds: i32) -> Changes {
    let cutoff = later(context.now, -TimeDelta::seconds(period_seconds.into()));
    let mut changes = Changes {
        added: 0,
        removed: 0,
        known: true,
    };
    let Some(last_scale) = context.hpa.last_scale_time.filter(|time| *time > cutoff) else {
        return changes;
    };
    let rescales = rescales(context.facts);
    changes.known = rescales
        .last()
        .is_some_and(|last| (last.at - last_scale).abs() <= SAME_RESCALE);
    let mut added = Remembered::new(context.hpa, Direction::Up, cutoff);
    let mut removed = Remembered::new(context.hpa, Direction::Down, cutoff);
    let mut before: Option<&Rescale> = None;
    for rescale in &rescales {
        if rescale.at > cutoff {
            changes.known &= before.is_some() && !rescale.repeated;
        }
        let difference = before.map_or(0, |before| rescale.size.saturating_sub(before.size));
        match difference.cmp(&0) {
            Ordering::Greater => added.store(rescale.at, difference),
            Ordering::Less => removed.store(rescale.at, difference.saturating_neg()),
            Ordering::Equal => {}
        }
        before = Some(rescale);
    }
    changes.known &= added.certain && removed.certain;
    changes.added = added.sum();
    changes.removed = removed.sum();
    changes
}

/// The rescales of one direction as the controller remembers them: one that is older than the longest period of that
/// direction's policies is overwritten by the next (`storeScaleEvent` and `markScaleEventsOutdated`, `horizontal.go`, v1.37),
/// and is then forgotten by the policies of the other direction too, however long their periods are.
struct Remembered {
    longest: TimeDelta,
    counted_since: DateTime<Utc>,
    rescales: Vec<(DateTime<Utc>, i32)>,
    /// Whether no rescale that is counted was followed by another after just the longest period: events have whole seconds.
    certain: bool,
}

impl Remembered {
    fn new(hpa: &Hpa, direction: Direction, counted_since: DateTime<Utc>) -> Self {
        Self {
            longest: TimeDelta::seconds(longest_period(hpa, direction).into()),
            counted_since,
            rescales: Vec::new(),
            certain: true,
        }
    }

    fn store(&mut self, at: DateTime<Utc>, by: i32) {
        let cutoff = later(at, -self.longest);
        let mut counted = self
            .rescales
            .iter()
            .filter(|(stored, _)| *stored > self.counted_since);
        self.certain &= !counted.any(|(stored, _)| (*stored - cutoff).abs() <= TimeDelta::seconds(1));
        match self.rescales.iter().rposition(|(stored, _)| *stored < cutoff) {
            Some(outdated) => self.rescales[outdated] = (at, by),
            None => self.rescales.push((at, by)),
        }
    }

    fn sum(&self) -> i32 {
        let counted = self.rescales.iter().filter(|(at, _)| *at > self.counted_since);
        counted.fold(0, |sum, (_, by)| sum.saturating_add(*by))
    }
}

/// The successful rescales, oldest first.
fn rescales(facts: &HpaFacts) -> Vec<Rescale> {
    let mut rescales: Vec<Rescale> = facts
        .events
        .known()
        .into_iter()
        .flatten()
        .filter(|event| event.reason == "SuccessfulRescale")
        .filter_map(|event| {
            let Message::Rescale { size, reason, .. } = message::decode(&event.reason, &event.message) else {
                return None;
            };
            Some(Rescale {
                at: event.last_seen?,
                size,
                grew_by_metric: reason.ends_with(" above target"),
                repeated: event.count > 1,
            })
        })
        .collect();
    rescales.sort_by_key(|rescale| rescale.at);
    rescales
}
