//! `pods=N`: so many pods, all of them ready; the load that is measured spreads over them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Number;
use crate::facts::{
    Condition, ContainerUsage, Fact, HpaFacts, MetricTarget, Pod, PodMetrics, Quantity, QuantityFormat, Scale,
};

/// How long an assumed pod has been running: longer than any period in which the controller doubts it.
const AGE: TimeDelta = TimeDelta::hours(2);

/// The most pods that are assumed: more than any cluster's HPA has.
const MOST: i32 = 10_000;

/// Sets the pods and the replicas.
pub(super) fn set(facts: &mut HpaFacts, number: Number, now: DateTime<Utc>) -> Result<(), String> {
    let scale = facts.scale.known().cloned().ok_or("the scale was not read")?;
    let pods = facts.pods.known().cloned().ok_or("the pods were not read")?;
    let (mut alive, gone): (Vec<Pod>, Vec<Pod>) = pods.into_iter().partition(is_alive);
    let ready = alive.iter().filter(|pod| is_ready(pod)).count();
    let wanted = number.from(i32::try_from(ready).unwrap_or(i32::MAX));
    if !(1..=MOST).contains(&wanted) {
        return Err(format!(
            "{wanted} pods cannot be assumed: {ready} are ready, and 1 to {MOST} may be assumed"
        ));
    }
    let before: Vec<String> = alive.iter().map(|pod| pod.name.clone()).collect();
    resize(&mut alive, facts, usize::try_from(wanted).unwrap_or_default())?;
    for pod in &mut alive {
        make_ready(pod, now);
    }
    spread(facts, &before, &alive, now);
    spread_reported(facts, ready, &scale, wanted);
    spread_read(facts, &before, &alive);
    alive.extend(gone);
    facts.pods = Fact::Known(alive);
    facts.scale = Fact::Known(Scale {
        spec_replicas: wanted,
        status_replicas: wanted,
        ..scale
    });
    Ok(())
}

/// Whether the controller looks at a pod at all, or will once it runs.
pub(super) fn is_alive(pod: &Pod) -> bool {
    pod.deleted_at.is_none() && matches!(pod.phase.as_str(), "Running" | "Pending")
}

fn is_ready(pod: &Pod) -> bool {
    pod.phase == "Running" && pod.condition("Ready").is_some_and(|ready| ready.status == "True")
}

/// Ready pods stay first; what is missing is copied from the first pod, or made from the target's template.
fn resize(alive: &mut Vec<Pod>, facts: &HpaFacts, wanted: usize) -> Result<(), String> {
    alive.sort_by_key(|pod| !is_ready(pod));
    alive.truncate(wanted);
    if alive.len() == wanted {
        return Ok(());
    }
    let model = alive
        .first()
        .cloned()
        .or_else(|| from_template(facts))
        .ok_or("there is neither a pod nor a pod template to copy")?;
    let mut index = 0;
    while alive.len() < wanted {
        index += 1;
        alive.push(Pod {
            name: format!("(assumed {index})"),
            ..model.clone()
        });
    }
    Ok(())
}

fn from_template(facts: &HpaFacts) -> Option<Pod> {
    let template = facts.target.known()?.template.clone()?;
    Some(Pod {
        namespace: facts.hpa.namespace.clone(),
        labels: template.labels,
        containers: template.containers,
        resources: template.resources,
        ..Pod::default()
    })
}

fn make_ready(pod: &mut Pod, now: DateTime<Utc>) {
    let assumed = pod.phase != "Running" || !is_ready(pod);
    "Running".clone_into(&mut pod.phase);
    pod.reason = None;
    if assumed {
        let since = now.checked_sub_signed(AGE).unwrap_or(now);
        pod.start_time = Some(since);
        pod.conditions.retain(|condition| condition.type_ != "Ready");
        pod.conditions.push(Condition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
            reason: String::new(),
            message: String::new(),
            last_transition_time: Some(since),
        });
    }
}

/// Every pod gets an equal part of what all of them used, container by container.
fn spread(facts: &mut HpaFacts, before: &[String], after: &[Pod], now: DateTime<Utc>) {
    let Some(metrics) = facts.pod_metrics.known() else {
        return;
    };
    let (ours, mut others): (Vec<&PodMetrics>, Vec<&PodMetrics>) =
        metrics.iter().partition(|sample| before.contains(&sample.name));
    let mut total: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for container in ours.iter().flat_map(|sample| &sample.containers) {
        for (resource, quantity) in &container.usage {
            let sum = total
                .entry(&container.name)
                .or_default()
                .entry(resource)
                .or_default();
            *sum = sum.saturating_add(quantity.milli_value().unwrap_or_default());
        }
    }
    if total.is_empty() {
        return;
    }
    let pods = i64::try_from(after.len().max(1)).unwrap_or(i64::MAX);
    let containers: Vec<ContainerUsage> = total
        .into_iter()
        .map(|(name, usage)| ContainerUsage {
            name: name.to_owned(),
            usage: usage
                .into_iter()
                .map(|(resource, milli)| (resource.to_owned(), quantity(milli / pods)))
                .collect(),
        })
        .collect();
    let mut samples: Vec<PodMetrics> = after
        .iter()
        .map(|pod| PodMetrics {
            name: pod.name.clone(),
            timestamp: now,
            window_millis: 0,
            containers: containers.clone(),
        })
        .collect();
    samples.extend(others.drain(..).cloned());
    facts.pod_metrics = Fact::Known(samples);
}

pub(super) fn quantity(milli: i64) -> Quantity {
    Quantity::from_milli(milli, QuantityFormat::DecimalSi)
}

/// The values that the API of a `Pods` metric gave: every pod gets an equal part of what all of them had.
fn spread_read(facts: &mut HpaFacts, before: &[String], after: &[Pod]) {
    let pods = i64::try_from(after.len().max(1)).unwrap_or(i64::MAX);
    for (spec, values) in facts.hpa.metrics.iter().zip(&mut facts.metric_values) {
        let Fact::Known(samples) = values else { continue };
        let ours = samples.iter().filter(|sample| before.contains(&sample.object));
        let ours: Vec<i64> = ours
            .filter_map(|sample| sample.value.milli_value().ok())
            .collect();
        if spec.type_ == "Pods" && !ours.is_empty() {
            let sum = ours.into_iter().fold(0_i64, i64::saturating_add);
            *samples = after
                .iter()
                .map(|pod| super::usage::sample(&pod.name, sum / pods))
                .collect();
        }
    }
}

/// The averages that the status holds, of metrics whose total does not depend on the pods.
fn spread_reported(facts: &mut HpaFacts, ready: usize, scale: &Scale, wanted: i32) {
    let hpa = &mut facts.hpa;
    for (spec, status) in hpa.metrics.iter().zip(&mut hpa.current_metrics) {
        let shared_by = match (spec.type_.as_str(), &spec.target) {
            ("Pods", _) => i64::try_from(ready).unwrap_or(i64::MAX),
            ("Object" | "External", MetricTarget::AverageValue(_)) => i64::from(scale.status_replicas),
            _ => continue,
        };
        if let Some(average) = &mut status.current.average_value
            && let Ok(milli) = average.milli_value()
        {
            *average = quantity(milli.saturating_mul(shared_by) / i64::from(wanted));
        }
    }
}
