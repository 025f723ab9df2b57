//! What the controller would decide at its next sync, on the state that was read.
//!
//! The arithmetic is the controller's own, in its order of floating-point operations
//! (`replica_calculator.go`, `horizontal.go`), by Kubernetes version where versions differ.

mod clock;
mod context;
mod damping;
#[cfg(test)]
pub(crate) mod fixtures;
mod group;
mod history;
mod limits;
mod metric;
mod numbers;
mod outside;
mod policies;
mod reported;
mod requests;
mod resource;
mod samples;
mod sentence;
mod stabilization;
mod start;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests;
mod tolerance;

use chrono::{DateTime, Utc};

use self::context::Context;
use self::metric::Want;
pub(super) use self::reported::shown;
use self::start::Start;
use self::tolerance::Tolerance;
use super::symptoms::{self, SyncStage};
use crate::facts::{HpaFacts, Scale};

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
    /// The defaults of a release, from its `gitVersion` such as `v1.37.2`
    /// (`pkg/controller/podautoscaler/config/v1alpha1/defaults.go`).
    pub fn defaults(version: Option<&str>) -> Self {
        Self {
            minor: version.and_then(minor).unwrap_or(NEWEST_KNOWN_MINOR),
            tolerance: 0.1,
            cpu_initialization_seconds: 300,
            initial_readiness_seconds: 30,
            downscale_stabilization_seconds: 300,
        }
    }
}

/// The newest release whose source this calculation was compared with.
const NEWEST_KNOWN_MINOR: u32 = 37;

fn minor(version: &str) -> Option<u32> {
    let rest = version.trim_start_matches('v').strip_prefix("1.")?;
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
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
    /// Whether the value is that of the last sync, from the HPA's status, because its API was not read.
    pub from_status: bool,
    /// The pods, for metrics that count them.
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
    /// Not before this time: a recommendation of at least the current replicas is proven until then.
    pub not_before: Option<DateTime<Utc>>,
    /// Not after this time, if usage stays as it is; none where nothing from outside tells it.
    pub not_after: Option<DateTime<Utc>>,
    /// Whether the window's length is the controller's default and not from `spec.behavior`.
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
    /// The stabilization window that holds the replicas, where one does.
    pub stabilization: Option<Stabilization>,
    /// One sentence: `426% of 60% × 1 pod = 7.1, rounded up to 8, limited to 4 by maxReplicas`.
    pub sentence: String,
    /// One entry a metric, in spec order.
    pub metrics: Vec<MetricProposal>,
}

/// Computes the controller's next decision, none where the scale was not read, or the pods where the metrics
/// need them.
pub fn recommend(facts: &HpaFacts, controller: &Controller, now: DateTime<Utc>) -> Option<Recommendation> {
    let scale = facts.scale.known()?;
    match start::start(&facts.hpa, scale, controller.minor) {
        Start::Disabled => Some(Recommendation {
            sentence: "the target has 0 replicas: scaling is disabled".to_owned(),
            desired_replicas: Some(0),
            ..undecided(scale)
        }),
        Start::OutOfBounds(replicas, limit) => Some(out_of_bounds(scale, replicas, limit)),
        Start::Metrics => {
            let context = Context {
                facts,
                hpa: &facts.hpa,
                scale,
                pods: facts.pods.known()?,
                controller,
                tolerance: Tolerance::of(&facts.hpa, controller),
                said: symptoms::read(facts, now),
                now,
            };
            Some(by_metrics(&context))
        }
    }
}

fn undecided(scale: &Scale) -> Recommendation {
    Recommendation {
        current_replicas: scale.spec_replicas,
        desired_replicas: None,
        metrics_want: None,
        limited_by: None,
        stabilization: None,
        sentence: String::new(),
        metrics: Vec::new(),
    }
}

fn out_of_bounds(scale: &Scale, replicas: i32, limit: Limit) -> Recommendation {
    let (side, bound) = if limit == Limit::MaxReplicas {
        ("above", "maxReplicas")
    } else {
        ("below", "minReplicas")
    };
    let current = scale.spec_replicas;
    Recommendation {
        desired_replicas: Some(replicas),
        limited_by: Some(limit),
        sentence: format!(
            "{current} replicas are {side} {bound}: set to {replicas} without a look at the metrics"
        ),
        ..undecided(scale)
    }
}

fn by_metrics(context: &Context<'_>) -> Recommendation {
    let blank = undecided(context.scale);
    if let Some(why) = selector_problem(context) {
        return Recommendation {
            sentence: format!("no decision: {why}"),
            ..blank
        };
    }
    let metrics = metric::evaluate_all(context);
    let want = metric::combine(&metrics, context.current_replicas());
    let Some((replicas, decided)) = winner(&metrics, want) else {
        return Recommendation {
            metrics_want: match want {
                Want::DownBlocked(replicas, _) => Some(replicas),
                _ => None,
            },
            sentence: sentence::undecided(&metrics, want),
            metrics,
            ..blank
        };
    };
    let decision = limits::decide(context, &metrics, replicas);
    Recommendation {
        desired_replicas: Some(decision.replicas),
        metrics_want: Some(replicas),
        limited_by: decision.limited_by,
        sentence: sentence::decided(context, &metrics, decided, &decision),
        stabilization: decision.stabilization,
        metrics,
        ..blank
    }
}

fn winner(metrics: &[MetricProposal], want: Want) -> Option<(i32, &MetricProposal)> {
    match want {
        Want::Replicas(replicas, index) => Some((replicas, metrics.get(index)?)),
        _ => None,
    }
}

/// What `validateAndParseSelector` refuses, before any metric is looked at.
fn selector_problem(context: &Context<'_>) -> Option<&'static str> {
    /// The first release that looks for HPAs with pods in common.
    const AMBIGUITY_SINCE: u32 = 26;
    if context.scale.selector.is_empty() {
        return Some("the target's scale has no selector");
    }
    let shared = context
        .facts
        .same_target
        .known()
        .is_some_and(|hpas| !hpas.is_empty());
    if shared && context.minor() >= AMBIGUITY_SINCE && !context.pods.is_empty() {
        return Some("another HPA has the same target");
    }
    (context.said.stage == SyncStage::Selector).then_some("the controller refuses the target's selector")
}
