//! Which ratios are close enough to 1 to leave the replicas alone.

use super::Controller;
use crate::facts::{Hpa, ScalingRules};

/// The first release with a closed interval and a tolerance for each direction
/// (`replica_calculator.go` `Tolerances`, v1.33).
const PER_DIRECTION_SINCE: u32 = 33;

/// The tolerances of one HPA, ratios.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tolerance {
    pub(super) down: f64,
    pub(super) up: f64,
    closed: bool,
}

impl Tolerance {
    /// `tolerancesForHpa` (`horizontal.go`).
    pub(super) fn of(hpa: &Hpa, controller: &Controller) -> Self {
        let closed = controller.minor >= PER_DIRECTION_SINCE;
        let own = |rules: Option<&ScalingRules>| {
            rules
                .filter(|_| closed)
                .and_then(|rules| rules.tolerance.as_ref()?.approximate_f64().ok())
                .unwrap_or(controller.tolerance)
        };
        let behavior = hpa.behavior.as_ref();
        Self {
            down: own(behavior.and_then(|behavior| behavior.scale_down.as_ref())),
            up: own(behavior.and_then(|behavior| behavior.scale_up.as_ref())),
            closed,
        }
    }

    /// `isWithin`. In 64-bit floats a ratio of exactly 1.1 is inside of the closed interval and outside of
    /// the distance that was compared up to 1.32.
    pub(super) fn contains(self, ratio: f64) -> bool {
        if self.closed {
            (1.0 - self.down) <= ratio && ratio <= (1.0 + self.up)
        } else {
            (1.0 - ratio).abs() <= self.up
        }
    }
}
