//! What the controller says now, told apart from what it said once.
//!
//! A sync writes only the conditions that its path reaches, so a condition can be old news. The order of
//! work is: scale read (`AbleToScale=FailedGetScale`), metrics (`ScalingActive`), scale written
//! (`AbleToScale=FailedUpdateScale`), limits (`ScalingLimited`). The earliest failing stage is current;
//! everything behind it is stale (`horizontal.go`, v1.37).

use super::message::Message;
use crate::facts::{Condition, HpaFacts};

/// How far the controller's last sync came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyncStage {
    /// No condition at all: the controller has not synced this HPA yet, or does not run.
    NeverSynced,
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
        None
    }

    /// The current condition of a type.
    pub fn current(&self, type_: &str) -> Option<&Symptom> {
        self.conditions
            .iter()
            .find(|symptom| symptom.current && symptom.condition.type_ == type_)
    }
}

/// Reads the symptoms from the HPA's conditions and status.
pub fn read(facts: &HpaFacts) -> Symptoms {
    let _ = facts;
    Symptoms {
        stage: SyncStage::NeverSynced,
        conditions: Vec::new(),
        failed_metrics: Vec::new(),
    }
}
