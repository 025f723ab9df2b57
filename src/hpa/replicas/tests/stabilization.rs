use super::super::fixtures::{ago, condition, cpu_facts, event, metric_status, now};
use super::super::{Limit, Stabilization};
use super::run;
use crate::facts::{Behavior, Event, Fact, HpaFacts, MetricStatus, ScalingRules};

const GREW: &str = "New size: 3; reason: cpu resource utilization (percentage of request) above target";

/// Three idle pods, and what the last sync said of `AbleToScale`.
fn idle(able: &str) -> HpaFacts {
    let mut facts = cpu_facts(3, 60, &[0, 0, 0]);
    facts.hpa.conditions = vec![
        condition("AbleToScale", "True", able),
        condition("ScalingActive", "True", "ValidMetricFound"),
        condition("ScalingLimited", "False", "DesiredWithinRange"),
    ];
    facts.hpa.current_metrics = vec![shown(0)];
    facts.hpa.status_changed_at = Some(ago(100));
    facts
}

/// What the status shows of cpu.
fn shown(percent: i32) -> MetricStatus {
    let mut status = metric_status("Resource", "cpu");
    status.current.average_utilization = Some(percent);
    status
}

fn grew(seconds: i64) -> Fact<Vec<Event>> {
    Fact::Known(vec![event("SuccessfulRescale", GREW, ago(seconds))])
}

fn window(seconds: i32) -> Behavior {
    Behavior {
        scale_up: None,
        scale_down: Some(ScalingRules {
            stabilization_window_seconds: Some(seconds),
            ..ScalingRules::default()
        }),
    }
}

fn held(facts: &HpaFacts) -> Option<Stabilization> {
    let recommendation = run(facts);
    assert_eq!(recommendation.metrics_want, Some(0));
    if recommendation.stabilization.is_some() {
        assert_eq!(
            (recommendation.desired_replicas, recommendation.limited_by),
            (Some(3), Some(Limit::Stabilization))
        );
    } else {
        assert_eq!(
            (recommendation.desired_replicas, recommendation.limited_by),
            (Some(1), Some(Limit::MinReplicas))
        );
    }
    recommendation.stabilization
}

#[test]
fn a_window_that_holds_ends_at_the_latest_one_window_after_the_last_change_of_the_status() {
    let facts = idle("ScaleDownStabilized");
    assert_eq!(
        held(&facts),
        Some(Stabilization {
            window_seconds: 300,
            not_before: None,
            not_after: Some(ago(-200)),
            assumed_default: true,
        })
    );
}

#[test]
fn usage_that_has_changed_since_the_last_sync_is_held_for_one_window_more() {
    let mut facts = idle("ScaleDownStabilized");
    facts.hpa.current_metrics = vec![shown(30)];
    assert_eq!(held(&facts).unwrap().not_after, Some(ago(-300)));
    facts.hpa.status_changed_at = Some(ago(301));
    assert_eq!(held(&facts).unwrap().not_after, Some(ago(-300)));
}

#[test]
fn growth_that_the_built_in_rate_stopped_half_way_is_as_old_as_its_first_step() {
    let mut facts = idle("ScaleDownStabilized");
    facts.hpa.last_scale_time = Some(ago(120));
    let mut first = event("SuccessfulRescale", &GREW.replace('3', "2"), ago(150));
    first.first_seen = first.last_seen;
    facts.events = Fact::Known(vec![first, event("SuccessfulRescale", GREW, ago(120))]);
    assert_eq!(held(&facts).unwrap().not_before, Some(ago(-150)));
    // The policies of a behavior know no such step.
    facts.hpa.behavior = Some(window(300));
    assert_eq!(held(&facts).unwrap().not_before, Some(ago(-180)));
}

#[test]
fn growth_proves_how_long_it_holds_at_least() {
    let mut facts = idle("ScaleDownStabilized");
    facts.hpa.last_scale_time = Some(ago(120));
    facts.events = grew(121);
    assert_eq!(held(&facts).unwrap().not_before, Some(ago(-180)));
    // An event of another rescale proves nothing.
    facts.events = grew(200);
    assert_eq!(held(&facts).unwrap().not_before, None);
}

#[test]
fn a_window_that_is_over_does_not_hold() {
    let mut facts = idle("ScaleDownStabilized");
    facts.hpa.status_changed_at = Some(ago(301));
    assert_eq!(held(&facts), None);
}

#[test]
fn the_length_comes_from_the_behavior() {
    let mut facts = idle("ScaleDownStabilized");
    facts.hpa.behavior = Some(window(180));
    let stabilization = held(&facts).unwrap();
    assert_eq!(
        (stabilization.window_seconds, stabilization.assumed_default),
        (180, false)
    );
    facts.hpa.behavior = Some(window(60));
    assert_eq!(held(&facts), None);
    facts.hpa.behavior = Some(window(0));
    assert_eq!(held(&facts), None);
}

#[test]
fn a_last_sync_that_was_content_remembers_the_replicas_of_today() {
    let stabilization = held(&idle("ReadyForNewScale")).unwrap();
    assert_eq!(stabilization.not_before, Some(ago(-200)));
    assert_eq!(stabilization.not_after, Some(ago(-300)));
}

#[test]
fn a_rate_limit_proves_that_the_window_is_over() {
    let mut facts = idle("SucceededRescale");
    facts.hpa.conditions[2] = condition("ScalingLimited", "True", "ScaleDownLimit");
    assert_eq!(held(&facts), None);
}

#[test]
fn a_long_failure_forgets_all_recommendations() {
    for (since, holds) in [(100, true), (301, false)] {
        let mut facts = idle("SucceededGetScale");
        facts.hpa.conditions[1] = condition("ScalingActive", "False", "FailedGetResourceMetric");
        facts.hpa.conditions[1].last_transition_time = Some(ago(since));
        assert_eq!(held(&facts).is_some(), holds, "{since}");
    }
}

#[test]
fn a_scale_that_could_not_be_written_was_past_the_window() {
    let mut facts = idle("FailedUpdateScale");
    facts.hpa.conditions[0].status = "False".to_owned();
    assert!(held(&facts).is_some());
    let message = "New size: 1; reason: All metrics below target; error: no";
    facts.events = Fact::Known(vec![event("FailedRescale", message, now())]);
    assert_eq!(held(&facts), None);
}

#[test]
fn an_hpa_that_never_synced_starts_with_the_replicas_of_today() {
    let mut facts = idle("ReadyForNewScale");
    facts.hpa.conditions.clear();
    assert_eq!(held(&facts).unwrap().not_after, Some(ago(-300)));
}

#[test]
fn growing_is_held_by_its_own_window() {
    let mut facts = idle("ScaleUpStabilized");
    facts.pod_metrics = cpu_facts(3, 60, &[900, 900, 900]).pod_metrics;
    assert_eq!(run(&facts).desired_replicas, Some(5));
    facts.hpa.behavior = Some(Behavior {
        scale_up: Some(ScalingRules {
            stabilization_window_seconds: Some(300),
            ..ScalingRules::default()
        }),
        scale_down: None,
    });
    let recommendation = run(&facts);
    assert_eq!(
        (recommendation.desired_replicas, recommendation.limited_by),
        (Some(3), Some(Limit::Stabilization))
    );
    facts.hpa.conditions[0].reason = "ReadyForNewScale".to_owned();
    facts.hpa.conditions[2] = condition("ScalingLimited", "True", "ScaleUpLimit");
    assert_eq!(run(&facts).desired_replicas, Some(5));
}
