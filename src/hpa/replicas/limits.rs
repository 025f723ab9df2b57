//! From what the metrics want to what the controller writes: `normalizeDesiredReplicas` and
//! `normalizeDesiredReplicasWithBehaviors` (`horizontal.go`).

use super::context::Context;
use super::policies;
use super::stabilization::{self, Direction};
use super::{Limit, MetricProposal, Stabilization};

/// The number that the controller writes, and what made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) replicas: i32,
    pub(super) limited_by: Option<Limit>,
    pub(super) stabilization: Option<Stabilization>,
    /// Whether a policy's budget had to be assumed to be untouched.
    pub(super) budget_assumed: bool,
}

impl Decision {
    fn of(replicas: i32, limited_by: Option<Limit>) -> Self {
        Self {
            replicas,
            limited_by,
            stabilization: None,
            budget_assumed: false,
        }
    }
}

/// Applies stabilization, rates and bounds.
pub(super) fn decide(context: &Context<'_>, metrics: &[MetricProposal], want: i32) -> Decision {
    let current = context.current_replicas();
    let minimum = context.hpa.effective_min_replicas();
    // At the minimum nothing is held back: there is nowhere to go.
    let direction = if want > current {
        Some(Direction::Up)
    } else if want.max(minimum) < current {
        Some(Direction::Down)
    } else {
        None
    };
    if let Some(stabilization) =
        direction.and_then(|direction| stabilization::hold(context, metrics, direction))
    {
        return Decision {
            stabilization: Some(stabilization),
            ..Decision::of(current, Some(Limit::Stabilization))
        };
    }
    let decision = if context.hpa.behavior.is_some() {
        with_behavior(context, want)
    } else {
        plain(context, want)
    };
    from_zero(context, decision)
}

/// `convertDesiredReplicasWithRules`: the bounds and the built-in rate.
fn plain(context: &Context<'_>, want: i32) -> Decision {
    let hpa = context.hpa;
    let rate = context.current_replicas().saturating_mul(2).max(4);
    let (most, by) = if hpa.max_replicas > rate {
        (rate, Limit::ScaleUpPolicy)
    } else {
        (hpa.max_replicas, Limit::MaxReplicas)
    };
    let minimum = hpa.effective_min_replicas();
    if want < minimum {
        Decision::of(minimum, Some(Limit::MinReplicas))
    } else if want > most {
        Decision::of(most, Some(by))
    } else {
        Decision::of(want, None)
    }
}

/// `convertDesiredReplicasWithBehaviorRate`.
fn with_behavior(context: &Context<'_>, want: i32) -> Decision {
    let current = context.current_replicas();
    let (direction, bound, by_bound) = match want.cmp(&current) {
        std::cmp::Ordering::Greater => (Direction::Up, context.hpa.max_replicas, Limit::MaxReplicas),
        std::cmp::Ordering::Less => (
            Direction::Down,
            context.hpa.effective_min_replicas(),
            Limit::MinReplicas,
        ),
        std::cmp::Ordering::Equal => return Decision::of(want, None),
    };
    let policy = policies::limit(context, direction);
    let by_policy = match (policy.disabled, direction) {
        (true, _) => Limit::Disabled,
        (false, Direction::Up) => Limit::ScaleUpPolicy,
        (false, Direction::Down) => Limit::ScaleDownPolicy,
    };
    let (edge, by) = match direction {
        Direction::Up if bound > policy.replicas => (policy.replicas, by_policy),
        Direction::Down if bound < policy.replicas => (policy.replicas, by_policy),
        Direction::Up | Direction::Down => (bound, by_bound),
    };
    let beyond = match direction {
        Direction::Up => want > edge,
        Direction::Down => want < edge,
    };
    Decision {
        budget_assumed: !policy.budget_known,
        ..if beyond {
            Decision::of(edge, Some(by))
        } else {
            Decision::of(want, None)
        }
    }
}

/// A raised minimum counts at once when the controller wakes a target that it had put to sleep.
fn from_zero(context: &Context<'_>, decision: Decision) -> Decision {
    let minimum = context.hpa.effective_min_replicas();
    if context.current_replicas() == 0 && decision.replicas < minimum {
        return Decision::of(minimum, Some(Limit::MinReplicas));
    }
    decision
}
