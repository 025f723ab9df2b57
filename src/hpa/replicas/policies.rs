//! Scaling policies of `spec.behavior`: `calculateScaleUpLimitWithScalingRules` and
//! `calculateScaleDownLimitWithBehaviors` (`horizontal.go`).

use chrono::TimeDelta;

use super::clock::later;
use super::context::Context;
use super::history;
use super::numbers::{ceil_unbounded, truncate};
use super::stabilization::Direction;
use crate::facts::{Hpa, ScalingPolicy, ScalingPolicyType, ScalingRules, SelectPolicy};

/// The first release whose budgets count rescales in both directions.
const BOTH_DIRECTIONS_SINCE: u32 = 26;

/// How far the policies let the replicas go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PolicyLimit {
    pub(super) replicas: i32,
    /// `selectPolicy: Disabled`.
    pub(super) disabled: bool,
    /// Whether all rescales within the policies' periods are known; otherwise none is assumed.
    pub(super) budget_known: bool,
}

/// The limit in a direction; never on the other side of the current replicas.
pub(super) fn limit(context: &Context<'_>, direction: Direction) -> PolicyLimit {
    let current = context.current_replicas();
    let (policies, select) = rules(context.hpa, direction);
    let mut limit = PolicyLimit {
        replicas: current,
        disabled: select == SelectPolicy::Disabled,
        budget_known: true,
    };
    if limit.disabled {
        return limit;
    }
    let own_only = context.minor() < BOTH_DIRECTIONS_SINCE;
    let proposals: Vec<i32> = policies
        .iter()
        .map(|policy| {
            let changes = history::changes(context, policy.period_seconds);
            limit.budget_known &= changes.known;
            // What is only half known would look like more or less room than there is.
            let start = match direction {
                _ if !changes.known => current,
                Direction::Up if own_only => current.saturating_sub(changes.added),
                Direction::Down if own_only => current.saturating_add(changes.removed),
                _ => current
                    .saturating_sub(changes.added)
                    .saturating_add(changes.removed),
            };
            propose(policy, start, direction)
        })
        .collect();
    let biggest_change = select == SelectPolicy::Max;
    let selected = if (direction == Direction::Up) == biggest_change {
        proposals.iter().max()
    } else {
        proposals.iter().min()
    };
    let mut selected = selected.copied().unwrap_or(current);
    if !limit.budget_known && used_up(context, direction, &policies) {
        selected = current;
        limit.budget_known = true;
    }
    limit.replicas = match direction {
        Direction::Up => selected.max(current),
        Direction::Down => selected.min(current),
    };
    limit
}

/// Whether the controller itself found no room in its last sync, and no period is over since the last rescale: then it is
/// used up, whatever is known of the rescales.
fn used_up(context: &Context<'_>, direction: Direction, policies: &[ScalingPolicy]) -> bool {
    let hpa = context.hpa;
    let reason = match direction {
        Direction::Up => "ScaleUpLimit",
        Direction::Down => "ScaleDownLimit",
    };
    let said = context.said.current("ScalingLimited");
    // A sync that rescaled had room, and how much it left is not known.
    let stays = hpa.desired_replicas == context.current_replicas()
        && context
            .said
            .current("AbleToScale")
            .is_none_or(|symptom| symptom.condition.reason != "SucceededRescale");
    let periods = policies.iter().map(|policy| policy.period_seconds);
    let (Some(period), Some(last_scale)) = (periods.min(), hpa.last_scale_time) else {
        return false;
    };
    let over = later(last_scale, TimeDelta::seconds(period.into()));
    said.is_some_and(|symptom| symptom.condition.reason == reason) && stays && over > context.now
}

/// The longest period of a direction's policies, in seconds.
pub(super) fn longest_period(hpa: &Hpa, direction: Direction) -> i32 {
    let (policies, _) = rules(hpa, direction);
    let periods = policies.iter().map(|policy| policy.period_seconds);
    periods.max().unwrap_or_default()
}

fn propose(policy: &ScalingPolicy, start: i32, direction: Direction) -> i32 {
    let share = f64::from(policy.value) / 100.0;
    match (policy.type_, direction) {
        (ScalingPolicyType::Pods, Direction::Up) => start.wrapping_add(policy.value),
        (ScalingPolicyType::Pods, Direction::Down) => start.wrapping_sub(policy.value),
        (ScalingPolicyType::Percent, Direction::Up) => ceil_unbounded(f64::from(start) * (1.0 + share)),
        (ScalingPolicyType::Percent, Direction::Down) => truncate(f64::from(start) * (1.0 - share)),
    }
}

/// The policies with the API's defaults (`pkg/apis/autoscaling/v2/defaults.go`).
fn rules(hpa: &Hpa, direction: Direction) -> (Vec<ScalingPolicy>, SelectPolicy) {
    let behavior = hpa.behavior.as_ref();
    let own: Option<&ScalingRules> = behavior.and_then(|behavior| match direction {
        Direction::Up => behavior.scale_up.as_ref(),
        Direction::Down => behavior.scale_down.as_ref(),
    });
    let select = own
        .and_then(|rules| rules.select_policy)
        .unwrap_or(SelectPolicy::Max);
    let policies = own
        .map(|rules| rules.policies.clone())
        .filter(|policies| !policies.is_empty())
        .unwrap_or_else(|| default_policies(direction));
    (policies, select)
}

fn default_policies(direction: Direction) -> Vec<ScalingPolicy> {
    let policy = |type_, value| ScalingPolicy {
        type_,
        value,
        period_seconds: 15,
    };
    match direction {
        Direction::Up => vec![
            policy(ScalingPolicyType::Pods, 4),
            policy(ScalingPolicyType::Percent, 100),
        ],
        Direction::Down => vec![policy(ScalingPolicyType::Percent, 100)],
    }
}
