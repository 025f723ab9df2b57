//! What the HPA's events tell of its rescales.
//!
//! Three things of `EventCorrelator` (`tools/record/events_cache.go` of client-go) make them less than a log. Equal texts
//! are one event that counts, so of its rescales only the first and the last have a time. The tenth text within ten
//! minutes and all after it are one event with the newest text, whose count tells neither size nor direction. And after 25
//! writes an object has one more in five minutes, so that a count is right at the time of its event and not at another's.

use chrono::{DateTime, Utc};

use super::Case;
use super::phrase::seconds_since;
use crate::facts::{Event, ScaleTarget};
use crate::hpa::message::{Message, decode, is_aggregated};

/// An event is kept so long after it was last seen (`--event-ttl` of kube-apiserver); what happened before is unknown.
pub(super) const KEPT_SECONDS: i64 = 60 * 60;

/// How often the HPA must have written the same size without a reason of its own, for somebody else to be meant.
pub(super) const LEAST_OVERWRITTEN: i32 = 2;

/// How often a limit has to turn the HPA back: once may be a person who changed it.
const LEAST_TURNS: i32 = 2;

/// What an object's events may cost before the recorder drops them: `defaultSpamBurst`, and one more in
/// `1 / defaultSpamQPS`.
const BURST: i64 = 25;
const ONE_MORE_SECONDS: i64 = 300;

/// So many of an event have a rate.
const RATED: i32 = 4;

/// The direction of a rescale, from its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
    Unknown,
}

/// The rescales to one size in one direction.
#[derive(Debug, Clone)]
pub(super) struct Size {
    pub(super) replicas: i32,
    pub(super) direction: Direction,
    /// Whether the metrics wanted it, and not only `minReplicas` or `maxReplicas`.
    pub(super) by_metrics: bool,
    pub(super) times: i32,
    pub(super) first: DateTime<Utc>,
    pub(super) last: DateTime<Utc>,
}

/// Rescales by a limit of the HPA, and its own beyond that limit.
#[derive(Debug)]
pub(super) struct LimitMoves<'a> {
    /// Up to `minReplicas`, or down to `maxReplicas`.
    pub(super) limit: &'a Size,
    /// The newest size beyond it.
    pub(super) beyond: i32,
    /// How often it went there.
    pub(super) beyond_times: i32,
    /// When it last did.
    pub(super) beyond_last: DateTime<Utc>,
}

impl LimitMoves<'_> {
    /// The last of all.
    pub(super) fn last(&self) -> DateTime<Utc> {
        self.limit.last.max(self.beyond_last)
    }
}

/// The rescales that are known.
#[derive(Debug)]
pub(super) struct Rescales {
    sizes: Vec<Size>,
    /// When the HPA was last changed: it may have another target or other rules since, and nobody is blamed for what
    /// was before. It counts where it speaks for somebody.
    changed: Option<DateTime<Utc>>,
    /// How many of whatever size one event stands for that went on after the change.
    pub(super) combined: i32,
    /// The same of those that did not.
    combined_before: i32,
    /// Whether so much happened that some of it may not have been written.
    throttled: bool,
}

/// None where the events were not read.
pub(super) fn read(case: &Case<'_>) -> Option<Rescales> {
    let events = case.facts.events.known()?;
    let mut rescales = Rescales {
        sizes: Vec::new(),
        changed: case.facts.hpa.spec_changed_at,
        combined: 0,
        combined_before: 0,
        throttled: is_throttled(events),
    };
    for event in events {
        rescales.add(event);
    }
    Some(rescales)
}

fn is_throttled(events: &[Event]) -> bool {
    let written: i64 = events.iter().map(|event| i64::from(event.count.max(1))).sum();
    let first = events.iter().filter_map(|event| event.first_seen).min();
    let last = events.iter().filter_map(|event| event.last_seen).max();
    let (Some(first), Some(last)) = (first, last) else {
        return false;
    };
    written > BURST + seconds_since(first, last) / ONE_MORE_SECONDS
}

impl Rescales {
    fn add(&mut self, event: &Event) {
        if event.reason != "SuccessfulRescale" {
            return;
        }
        let Message::Rescale { size, reason, .. } = decode(&event.reason, &event.message) else {
            return;
        };
        let Some(last) = event.last_seen else { return };
        let mut times = event.count.max(1);
        let mut first = event.first_seen.unwrap_or(last);
        if is_aggregated(&event.message) {
            let combined = if self.is_since(last) {
                &mut self.combined
            } else {
                &mut self.combined_before
            };
            *combined = combined.saturating_add(times - 1);
            (times, first) = (1, last);
        }
        let (direction, by_metrics) = direction(&reason);
        let known = self
            .sizes
            .iter_mut()
            .find(|known| known.replicas == size && known.direction == direction);
        match known {
            Some(known) => {
                known.times = known.times.saturating_add(times);
                known.first = known.first.min(first);
                known.last = known.last.max(last);
                known.by_metrics |= by_metrics;
            }
            None => self.sizes.push(Size {
                replicas: size,
                direction,
                by_metrics,
                times,
                first,
                last,
            }),
        }
    }

    /// What the metrics wanted since the HPA was last changed. Of what began before, only the last is known to be later.
    pub(super) fn by_metrics(&self) -> Vec<Size> {
        let moves = self
            .sizes
            .iter()
            .filter(|size| size.by_metrics && self.is_since(size.last));
        moves
            .cloned()
            .map(|size| match self.changed {
                Some(changed) if size.first <= changed => Size {
                    times: 1,
                    first: size.last,
                    ..size
                },
                _ => size,
            })
            .collect()
    }

