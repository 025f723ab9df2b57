//! Facts for tests, built the way upstream's calculator tests are: two containers a pod with a request of one
//! core each, an initialization period of 2 minutes and a readiness delay of 10 seconds.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Controller;
use crate::facts::{
    Condition, Container, ContainerUsage, Event, Fact, Hpa, HpaFacts, MetricSpec, MetricStatus, MetricTarget,
    MetricValue, ObjectReference, Pod, PodMetrics, Quantity, Resources, Scale,
};

/// When the cluster was read.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

pub(crate) fn ago(seconds: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(seconds)
}

/// The controller of upstream's tests.
pub(crate) fn controller() -> Controller {
    Controller {
        cpu_initialization_seconds: 120,
        initial_readiness_seconds: 10,
        ..Controller::defaults(Some("v1.37.2"))
    }
}

pub(crate) fn utilization(resource: &str, percent: i32) -> MetricSpec {
    metric("Resource", resource, MetricTarget::AverageUtilization(percent))
}

pub(crate) fn metric(type_: &str, name: &str, target: MetricTarget) -> MetricSpec {
    MetricSpec {
        type_: type_.to_owned(),
        name: name.to_owned(),
        container: None,
        object: None,
        selector: None,
        target,
    }
}

pub(crate) fn metric_status(type_: &str, name: &str) -> MetricStatus {
    MetricStatus {
        type_: type_.to_owned(),
        name: name.to_owned(),
        current: MetricValue::default(),
    }
}

pub(crate) fn condition(type_: &str, status: &str, reason: &str) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: String::new(),
        last_transition_time: None,
    }
}

pub(crate) fn event(reason: &str, message: &str, seen: DateTime<Utc>) -> Event {
    Event {
        type_: "Normal".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        count: 1,
        first_seen: Some(seen),
        last_seen: Some(seen),
    }
}

/// A ready pod that has run for an hour.
pub(crate) fn pod(index: usize) -> Pod {
    Pod {
        name: format!("pod-{index}"),
        namespace: "ns".to_owned(),
        phase: "Running".to_owned(),
        start_time: Some(ago(3600)),
        conditions: vec![Condition {
            last_transition_time: Some(ago(3500)),
            ..condition("Ready", "True", "")
        }],
        containers: vec![container("c1", &[("cpu", "1")]), container("c2", &[("cpu", "1")])],
        ..Pod::default()
    }
}

pub(crate) fn container(name: &str, requests: &[(&str, &str)]) -> Container {
    Container {
        name: name.to_owned(),
        resources: Resources {
            requests: quantities(requests),
            limits: BTreeMap::new(),
        },
        ..Container::default()
    }
}

pub(crate) fn quantities(values: &[(&str, &str)]) -> BTreeMap<String, Quantity> {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Quantity::from(*value)))
        .collect()
}

/// A sample of both containers of a pod, each with this usage in thousandths.
pub(crate) fn sample(index: usize, resource: &str, milli: i64) -> PodMetrics {
    let usage = |name: &str| ContainerUsage {
        name: name.to_owned(),
        usage: quantities(&[(resource, &format!("{milli}m"))]),
    };
    PodMetrics {
        name: format!("pod-{index}"),
        timestamp: ago(10),
        window_millis: 30_000,
        containers: vec![usage("c1"), usage("c2")],
    }
}

/// An HPA with so many replicas and pods, without samples.
pub(crate) fn hpa_facts(replicas: i32, metrics: Vec<MetricSpec>) -> HpaFacts {
    HpaFacts {
        hpa: Hpa {
            namespace: "ns".to_owned(),
            name: "web".to_owned(),
            uid: String::new(),
            created_at: None,
            generation: None,
            observed_generation: None,
            target: ObjectReference {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                name: "web".to_owned(),
            },
            min_replicas: Some(1),
            max_replicas: 1000,
            metrics,
            behavior: None,
            current_replicas: Some(replicas),
            desired_replicas: replicas,
            last_scale_time: None,
            current_metrics: Vec::new(),
            conditions: Vec::new(),
            status_changed_at: None,
            metrics_defaulted: false,
            spec_changed_at: None,
            keeper: None,
            limits_writers: Vec::new(),
            last_applied_limits: None,
            delivered_by: None,
        },
        target: Fact::default(),
        scale: Fact::Known(Scale {
            spec_replicas: replicas,
            status_replicas: replicas,
            selector: "app=web".to_owned(),
        }),
        pods: Fact::Known((0..usize::try_from(replicas).unwrap_or(0)).map(pod).collect()),
        pod_metrics: Fact::Absent,
        events: Fact::Known(Vec::new()),
        target_events: Fact::default(),
        pending_events: Fact::default(),
        serving_log: Fact::default(),
        same_target: Fact::Known(Vec::new()),
        same_target_keepers: std::collections::BTreeMap::new(),
        rivals: Vec::new(),
        scaled_object: Fact::default(),
        alternatives: Fact::default(),
        definition: Fact::default(),
        successor: Fact::default(),
        limit_ranges: Fact::default(),
        quotas: Fact::default(),
        missed_object: Fact::default(),
        nodes: Fact::default(),
        metric_values: Vec::new(),
        unselected_values: Vec::new(),
    }
}

/// An HPA on cpu whose first pods have these usages for each container, in thousandths.
pub(crate) fn cpu_facts(replicas: i32, target: i32, levels: &[i64]) -> HpaFacts {
    let mut facts = hpa_facts(replicas, vec![utilization("cpu", target)]);
    facts.pod_metrics = Fact::Known(
        levels
            .iter()
            .enumerate()
            .map(|(index, milli)| sample(index, "cpu", *milli))
            .collect(),
    );
    facts
}

/// The pods, to be changed.
pub(crate) fn pods(facts: &mut HpaFacts) -> &mut Vec<Pod> {
    if !matches!(facts.pods, Fact::Known(_)) {
        facts.pods = Fact::Known(Vec::new());
    }
    match &mut facts.pods {
        Fact::Known(pods) => pods,
        Fact::Absent | Fact::NotReadable(_) => unreachable!("set above"),
    }
}

/// Makes a pod unready since its start.
pub(crate) fn never_ready(pod: &mut Pod) {
    pod.conditions = vec![Condition {
        last_transition_time: pod.start_time,
        ..condition("Ready", "False", "")
    }];
}
