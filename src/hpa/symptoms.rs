//! What the controller says now, told apart from what it said once.
//!
//! A sync writes only the conditions that its path reaches, so a condition can be old news. The order of
//! work is: scale read (`AbleToScale=FailedGetScale`), metrics (`ScalingActive`), scale written
//! (`AbleToScale=FailedUpdateScale`), limits (`ScalingLimited`). The earliest failing stage is current;
//! everything behind it is stale (`horizontal.go`, v1.37).

use chrono::{DateTime, Utc};

use super::message::{self, ApiFailure, Message};
use crate::facts::{Condition, Event, Fact, HpaFacts};

/// How far the controller's last sync came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyncStage {
    /// No condition at all: the controller has not synced this HPA yet, or does not run.
    NeverSynced,
    /// It works, and may not write the status: the conditions are those of a sync long ago.
    StatusNotWritten,
    /// It could not read the scale.
    ScaleNotRead,
    /// The selector is invalid or shared.
    Selector,
    /// Scaling is disabled because the target has zero replicas.
    Disabled,
    /// It could not compute the metrics.
    Metrics,
    /// It could not write the scale.
    ScaleNotWritten,
    /// It did all of its work.
    Complete,
}

/// A condition with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symptom {
    /// The condition.
    pub condition: Condition,
    /// The decoded text.
    pub message: Message,
    /// Whether the last sync wrote it: a stale condition proves nothing.
    pub current: bool,
}

/// What the controller says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symptoms {
    /// How far the last sync came.
    pub stage: SyncStage,
    /// All conditions, in the order of the controller's work.
    pub conditions: Vec<Symptom>,
    /// The indexes of `spec.metrics` that failed in the last sync although others succeeded or that failed
    /// with them: an entry of `status.currentMetrics` without a type (1.29 and later).
    pub failed_metrics: Vec<usize>,
}

impl Symptoms {
    /// The symptom that stops the HPA, where there is one: a current condition with status `False` that is
    /// not a mere limit.
    pub fn blocking(&self) -> Option<&Symptom> {
        self.conditions.iter().find(|symptom| {
            symptom.current
                && symptom.condition.status == "False"
                && matches!(symptom.condition.type_.as_str(), "AbleToScale" | "ScalingActive")
        })
    }

    /// The current condition of a type.
    pub fn current(&self, type_: &str) -> Option<&Symptom> {
        self.conditions
            .iter()
            .find(|symptom| symptom.current && symptom.condition.type_ == type_)
    }
}

/// Reads the symptoms from the HPA's conditions and status.
pub fn read(facts: &HpaFacts, now: DateTime<Utc>) -> Symptoms {
    let path = Path::of(facts, now);
    let mut conditions: Vec<Symptom> = facts
        .hpa
        .conditions
        .iter()
        .map(|condition| Symptom {
            message: message::decode(&condition.reason, &condition.message),
            current: path.wrote(&condition.type_),
            condition: condition.clone(),
        })
        .collect();
    conditions.sort_by_key(|symptom| order(&symptom.condition));
    Symptoms {
        stage: path.stage,
        conditions,
        failed_metrics: failed_metrics(facts, path.stage),
    }
}

/// A status that is refused is refused again at the next sync: an event that is older is of the past.
const EVENT_SECONDS: i64 = 60;

/// From so many on the events are written only once in five minutes (`EventSourceObjectSpamFilter` of client-go).
const MANY_EVENTS: i32 = 20;
const RARE_EVENT_SECONDS: i64 = 6 * 60;

/// The event that tells that the status is refused, where no status was written since.
pub fn refused_status(facts: &HpaFacts, now: DateTime<Utc>) -> Option<&Event> {
    let event = facts
        .events
        .known()?
        .iter()
        .rfind(|event| event.reason == "FailedUpdateStatus")?;
    let refused = matches!(
        message::decode(&event.reason, &event.message),
        Message::StatusNotWritten(ApiFailure::Forbidden | ApiFailure::Denied | ApiFailure::ServerError)
    );
    let seen = event.last_seen?;
    let newer = facts.hpa.status_changed_at.is_none_or(|written| seen > written);
    let warnings = facts.events.known().into_iter().flatten();
    let many = warnings
        .filter(|event| event.type_ == "Warning")
        .fold(0, |sum: i32, event| sum.saturating_add(event.count));
    let patience = if many < MANY_EVENTS {
        EVENT_SECONDS
    } else {
        RARE_EVENT_SECONDS
    };
    (refused && newer && (now - seen).num_seconds() <= patience).then_some(event)
}

