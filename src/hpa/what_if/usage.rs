//! Assumptions about usage and requests.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Amount;
use super::pods::{is_alive, quantity};
use crate::facts::{
    ContainerUsage, Fact, HpaFacts, MetricStatus, MetricTarget, MetricValue, Pod, PodMetrics, Quantity,
};

/// So much usage in every running pod, of the container where the HPA looks at a container alone. A pod without
/// a sample gets one: the question is what would be if that was its usage.
pub(super) fn of_pods(
    facts: &mut HpaFacts,
    resource: &str,
    amount: &Amount,
    now: DateTime<Utc>,
) -> Result<(), String> {
    let pods = facts.pods.known().ok_or("the pods were not read")?;
    let container = only_container(facts, resource);
    let mut samples: Vec<PodMetrics> = facts.pod_metrics.known().cloned().unwrap_or_default();
    let mut any = false;
    for pod in pods.iter().filter(|pod| is_alive(pod) && pod.phase == "Running") {
        let index = samples.iter().position(|sample| sample.name == pod.name);
        if index.is_none() && matches!(amount, Amount::Percent(_)) {
            continue;
        }
        any = true;
        match index.and_then(|index| samples.get_mut(index)) {
            Some(sample) => rescale(&mut sample.containers, resource, container.as_deref(), amount)?,
            None => samples.push(new_sample(pod, resource, container.as_deref(), amount, now)?),
        }
    }
    if !any {
        return Err(match amount {
            Amount::Exactly(_) => format!("no pod runs that could use {resource}; assume pods= too"),
            Amount::Percent(_) => {
                format!("no {resource} usage was measured that could change; assume {resource}=900m")
            }
        });
    }
    facts.pod_metrics = Fact::Known(samples);
    Ok(())
}

/// The container, where every metric of the resource looks at the same one alone.
fn only_container(facts: &HpaFacts, resource: &str) -> Option<String> {
    let mut containers = facts
        .hpa
        .metrics
        .iter()
        .filter(|metric| metric.name == resource)
        .map(|metric| metric.container.clone());
    let first = containers.next()??;
    containers
        .all(|other| other.as_ref() == Some(&first))
        .then_some(first)
}

/// The containers keep their shares of the pod's usage.
fn rescale(
    containers: &mut Vec<ContainerUsage>,
    resource: &str,
    only: Option<&str>,
    amount: &Amount,
) -> Result<(), String> {
    if let Some(only) = only
        && !containers.iter().any(|container| container.name == only)
    {
        containers.push(ContainerUsage {
            name: only.to_owned(),
            usage: BTreeMap::new(),
        });
    }
    let milli = |container: &ContainerUsage| {
        container
            .usage
            .get(resource)
            .and_then(|quantity| quantity.milli_value().ok())
            .unwrap_or_default()
    };
    let mut chosen: Vec<&mut ContainerUsage> = containers
        .iter_mut()
        .filter(|container| only.is_none_or(|only| container.name == only))
        .collect();
    let before: i64 = chosen
        .iter()
        .fold(0, |sum, container| sum.saturating_add(milli(container)));
    let after = amount.from(before)?;
    let mut left = after;
    let last = chosen.len().saturating_sub(1);
    for (index, container) in chosen.iter_mut().enumerate() {
        let share = if index == last {
            left
        } else if before == 0 {
            0
        } else {
            let part = i128::from(after) * i128::from(milli(container)) / i128::from(before);
            i64::try_from(part).unwrap_or(i64::MAX)
        };
        left = left.saturating_sub(share).max(0);
        container.usage.insert(resource.to_owned(), quantity(share));
    }
    Ok(())
}

fn new_sample(
    pod: &Pod,
    resource: &str,
    only: Option<&str>,
    amount: &Amount,
    now: DateTime<Utc>,
) -> Result<PodMetrics, String> {
    let main = || pod.containers.iter().find(|container| !container.init);
    let name = only.map(str::to_owned);
    let name = name.or_else(|| main().map(|container| container.name.clone()));
    let usage = BTreeMap::from([(resource.to_owned(), quantity(amount.from(0)?))]);
    Ok(PodMetrics {
        name: pod.name.clone(),
        timestamp: now,
        window_millis: 0,
        containers: vec![ContainerUsage {
            name: name.unwrap_or_default(),
            usage,
        }],
    })
}

