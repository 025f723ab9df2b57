//! The first half of `reconcileAutoscaler` (`horizontal.go`): whether the metrics are looked at at all.

use super::Limit;
use crate::facts::{Hpa, Scale};

/// The first release in which only the condition `ScaledToZero` lets a target leave zero.
const SCALED_TO_ZERO_SINCE: u32 = 36;

/// What is decided before the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The target has no replicas, and the controller leaves it so.
    Disabled,
    /// The replicas are outside of their bounds and are set right at once.
    OutOfBounds(i32, Limit),
    /// The metrics decide.
    Metrics,
}

/// Looks at the replicas alone.
pub(super) fn start(hpa: &Hpa, scale: &Scale, minor: u32) -> Start {
    let current = scale.spec_replicas;
    let minimum = hpa.effective_min_replicas();
    if current == 0 {
        return if leaves_zero(hpa, minimum, minor) {
            Start::Metrics
        } else {
            Start::Disabled
        };
    }
    if current > hpa.max_replicas {
        Start::OutOfBounds(hpa.max_replicas, Limit::MaxReplicas)
    } else if current < minimum {
        Start::OutOfBounds(minimum, Limit::MinReplicas)
    } else {
        Start::Metrics
    }
}

/// `shouldComputeMetricsForZeroReplicas` from 1.36 on; before, a minimum of 0 was enough.
fn leaves_zero(hpa: &Hpa, minimum: i32, minor: u32) -> bool {
    if minor < SCALED_TO_ZERO_SINCE {
        return minimum == 0;
    }
    let scaled_to_zero = hpa
        .condition("ScaledToZero")
        .is_some_and(|condition| condition.status == "True");
    let outside = hpa
        .metrics
        .iter()
        .any(|metric| matches!(metric.type_.as_str(), "Object" | "External"));
    scaled_to_zero && (minimum != 0 || outside)
}