/// The way that the last sync took through the controller's work.
struct Path {
    stage: SyncStage,
    /// Whether it came to the metrics.
    metrics: bool,
    /// Whether it came to the limits.
    limits: bool,
}

impl Path {
    fn of(facts: &HpaFacts, now: DateTime<Utc>) -> Self {
        let hpa = &facts.hpa;
        let Some(able) = hpa.condition("AbleToScale") else {
            return Self::stopped(SyncStage::NeverSynced);
        };
        if refused_status(facts, now).is_some() {
            return Self::stopped(SyncStage::StatusNotWritten);
        }
        let active = hpa.condition("ScalingActive");
        let inactive = active.filter(|condition| condition.status == "False");
        match able.reason.as_str() {
            "FailedGetScale" => Self::stopped(SyncStage::ScaleNotRead),
            "SucceededGetScale" => Self {
                stage: inactive.map_or(SyncStage::Metrics, |condition| stage_of(&condition.reason)),
                // A sync that got no further than the scale cannot have found a valid metric.
                metrics: inactive.is_some(),
                limits: false,
            },
            // Replicas outside of [min, max] are set right without a look at the metrics, and the status
            // then has no metrics.
            "FailedUpdateScale" | "SucceededRescale" => {
                let looked = inactive.is_none() && active.is_some() && !hpa.current_metrics.is_empty();
                Self {
                    stage: if able.status == "False" {
                        SyncStage::ScaleNotWritten
                    } else {
                        SyncStage::Complete
                    },
                    metrics: looked,
                    limits: looked,
                }
            }
            _ => Self {
                stage: inactive.map_or(SyncStage::Complete, |condition| stage_of(&condition.reason)),
                metrics: true,
                limits: inactive.is_none(),
            },
        }
    }

    fn stopped(stage: SyncStage) -> Self {
        Self {
            stage,
            metrics: false,
            limits: false,
        }
    }

    fn wrote(&self, type_: &str) -> bool {
        match type_ {
            _ if self.stage == SyncStage::StatusNotWritten => false,
            "ScalingActive" => self.metrics,
            "ScalingLimited" => self.limits,
            // `ScaledToZero` is written at a rescale and stays true until the next one.
            _ => true,
        }
    }
}

fn stage_of(reason: &str) -> SyncStage {
    match reason {
        "InvalidSelector" | "AmbiguousSelector" => SyncStage::Selector,
        "ScalingDisabled" => SyncStage::Disabled,
        _ => SyncStage::Metrics,
    }
}

/// The place of a condition in the controller's order of work.
fn order(condition: &Condition) -> u8 {
    match (condition.type_.as_str(), condition.reason.as_str()) {
        ("AbleToScale", "FailedUpdateScale") => 2,
        ("AbleToScale", _) => 0,
        ("ScalingActive", _) => 1,
        ("ScalingLimited", _) => 3,
        _ => 4,
    }
}

/// `status.currentMetrics` is aligned with `spec.metrics` by index; an entry that failed is left zero (1.29
/// and later). Before, a failure of the only metric is still certain.
fn failed_metrics(facts: &HpaFacts, stage: SyncStage) -> Vec<usize> {
    let hpa = &facts.hpa;
    if hpa.is_planned() {
        return will_fail(facts);
    }
    if matches!(
        stage,
        SyncStage::NeverSynced
            | SyncStage::StatusNotWritten
            | SyncStage::ScaleNotRead
            | SyncStage::Selector
            | SyncStage::Disabled
    ) {
        return Vec::new();
    }
    if stage == SyncStage::Metrics && hpa.metrics.len() == 1 {
        return vec![0];
    }
    (0..hpa.metrics.len())
        .filter(|index| {
            hpa.current_metrics
                .get(*index)
                .is_some_and(|status| status.type_.is_empty())
        })
        .collect()
}

/// The metrics of an HPA that is not written yet whose API gives no value: the controller will ask it the same.
fn will_fail(facts: &HpaFacts) -> Vec<usize> {
    let answers = facts.hpa.metrics.iter().enumerate();
    answers
        .filter(|(index, _)| match facts.metric_value(*index) {
            Some(Fact::Known(samples)) => samples.is_empty(),
            Some(Fact::Absent) => true,
            // Who may not read the value has learnt nothing of what the controller will get.
            Some(Fact::NotReadable(reason)) => reason.needs.is_none(),
            None => false,
        })
        .map(|(index, _)| index)
        .collect()
}

#[cfg(test)]
mod tests;
