//! What the whole calculation shares.

use chrono::{DateTime, Utc};

use super::Controller;
use super::tolerance::Tolerance;
use crate::facts::{Hpa, HpaFacts, Pod, Scale};
use crate::hpa::symptoms::Symptoms;

/// The facts of one HPA, as the calculation needs them.
pub(super) struct Context<'a> {
    pub(super) facts: &'a HpaFacts,
    pub(super) hpa: &'a Hpa,
    pub(super) scale: &'a Scale,
    pub(super) pods: &'a [Pod],
    pub(super) controller: &'a Controller,
    pub(super) tolerance: Tolerance,
    pub(super) said: Symptoms,
    pub(super) now: DateTime<Utc>,
}

impl Context<'_> {
    /// The controller's minor version.
    pub(super) fn minor(&self) -> u32 {
        self.controller.minor
    }

    /// `spec.replicas` of the scale.
    pub(super) fn current_replicas(&self) -> i32 {
        self.scale.spec_replicas
    }
}
