//! The facts of the scenarios, put together step by step.

use super::super::super::fixtures::{
    ago, condition, container, cpu_facts, hpa_facts, metric, never_ready, now, pod, pods, quantities, sample,
    utilization,
};
use super::super::limits::{behavior, rescales, wanting};
use crate::facts::{
    Behavior, Condition, Container, Fact, HpaFacts, MetricTarget, Pod, Quantity, Resources, ScalingPolicy,
    ScalingRules, SelectPolicy,
};

/// Facts with changes.
pub(super) fn with(mut facts: HpaFacts, change: impl FnOnce(&mut HpaFacts)) -> HpaFacts {
    change(&mut facts);
    facts
}

/// Facts with changed pods.
pub(super) fn with_pods(facts: HpaFacts, indices: &[usize], change: impl Fn(&mut Pod)) -> HpaFacts {
    with(facts, |facts| {
        for index in indices {
            change(&mut pods(facts)[*index]);
        }
    })
}

pub(super) fn unready(facts: HpaFacts, indices: &[usize]) -> HpaFacts {
    with_pods(facts, indices, never_ready)
}

/// Pods that started a minute ago and have no sample since they are ready.
pub(super) fn young(facts: HpaFacts, indices: &[usize]) -> HpaFacts {
    with_pods(facts, indices, |pod| {
        pod.start_time = Some(ago(60));
        pod.conditions[0].last_transition_time = Some(ago(30));
    })
}

pub(super) fn phase(facts: HpaFacts, indices: &[usize], phase: &str) -> HpaFacts {
    with_pods(facts, indices, |pod| phase.clone_into(&mut pod.phase))
}

pub(super) fn terminating(facts: HpaFacts, indices: &[usize]) -> HpaFacts {
    with_pods(facts, indices, |pod| pod.deleted_at = Some(now()))
}

/// One more pod, of a rollout, without a sample.
pub(super) fn surge(facts: HpaFacts) -> HpaFacts {
    with(facts, |facts| {
        let index = pods(facts).len();
        pods(facts).push(pod(index));
    })
}

/// Requests for each container of the pods, in their order.
pub(super) fn requesting(facts: HpaFacts, requests: &[&str]) -> HpaFacts {
    with(facts, |facts| {
        for (pod, request) in pods(facts).iter_mut().zip(requests) {
            for container in &mut pod.containers {
                container.resources.requests = quantities(&[("cpu", request)]);
            }
        }
    })
}

pub(super) fn directions(facts: HpaFacts, up: Option<&str>, down: Option<&str>) -> HpaFacts {
    let rules = |tolerance: Option<&str>| ScalingRules {
        tolerance: tolerance.map(Quantity::from),
        ..ScalingRules::default()
    };
    with(facts, |facts| {
        facts.hpa.behavior = Some(Behavior {
            scale_up: Some(rules(up)),
            scale_down: Some(rules(down)),
        });
    })
}

/// Samples that none of the pods but those of these indices has.
pub(super) fn sampled(facts: HpaFacts, indices: &[usize]) -> HpaFacts {
    with(facts, |facts| {
        let samples = indices.iter().map(|index| sample(*index, "cpu", 1000));
        facts.pod_metrics = Fact::Known(samples.collect());
    })
}

/// One cpu pod: its start, its `Ready` condition, its sample and the sample's window, all in seconds.
pub(super) fn aged(start: i64, ready: &str, transition: i64, sampled: i64, window: i64) -> HpaFacts {
    let facts = with_pods(cpu_facts(2, 60, &[500, 500]), &[0], |pod| {
        pod.start_time = Some(ago(start));
        pod.conditions = vec![Condition {
            last_transition_time: Some(ago(transition)),
            ..condition("Ready", ready, "")
        }];
    });
    with(facts, |facts| {
        if let Fact::Known(samples) = &mut facts.pod_metrics {
            samples[0].timestamp = ago(sampled);
            samples[0].window_millis = window * 1000;
        }
    })
}

/// One pod of these containers.
pub(super) fn of(containers: &[Container]) -> HpaFacts {
    with_pods(cpu_facts(1, 60, &[10]), &[0], |pod| {
        pod.containers = containers.to_vec();
    })
}

pub(super) fn pod_level(facts: HpaFacts, cpu: &str) -> HpaFacts {
    with_pods(facts, &[0], |pod| {
        pod.resources = Some(Resources {
            requests: quantities(&[("cpu", cpu)]),
            ..Resources::default()
        });
    })
}

pub(super) fn only(facts: HpaFacts, container: &str) -> HpaFacts {
    with(facts, |facts| {
        facts.hpa.metrics[0].type_ = "ContainerResource".to_owned();
        facts.hpa.metrics[0].container = Some(container.to_owned());
    })
}

pub(super) fn init(restartable: bool) -> Container {
    Container {
        init: true,
        restartable,
        ..container("c2", &[("cpu", "50m")])
    }
}

pub(super) fn bounded(facts: HpaFacts, minimum: i32, maximum: i32) -> HpaFacts {
    with(facts, |facts| {
        facts.hpa.min_replicas = Some(minimum);
        facts.hpa.max_replicas = maximum;
    })
}

/// A second metric that has no value.
pub(super) fn beside_a_failure(facts: HpaFacts) -> HpaFacts {
    with(facts, |facts| facts.hpa.metrics.push(utilization("memory", 50)))
}

pub(super) fn at_rate(current: i32, wanted: i32, policies: &[ScalingPolicy]) -> HpaFacts {
    selecting(current, wanted, policies, SelectPolicy::Max)
}

pub(super) fn selecting(
    current: i32,
    wanted: i32,
    policies: &[ScalingPolicy],
    select: SelectPolicy,
) -> HpaFacts {
    with(wanting(current, wanted), |facts| {
        facts.hpa.behavior = Some(behavior(policies, select));
    })
}

/// Rescales to these sizes within the period, the first one before it.
pub(super) fn after(facts: HpaFacts, sizes: &[i32]) -> HpaFacts {
    with(facts, |facts| {
        facts.hpa.last_scale_time = Some(ago(5));
        facts.events = rescales(sizes);
        if let Fact::Known(events) = &mut facts.events {
            events[0].last_seen = Some(ago(500));
        }
    })
}

pub(super) fn memory() -> HpaFacts {
    let target = MetricTarget::AverageValue(Quantity::from("1Gi"));
    with(
        hpa_facts(1, vec![metric("Resource", "memory", target)]),
        |facts| {
            facts.pod_metrics = Fact::Known(vec![sample(0, "memory", 1_000_000)]);
            pods(facts)[0].conditions.clear();
        },
    )
}
