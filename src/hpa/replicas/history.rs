//! What the HPA's events tell of earlier rescales. The controller remembers them in memory only.

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::later;
use super::context::Context;
use crate::facts::HpaFacts;
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
pub(super) fn last_growth(context: &Context<'_>) -> Option<DateTime<Utc>> {
    let last_scale = context.hpa.last_scale_time?;
    let rescale = rescales(context.facts).pop()?;
    let fits = (rescale.at - last_scale).abs() <= SAME_RESCALE && rescale.size == context.current_replicas();
    (fits && rescale.grew_by_metric).then_some(last_scale)
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
    let mut before: Option<&Rescale> = None;
    for rescale in &rescales {
        if rescale.at > cutoff {
            changes.known &= before.is_some() && !rescale.repeated;
            let difference = before.map_or(0, |before| rescale.size.saturating_sub(before.size));
            changes.added = changes.added.saturating_add(difference.max(0));
            changes.removed = changes.removed.saturating_add(difference.saturating_neg().max(0));
        }
        before = Some(rescale);
    }
    changes
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
