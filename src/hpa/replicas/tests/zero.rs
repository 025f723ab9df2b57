use super::super::fixtures::{condition, hpa_facts, metric, metric_status};
use super::{run, run_on};
use crate::facts::{HpaFacts, MetricTarget, MetricValue, Quantity};

/// A target that the controller put to sleep, with an Object metric.
pub(super) fn asleep(current: &str, target: &str) -> HpaFacts {
    let target = MetricTarget::Value(Quantity::from(target));
    let mut facts = hpa_facts(0, vec![metric("Object", "queue", target)]);
    facts.hpa.min_replicas = Some(0);
    let mut status = metric_status("Object", "queue");
    status.current = MetricValue {
        value: Some(Quantity::from(current)),
        ..MetricValue::default()
    };
    facts.hpa.current_metrics = vec![status];
    facts.hpa.conditions = vec![condition("ScaledToZero", "True", "ScaledToZero")];
    facts
}

#[test]
fn the_metric_wakes_the_target_whatever_the_tolerance() {
    let recommendation = run(&asleep("20", "15"));
    assert_eq!(recommendation.desired_replicas, Some(2));
    assert_eq!(
        recommendation.sentence,
        "queue 20 of 15 (value of the last sync) = 1.3, rounded up to 2"
    );
    assert_eq!(run(&asleep("1", "1")).desired_replicas, Some(1));
    assert_eq!(run(&asleep("0", "1")).desired_replicas, Some(0));
}

#[test]
fn a_target_that_somebody_else_put_to_sleep_stays_asleep() {
    let mut facts = asleep("20", "15");
    facts.hpa.conditions.clear();
    let recommendation = run(&facts);
    assert_eq!(recommendation.desired_replicas, Some(0));
    assert_eq!(
        recommendation.sentence,
        "the target has 0 replicas: scaling is disabled"
    );
    // Up to 1.35 a minimum of 0 was enough.
    assert_eq!(run_on(35, &facts).desired_replicas, Some(2));
    facts.hpa.min_replicas = Some(3);
    assert_eq!(run_on(35, &facts).desired_replicas, Some(0));
}