    /// The size that the HPA has written more often than the spec of its target has ever changed, and how often that was.
    ///
    /// The API server raises `metadata.generation` with every change of the spec, and had each of these writes been
    /// undone by somebody, it would have changed twice for each of them.
    pub(super) fn without_effect(&self, case: &Case<'_>) -> Option<(&Size, i64)> {
        let (size, foreign) = self.most_overwritten(case.now)?;
        let target = case.target()?;
        let changes = target.generation.filter(|generation| *generation > 0)? - 1;
        let was_there = existed_at(target)?;
        let needed = i64::from(size.times) + i64::from(foreign);
        (foreign >= LEAST_OVERWRITTEN && was_there <= size.first && changes < needed)
            .then_some((size, changes))
    }

    /// What a limit of the HPA alone asked for, beside its own rescales beyond that limit: it had another one by turns. At
    /// least twice each; the limit that did it most often.
    pub(super) fn by_limits(&self) -> Option<LimitMoves<'_>> {
        let by_limit = self.sizes.iter().filter(|size| {
            !size.by_metrics && size.direction != Direction::Unknown && size.times >= LEAST_TURNS
        });
        by_limit
            .filter_map(|limit| self.beyond(limit))
            .max_by_key(|moves| moves.limit.times)
    }

    fn beyond<'a>(&'a self, limit: &'a Size) -> Option<LimitMoves<'a>> {
        let beyond = |other: &&Size| match limit.direction {
            Direction::Up => other.direction == Direction::Down && other.replicas < limit.replicas,
            _ => other.direction == Direction::Up && other.replicas > limit.replicas,
        };
        let others: Vec<&Size> = self
            .sizes
            .iter()
            .filter(|other| other.by_metrics && other.last > limit.first && other.first < limit.last)
            .filter(beyond)
            .collect();
        let newest = others.iter().max_by_key(|other| other.last)?;
        let times = others
            .iter()
            .map(|other| other.times)
            .fold(0, i32::saturating_add);
        (times >= LEAST_TURNS).then_some(LimitMoves {
            limit,
            beyond: newest.replicas,
            beyond_times: times,
            beyond_last: newest.last,
        })
    }

    fn is_since(&self, time: DateTime<Utc>) -> bool {
        self.changed.is_none_or(|changed| time > changed)
    }

    /// The size that somebody else most often made the HPA write again, and how often at least.
    pub(super) fn most_overwritten(&self, now: DateTime<Utc>) -> Option<(&Size, i32)> {
        self.sizes
            .iter()
            .filter(|size| self.is_since(size.last))
            .map(|size| (size, self.foreign_writes(size, now)))
            .max_by_key(|(_, foreign)| *foreign)
    }

    /// How often somebody else must have written. Between two rescales down to one size the replicas have risen above
    /// it: by a rescale up, or by a foreign write; and the other way round.
    fn foreign_writes(&self, size: &Size, now: DateTime<Utc>) -> i32 {
        let opposite = |other: &&Size| {
            let moves = match size.direction {
                Direction::Down => other.replicas > size.replicas && other.direction != Direction::Down,
                Direction::Up => other.replicas < size.replicas && other.direction != Direction::Up,
                Direction::Unknown => other.replicas != size.replicas,
            };
            moves && other.last >= size.first
        };
        let others = self.sizes.iter().filter(opposite).map(|other| {
            if self.throttled {
                other.times_until(size.last)
            } else {
                other.times
            }
        });
        let combined = self.combined.saturating_add(self.combined_before);
        let others = others.fold(combined, i32::saturating_add);
        in_the_last_hour(size, now)
            .saturating_sub(1)
            .saturating_sub(others)
    }
}

impl Size {
    /// How often until a later time, if it went on as it did: its event may only not have been written.
    fn times_until(&self, end: DateTime<Utc>) -> i32 {
        let known = (self.last - self.first).num_seconds();
        let whole = (end - self.first).num_seconds();
        if self.times < RATED || known <= 0 || whole <= known {
            return self.times;
        }
        let times = i64::from(self.times).saturating_mul(whole) / known;
        i32::try_from(times).unwrap_or(i32::MAX)
    }
}

/// A time at which the object was there: its creation, or else the first trace that it bears.
fn existed_at(target: &ScaleTarget) -> Option<DateTime<Utc>> {
    target.created_at.or_else(|| {
        let written = target.spec_writers.iter().filter_map(|writer| writer.time);
        let told = target.conditions.iter().filter_map(|it| it.last_transition_time);
        written.chain(told).min()
    })
}

/// The reasons of `reconcileAutoscaler`, and whether they speak of metrics.
fn direction(reason: &str) -> (Direction, bool) {
    match reason {
        "All metrics below target" => (Direction::Down, true),
        "Current number of replicas above Spec.MaxReplicas" => (Direction::Down, false),
        "Current number of replicas below Spec.MinReplicas" => (Direction::Up, false),
        above if above.ends_with(" above target") => (Direction::Up, true),
        _ => (Direction::Unknown, false),
    }
}

/// The rescales among which no event is missing: an older one that went the other way may be forgotten.
fn in_the_last_hour(size: &Size, now: DateTime<Utc>) -> i32 {
    if seconds_since(size.first, now) <= KEPT_SECONDS {
        return size.times;
    }
    let over = (size.last - size.first).num_seconds().max(KEPT_SECONDS);
    let rate = i64::from(size.times).saturating_mul(KEPT_SECONDS) / over;
    i32::try_from(rate).unwrap_or(size.times)
}