/// The value of a metric of another type: for each pod where the metric is the pods' own, else the whole.
pub(super) fn of_metric(facts: &mut HpaFacts, name: &str, amount: &Amount) -> Result<(), String> {
    let replicas = facts
        .scale
        .known()
        .map_or(1, |scale| scale.status_replicas.max(1));
    let hpa = &mut facts.hpa;
    let other = |type_: &str| matches!(type_, "Pods" | "Object" | "External");
    let Some(index) = hpa
        .metrics
        .iter()
        .position(|metric| metric.name == name && other(&metric.type_))
    else {
        return Err(format!(
            "there is nothing called {name}, and no metric of the HPA has that name; accepted are {}",
            super::ACCEPTED
        ));
    };
    let Some(spec) = hpa.metrics.get(index) else {
        return Ok(());
    };
    while hpa.current_metrics.len() <= index {
        hpa.current_metrics.push(MetricStatus {
            type_: String::new(),
            name: String::new(),
            current: MetricValue::default(),
        });
    }
    let Some(status) = hpa.current_metrics.get_mut(index) else {
        return Ok(());
    };
    let milli = |value: Option<&Quantity>| value.and_then(|value| value.milli_value().ok());
    let (average, whole) = (
        milli(status.current.average_value.as_ref()),
        milli(status.current.value.as_ref()),
    );
    let known = |value: Option<i64>| match (value, amount) {
        (None, Amount::Percent(_)) => Err(format!(
            "{name} has no value that could change; assume {name}=100"
        )),
        (value, _) => Ok(value.unwrap_or_default()),
    };
    let mut current = MetricValue::default();
    match (&spec.target, spec.type_.as_str()) {
        (MetricTarget::AverageValue(_), "Pods") => {
            current.average_value = Some(quantity(amount.from(known(average)?)?));
        }
        (MetricTarget::AverageValue(_), _) => {
            let total = known(average)?.saturating_mul(i64::from(replicas));
            current.average_value = Some(quantity(amount.from(total)? / i64::from(replicas)));
        }
        _ => current.value = Some(quantity(amount.from(known(whole)?)?)),
    }
    *status = MetricStatus {
        type_: spec.type_.clone(),
        name: name.to_owned(),
        current,
    };
    Ok(())
}

/// The request of every pod: of its only container, of the one that is named, or of the pod itself where that
/// has one.
pub(super) fn request(
    facts: &mut HpaFacts,
    resource: &str,
    container: Option<&str>,
    amount: &Quantity,
) -> Result<(), String> {
    let mut pods = facts.pods.known().cloned().ok_or("the pods were not read")?;
    let mut found = false;
    for pod in &mut pods {
        found |= request_of(pod, resource, container, amount)?;
    }
    if let (false, Some(name)) = (found, container) {
        return Err(format!("no pod has a container {name}"));
    }
    facts.pods = Fact::Known(pods);
    Ok(())
}

fn request_of(
    pod: &mut Pod,
    resource: &str,
    container: Option<&str>,
    amount: &Quantity,
) -> Result<bool, String> {
    let key = || resource.to_owned();
    if let Some(resources) = pod
        .resources
        .as_mut()
        .filter(|resources| container.is_none() && resources.requests.contains_key(resource))
    {
        resources.requests.insert(key(), amount.clone());
        return Ok(true);
    }
    let mut counted: Vec<_> = pod
        .containers
        .iter_mut()
        .filter(|it| it.counts_for_requests())
        .filter(|it| container.is_none_or(|name| it.name == name))
        .collect();
    if let [_, _, ..] = counted.as_slice() {
        let each = counted
            .iter()
            .map(|it| format!("request.{resource}.{}=", it.name))
            .collect::<Vec<_>>()
            .join(", ");
        return Err(format!(
            "{} has {} containers; write {each}",
            pod.name,
            counted.len()
        ));
    }
    for container in &mut counted {
        container.resources.requests.insert(key(), amount.clone());
    }
    Ok(!counted.is_empty())
}
