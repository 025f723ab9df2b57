use chrono::Utc;

use super::*;
use crate::facts::{Condition, MetricStatus, MetricValue, ObjectReference, Quantity};
use crate::serving::autoscaler::Autoscaler;
use crate::serving::autoscaler::metric::{Target, of_resource};

fn written() -> Hpa {
    let autoscaler = Autoscaler {
        namespace: Some("tf-serving".to_owned()),
        name: "x".to_owned(),
        target: ObjectReference {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: "x".to_owned(),
        },
        metrics: vec![of_resource("cpu", None, &Target::Utilization(60))],
        min_replicas: 1,
        max_replicas: 4,
        behavior: None,
    };
    autoscaler.facts()
}

fn active(mut hpa: Hpa, reason: &str, metric: &str) -> Hpa {
    hpa.conditions = vec![Condition {
        type_: "ScalingActive".to_owned(),
        status: "True".to_owned(),
        reason: reason.to_owned(),
        message: String::new(),
        last_transition_time: Some(Utc::now()),
    }];
    hpa.current_metrics = vec![MetricStatus {
        type_: "Resource".to_owned(),
        name: metric.to_owned(),
        current: MetricValue {
            average_value: Some(Quantity::from("5m")),
            ..MetricValue::default()
        },
    }];
    hpa
}

#[test]
fn a_metric_is_valid_when_the_controller_has_its_value() {
    assert!(!has_valid_metrics(&written(), Wanted::All));
    assert!(has_valid_metrics(
        &active(written(), "ValidMetricFound", "cpu"),
        Wanted::All
    ));
}

#[test]
fn what_is_said_of_an_earlier_spec_proves_nothing() {
    let of_another = active(written(), "ValidMetricFound", "memory");
    assert!(!has_valid_metrics(&of_another, Wanted::All));
    assert!(!has_valid_metrics(&of_another, Wanted::Any));
    let mut behind = active(written(), "ValidMetricFound", "cpu");
    behind.generation = Some(2);
    behind.observed_generation = Some(1);
    assert!(!has_valid_metrics(&behind, Wanted::All));
    behind.observed_generation = Some(2);
    assert!(has_valid_metrics(&behind, Wanted::All));
}

#[test]
fn a_metric_that_is_known_to_be_missing_is_not_waited_for() {
    let mut hpa = active(written(), "ValidMetricFound", "cpu");
    hpa.metrics
        .push(of_resource("memory", None, &Target::Utilization(60)));
    hpa.current_metrics.push(MetricStatus {
        type_: String::new(),
        name: String::new(),
        current: MetricValue::default(),
    });
    assert!(!has_valid_metrics(&hpa, Wanted::All));
    assert!(has_valid_metrics(&hpa, Wanted::Any));
}
