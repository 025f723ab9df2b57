use super::super::Limit;
use super::super::fixtures::{ago, condition, cpu_facts, event, hpa_facts};
use super::run;
use crate::facts::{
    Behavior, Event, Fact, HpaFacts, ScalingPolicy, ScalingPolicyType, ScalingRules, SelectPolicy,
};

use ScalingPolicyType::{Percent, Pods};

/// So many replicas at so many percent of the target.
pub(super) fn wanting(current: i32, wanted: i32) -> HpaFacts {
    let level = 10 * 100 * i64::from(wanted) / i64::from(current);
    let mut facts = cpu_facts(current, 100, &vec![level; usize::try_from(current).unwrap()]);
    facts.hpa.max_replicas = 2000;
    facts
}

pub(super) fn policy(type_: ScalingPolicyType, value: i32, period_seconds: i32) -> ScalingPolicy {
    ScalingPolicy {
        type_,
        value,
        period_seconds,
    }
}

/// Policies in both directions, without stabilization.
pub(super) fn behavior(policies: &[ScalingPolicy], select: SelectPolicy) -> Behavior {
    let rules = ScalingRules {
        stabilization_window_seconds: Some(0),
        select_policy: Some(select),
        policies: policies.to_vec(),
        tolerance: None,
    };
    Behavior {
        scale_up: Some(rules.clone()),
        scale_down: Some(rules),
    }
}

/// Rescales to these sizes, 10 s apart, the last one 5 s ago.
pub(super) fn rescales(sizes: &[i32]) -> Fact<Vec<Event>> {
    let count = i64::try_from(sizes.len()).unwrap();
    let events = sizes.iter().zip(0..).map(|(size, index)| {
        let message = format!(
            "New size: {size}; reason: cpu resource utilization (percentage of request) above target"
        );
        event("SuccessfulRescale", &message, ago(5 + 10 * (count - 1 - index)))
    });
    Fact::Known(events.collect())
}

#[test]
fn bounds_and_the_built_in_rate() {
    let mut facts = wanting(3, 30);
    facts.hpa.max_replicas = 6;
    let recommendation = run(&facts);
    assert_eq!(recommendation.metrics_want, Some(30));
    assert_eq!(
        (recommendation.desired_replicas, recommendation.limited_by),
        (Some(6), Some(Limit::MaxReplicas))
    );

    let recommendation = run(&wanting(3, 1000));
    assert_eq!(
        (recommendation.desired_replicas, recommendation.limited_by),
        (Some(6), Some(Limit::ScaleUpPolicy))
    );
    assert_eq!(run(&wanting(1, 8)).desired_replicas, Some(4));
}

#[test]
fn replicas_out_of_bounds_are_set_right_without_metrics() {
    let mut facts = hpa_facts(2, Vec::new());
    facts.hpa.min_replicas = Some(3);
    facts.pods = Fact::Absent;
    let recommendation = run(&facts);
    assert_eq!(
        (recommendation.desired_replicas, recommendation.limited_by),
        (Some(3), Some(Limit::MinReplicas))
    );

    let mut facts = hpa_facts(10, Vec::new());
    facts.hpa.max_replicas = 5;
    let recommendation = run(&facts);
    assert_eq!(
        (recommendation.desired_replicas, recommendation.limited_by),
        (Some(5), Some(Limit::MaxReplicas))
    );
    assert_eq!(
        recommendation.sentence,
        "10 replicas are above maxReplicas: set to 5 without a look at the metrics"
    );
}

#[test]
fn a_disabled_direction_holds() {
    let mut facts = wanting(3, 60);
    facts.hpa.behavior = Some(behavior(&[], SelectPolicy::Disabled));
    let recommendation = run(&facts);
    assert_eq!(
        (recommendation.desired_replicas, recommendation.limited_by),
        (Some(3), Some(Limit::Disabled))
    );
    assert_eq!(
        recommendation.sentence,
        "2000% of 100% × 3 pods = 60, held at 3 by selectPolicy Disabled"
    );
}

#[test]
fn a_budget_that_nobody_can_know_is_assumed_to_be_untouched_and_that_is_said() {
    let mut facts = wanting(10, 50);
    facts.hpa.behavior = Some(behavior(&[policy(Pods, 5, 120)], SelectPolicy::Max));
    facts.hpa.last_scale_time = Some(ago(30));
    let recommendation = run(&facts);
    assert_eq!(recommendation.desired_replicas, Some(15));
    assert!(
        recommendation
            .sentence
            .ends_with("which only the controller remembers")
    );
    // A rescale before the period proves that the budget is untouched.
    facts.hpa.last_scale_time = Some(ago(121));
    assert!(!run(&facts).sentence.contains("remembers"));
}

#[test]
fn a_budget_that_the_controller_found_used_up_is_used_up() {
    let mut facts = wanting(10, 50);
    facts.hpa.behavior = Some(behavior(&[policy(Pods, 5, 120)], SelectPolicy::Max));
    facts.hpa.last_scale_time = Some(ago(30));
    facts.hpa.desired_replicas = 10;
    facts.hpa.conditions = vec![
        condition("AbleToScale", "True", "ReadyForNewScale"),
        condition("ScalingActive", "True", "ValidMetricFound"),
        condition("ScalingLimited", "True", "ScaleUpLimit"),
    ];
    let recommendation = run(&facts);
    assert_eq!(
        (recommendation.desired_replicas, recommendation.limited_by),
        (Some(10), Some(Limit::ScaleUpPolicy))
    );
    // The last sync grew to the limit: that says nothing of what is left.
    facts.hpa.desired_replicas = 15;
    assert_eq!(run(&facts).desired_replicas, Some(15));
    // The period is over.
    facts.hpa.desired_replicas = 10;
    facts.hpa.last_scale_time = Some(ago(121));
    assert_eq!(run(&facts).desired_replicas, Some(15));
}

#[test]
fn a_percentage_alone_never_leaves_zero() {
    let mut facts = super::zero::asleep("20", "15");
    facts.hpa.behavior = Some(behavior(&[policy(Percent, 100, 60)], SelectPolicy::Max));
    let recommendation = run(&facts);
    assert_eq!(
        (recommendation.desired_replicas, recommendation.limited_by),
        (Some(0), Some(Limit::ScaleUpPolicy))
    );
    assert_eq!(
        condition("ScaledToZero", "True", "ScaledToZero"),
        facts.hpa.conditions[0]
    );
}
