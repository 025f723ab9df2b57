use super::super::fixtures::{
    condition, controller, cpu_facts, event, hpa_facts, metric, metric_status, never_ready, now, pods,
};
use super::super::{Controller, recommend};
use super::{first, run};
use crate::facts::{Fact, HpaFacts, MetricTarget, MetricValue, Quantity};

fn value(type_: &str, replicas: i32, target: &str, current: &str) -> HpaFacts {
    let target = MetricTarget::Value(Quantity::from(target));
    let mut facts = hpa_facts(replicas, vec![metric(type_, "queue", target)]);
    let mut status = metric_status(type_, "queue");
    status.current = MetricValue {
        value: Some(Quantity::from(current)),
        ..MetricValue::default()
    };
    facts.hpa.current_metrics = vec![status];
    facts
}

fn average(type_: &str, replicas: i32, target: &str, current: &str) -> HpaFacts {
    let target = MetricTarget::AverageValue(Quantity::from(target));
    let mut facts = hpa_facts(replicas, vec![metric(type_, "queue", target)]);
    let mut status = metric_status(type_, "queue");
    status.current = MetricValue {
        average_value: Some(Quantity::from(current)),
        ..MetricValue::default()
    };
    facts.hpa.current_metrics = vec![status];
    facts
}

fn with_tolerance(facts: &HpaFacts, tolerance: f64) -> Option<i32> {
    let controller = Controller {
        tolerance,
        ..controller()
    };
    recommend(facts, &controller, now()).unwrap().metrics[0].proposal
}

#[test]
fn a_value_for_the_whole_is_multiplied_with_the_ready_pods() {
    assert_eq!(first(&value("Object", 3, "15", "20")).proposal, Some(4));
    assert_eq!(first(&value("Object", 5, "20", "12")).proposal, Some(3));
    assert_eq!(first(&value("External", 5, "14334m", "8600m")).proposal, Some(3));
    assert_eq!(first(&value("External", 3, "8888m", "8600m")).proposal, Some(3));

    let mut facts = value("Object", 3, "10", "50");
    never_ready(&mut pods(&mut facts)[0]);
    never_ready(&mut pods(&mut facts)[1]);
    let proposal = first(&facts);
    assert_eq!((proposal.multiplier, proposal.proposal), (Some(1), Some(5)));

    let mut facts = value("External", 3, "4400m", "8600m");
    never_ready(&mut pods(&mut facts)[0]);
    never_ready(&mut pods(&mut facts)[1]);
    assert_eq!(first(&facts).proposal, Some(2));
}

#[test]
fn small_differences_are_tolerated() {
    let facts = value("Object", 3, "20", "20666m");
    assert_eq!(with_tolerance(&facts, 0.1), Some(3));
    assert_eq!(with_tolerance(&facts, 0.01), Some(4));
}

#[test]
fn huge_values_stay_within_an_i32() {
    let facts = value("Object", 3, "1m", "9223372036854775807m");
    assert_eq!(first(&facts).proposal, Some(i32::MAX));
}

#[test]
fn a_shared_value_is_restored_from_its_rounded_mean() {
    assert_eq!(first(&average("Object", 3, "5", "6667m")).proposal, Some(4));
    assert_eq!(first(&average("Object", 5, "2", "1200m")).proposal, Some(3));
    assert_eq!(first(&average("Object", 4, "5", "5042m")).proposal, Some(4));
    assert_eq!(with_tolerance(&average("Object", 4, "5", "5052m"), 0.01), Some(5));
    assert_eq!(first(&average("External", 3, "2150m", "2867m")).proposal, Some(4));
    assert_eq!(first(&average("External", 5, "2867m", "1720m")).proposal, Some(3));
    assert_eq!(first(&average("External", 3, "2900m", "2867m")).proposal, Some(3));
    assert_eq!(
        with_tolerance(&average("External", 3, "2800m", "2867m"), 0.01),
        Some(4)
    );
}

#[test]
fn without_pods_there_are_none_that_are_ready() {
    let mut facts = value("Object", 3, "15", "20");
    pods(&mut facts).clear();
    assert_eq!(
        first(&facts).error.as_deref(),
        Some("unable to calculate ready pods: no pods returned by selector while calculating replica count")
    );
}

#[test]
fn a_failed_metric_has_the_text_of_the_condition() {
    let mut facts = value("External", 3, "15", "20");
    facts.hpa.current_metrics[0].type_ = String::new();
    let mut active = condition("ScalingActive", "False", "FailedGetExternalMetric");
    active.message = "the HPA was unable to compute the replica count: no luck".to_owned();
    facts.hpa.conditions = vec![condition("AbleToScale", "True", "SucceededGetScale"), active];
    let recommendation = run(&facts);
    assert_eq!(recommendation.metrics[0].error.as_deref(), Some("no luck"));
    assert_eq!(recommendation.desired_replicas, None);
    assert_eq!(recommendation.sentence, "no decision: no luck");
}

#[test]
fn a_failure_behind_a_working_metric_has_the_text_of_its_event() {
    const TEXT: &str =
        "unable to get external metric ns/queue/nil: no metrics returned from external metrics API";
    for (level, desired) in [(900, Some(6)), (100, None)] {
        let mut facts = cpu_facts(3, 50, &[level; 3]);
        facts
            .hpa
            .metrics
            .extend(value("External", 3, "15", "20").hpa.metrics);
        facts.hpa.current_metrics = vec![metric_status("Resource", "cpu"), metric_status("", "")];
        facts.hpa.conditions = vec![
            condition("AbleToScale", "True", "ReadyForNewScale"),
            condition("ScalingActive", "True", "ValidMetricFound"),
        ];
        facts.events = Fact::Known(vec![event("FailedGetExternalMetric", TEXT, now())]);
        let recommendation = run(&facts);
        assert_eq!(recommendation.metrics[1].error.as_deref(), Some(TEXT));
        assert_eq!(recommendation.desired_replicas, desired);
    }
}
