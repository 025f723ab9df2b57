use super::super::Counted;
use super::super::fixtures::{hpa_facts, metric, now, pods};
use super::{first, run, run_on};
use crate::facts::{Fact, HpaFacts, MetricSample, MetricTarget, NotReadable, ObjectReference, Quantity};

fn sample(object: &str, value: &str) -> MetricSample {
    MetricSample {
        object: object.to_owned(),
        labels: std::collections::BTreeMap::new(),
        value: Quantity::from(value),
        timestamp: Some(now()),
        window_millis: None,
    }
}

/// An HPA on one metric whose API gives these values; an Object metric describes a Service.
fn reads(type_: &str, replicas: i32, target: MetricTarget, values: &[&str]) -> HpaFacts {
    let mut spec = metric(type_, "queue", target);
    spec.object = (type_ == "Object").then(|| ObjectReference {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        name: "front".to_owned(),
    });
    let mut facts = hpa_facts(replicas, vec![spec]);
    let object = |index| {
        if type_ == "Pods" {
            format!("pod-{index}")
        } else {
            String::new()
        }
    };
    let samples = values
        .iter()
        .enumerate()
        .map(|(index, value)| sample(&object(index), value));
    facts.metric_values = vec![Fact::Known(samples.collect())];
    facts
}

pub(super) fn whole(type_: &str, replicas: i32, target: &str, values: &[&str]) -> HpaFacts {
    reads(
        type_,
        replicas,
        MetricTarget::Value(Quantity::from(target)),
        values,
    )
}

pub(super) fn average(type_: &str, replicas: i32, target: &str, values: &[&str]) -> HpaFacts {
    reads(
        type_,
        replicas,
        MetricTarget::AverageValue(Quantity::from(target)),
        values,
    )
}

fn proposed(facts: &HpaFacts) -> (Option<i32>, String) {
    let proposal = first(facts);
    assert_eq!(proposal.error, None);
    assert!(!proposal.from_status);
    (proposal.proposal, proposal.current.unwrap_or_default())
}

fn expect(facts: &HpaFacts, replicas: i32, shown: &str) {
    assert_eq!(proposed(facts), (Some(replicas), shown.to_owned()));
}

#[test]
fn pods_without_a_value_damp() {
    expect(&average("Pods", 5, "20", &["20", "20", "20"]), 5, "20");
    let mut facts = average("Pods", 2, "17", &["10", "10"]);
    pods(&mut facts).push(super::super::fixtures::pod(2));
    expect(&facts, 2, "10");
    assert_eq!(first(&facts).pods[2].counted, Counted::Missing);
}

#[test]
fn pending_failed_and_terminating_pods_have_no_say() {
    let mut facts = average("Pods", 4, "10", &["20", "20", "90", "90"]);
    pods(&mut facts)[2].phase = "Failed".to_owned();
    pods(&mut facts)[3].deleted_at = Some(now());
    expect(&facts, 4, "20");
    pods(&mut facts)[0].phase = "Pending".to_owned();
    pods(&mut facts)[1].phase = "Pending".to_owned();
    assert_eq!(
        first(&facts).error.as_deref(),
        Some("did not receive metrics for targeted pods (pods might be unready)")
    );
}

#[test]
fn all_series_count_together() {
    expect(&average("External", 3, "10", &["20", "15", "5"]), 4, "13334m");
    expect(&whole("External", 3, "10", &["12", "8"]), 6, "20");
}

#[test]
fn what_is_too_large_is_cut_off_from_1_35_on() {
    let facts = whole("Object", 3, "1m", &["9223372036854775807m"]);
    expect(&facts, i32::MAX, "9223372036854775807m");
    assert_eq!(run_on(34, &facts).metrics[0].proposal, Some(i32::MIN));
    let half = "4611686018427387904m";
    let facts = whole("External", 3, "9223372036854775807m", &[half, half]);
    expect(&facts, 3, "9223372036854775807m");
    assert_eq!(run_on(34, &facts).metrics[0].ratio, Some(-1.0));
}

/// For an `AverageValue` the controller takes every negative sum for one that was too large.
#[test]
fn a_negative_external_average_grows_without_bounds() {
    assert_eq!(proposed(&average("External", 3, "10", &["-1"])).0, Some(i32::MAX));
    assert_eq!(proposed(&average("Object", 3, "10", &["-1"])).0, Some(0));
    assert_eq!(proposed(&whole("External", 3, "10", &["-1"])).0, Some(0));
}

#[test]
fn from_zero_replicas_there_is_a_number_too() {
    let mut facts = average("External", 0, "5", &["20"]);
    facts.hpa.min_replicas = Some(0);
    facts.hpa.conditions = vec![super::super::fixtures::condition(
        "ScaledToZero",
        "True",
        "ScaledToZero",
    )];
    let recommendation = run(&facts);
    assert_eq!(recommendation.desired_replicas, Some(4));
    assert_eq!(recommendation.sentence, "queue 20 of 5 = 4");
}

#[test]
fn an_empty_answer_is_the_controllers_failure() {
    let error = |facts: &HpaFacts| first(facts).error.unwrap_or_default();
    assert_eq!(
        error(&average("Pods", 3, "10", &[])),
        "unable to get metric queue: no metrics returned from custom metrics API"
    );
    assert_eq!(
        error(&average("External", 3, "10", &[])),
        "unable to get external metric ns/queue/nil: no metrics returned from external metrics API"
    );
    let facts = whole("Object", 3, "10", &["1", "2"]);
    assert_eq!(
        error(&facts),
        "unable to get metric queue on Service ns/front: unable to fetch metrics from custom metrics API: the custom \
         metrics API server returned 2 results when we asked for exactly one"
    );
    let before = run_on(36, &facts).metrics.remove(0).error.unwrap();
    assert!(
        before.starts_with("unable to get metric queue: Service on ns front/"),
        "{before}"
    );
}

#[test]
fn without_the_api_the_status_tells_the_value_and_that_is_said() {
    let mut facts = whole("Object", 3, "15", &["30"]);
    let mut status = super::super::fixtures::metric_status("Object", "queue");
    status.current.value = Some(Quantity::from("20"));
    facts.hpa.current_metrics = vec![status];
    assert_eq!(run(&facts).sentence, "queue 30 of 15 × 3 pods = 6");
    facts.metric_values = vec![Fact::NotReadable(NotReadable {
        what: "services.custom.metrics.k8s.io/queue".to_owned(),
        why: "forbidden".to_owned(),
        needs: None,
    })];
    assert!(first(&facts).from_status);
    assert_eq!(
        run(&facts).sentence,
        "queue 20 of 15 (value of the last sync) × 3 pods = 4"
    );
}
