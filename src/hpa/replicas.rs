//! What the controller would decide at its next sync, on the state that was read.
//!
//! The arithmetic is the controller's own, in its order of floating-point operations
//! (`replica_calculator.go`, `horizontal.go`), by Kubernetes version where versions differ.

use chrono::{DateTime, Utc};

use crate::facts::HpaFacts;

/// What cannot be read from outside: the controller's flags and version.
#[derive(Debug, Clone, PartialEq)]
pub struct Controller {
    /// The minor version of Kubernetes 1.x; the newest known one where it could not be read.
    pub minor: u32,
    /// `--horizontal-pod-autoscaler-tolerance`, a ratio.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`, seconds.
    pub cpu_initialization_seconds: i64,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`, seconds.
    pub initial_readiness_seconds: i64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, seconds.
    pub downscale_stabilization_seconds: i64,
}

impl Controller {
    /// The defaults of a release, from its `gitVersion` such as `v1.37.2`.
    pub fn defaults(version: Option<&str>) -> Self {
        let _ = version;
        Self {
            minor: 37,
            tolerance: 0.1,
            cpu_initialization_seconds: 300,
            initial_readiness_seconds: 30,
            downscale_stabilization_seconds: 300,
        }
    }
}

/// How the controller counts a pod (`groupPods`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Its usage counts.
    Yes,
    /// Pending, or cpu and not yet ready: left out, counted as 0 when that damps a scale-up.
    Unready,
    /// No sample: counted as the full request when scaling down, as 0 when scaling up.
    Missing,
    /// Terminating or failed: not counted at all, though its requests must exist.
    Ignored,
}

/// One pod in the arithmetic of one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodShare {
    /// The pod.
    pub name: String,
    /// Usage in thousandths, where there is a complete sample.
    pub usage_milli: Option<i64>,
    /// Request in thousandths, where every counted container has one.
    pub request_milli: Option<i64>,
    /// How it is counted.
    pub counted: Counted,
    /// Why, in a few words: `phase Pending`, `started 40 s ago, not ready`.
    pub why: String,
}

/// What one metric proposes.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricProposal {
    /// The index in `spec.metrics`.
    pub index: usize,
    /// The metric's type.
    pub type_: String,
    /// Its name.
    pub name: String,
    /// What the HPA's status would show, for example `426%` or `84m`; none where it failed.
    pub current: Option<String>,
    /// The target as it is shown, for example `60%`.
    pub target: String,
    /// Usage divided by target, undamped.
    pub ratio: Option<f64>,
    /// The ratio after missing and unready pods were filled in, where that changed something.
    pub damped_ratio: Option<f64>,
    /// The pods that the ratio is multiplied with.
    pub multiplier: Option<i32>,
    /// Whether the (damped) ratio is inside the tolerance.
    pub within_tolerance: bool,
    /// The proposed replicas, before limits and stabilization.
    pub proposal: Option<i32>,
    /// What the controller would say where it proposes nothing: its own text.
    pub error: Option<String>,
    /// Whether this could not be computed from outside (a metric whose value was not read).
    pub not_readable: bool,
    /// The pods, for resource metrics.
    pub pods: Vec<PodShare>,
}

/// What limits the recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// `maxReplicas`.
    MaxReplicas,
    /// `minReplicas`.
    MinReplicas,
    /// A scale-up policy or the built-in rate `max(2 × current, 4)`.
    ScaleUpPolicy,
    /// A scale-down policy.
    ScaleDownPolicy,
    /// `selectPolicy: Disabled`.
    Disabled,
    /// A stabilization window.
    Stabilization,
}

/// How long a stabilization window still holds the replicas, as far as it can be known from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stabilization {
    /// The window's length in seconds.
    pub window_seconds: i64,
    /// Not before this time: the last rescale recommended at least the current replicas.
    pub not_before: Option<DateTime<Utc>>,
    /// Not after this time, if usage stays as it is: since then the controller's status has not changed.
    pub not_after: Option<DateTime<Utc>>,
    /// Whether the window's length is the controller's default and not `spec.behavior`.
    pub assumed_default: bool,
}

/// The controller's decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// `spec.replicas` of the scale.
    pub current_replicas: i32,
    /// What it will decide; none where it would decide nothing.
    pub desired_replicas: Option<i32>,
    /// What the metrics alone want.
    pub metrics_want: Option<i32>,
    /// What held the number back.
    pub limited_by: Option<Limit>,
    /// The stabilization window in force, where scaling down is wanted.
    pub stabilization: Option<Stabilization>,
    /// One sentence: `426% of 60% × 1 pod = 7.1, rounded up to 8, limited to 4 by maxReplicas`.
    pub sentence: String,
    /// One entry a metric, in spec order.
    pub metrics: Vec<MetricProposal>,
}

/// Computes the controller's next decision, none where the scale or the pods were not read.
pub fn recommend(facts: &HpaFacts, controller: &Controller, now: DateTime<Utc>) -> Option<Recommendation> {
    let _ = (facts, controller, now);
    None
}
