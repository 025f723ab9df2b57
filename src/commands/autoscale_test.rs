use chrono::Utc;

use super::*;
use crate::facts::{Condition, MetricStatus, MetricValue};

fn written() -> Hpa {
    planned(None, "tf-serving", "x")
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
    assert!(!has_valid_metrics(&written()));
    assert!(has_valid_metrics(&active(written(), "ValidMetricFound", "cpu")));
}

#[test]
fn what_is_said_of_an_earlier_spec_proves_nothing() {
    assert!(!has_valid_metrics(&active(written(), "ValidMetricFound", "memory")));
    let mut behind = active(written(), "ValidMetricFound", "cpu");
    behind.generation = Some(2);
    behind.observed_generation = Some(1);
    assert!(!has_valid_metrics(&behind));
    behind.observed_generation = Some(2);
    assert!(has_valid_metrics(&behind));
}
