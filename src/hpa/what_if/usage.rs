//! Assumptions about usage and requests.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Amount;
use super::pods::{is_alive, quantity};
use crate::facts::{
    ContainerUsage, Fact, HpaFacts, MetricSample, MetricSpec, MetricStatus, MetricTarget, MetricValue, Pod,
    PodMetrics, Quantity,
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

/// Whether a metric is made of what the pods use of a resource.
pub(super) fn is_of_pods(metric: &MetricSpec, resource: &str) -> bool {
    metric.name == resource && matches!(metric.type_.as_str(), "Resource" | "ContainerResource")
}

/// The container, where every metric of the resource looks at the same one alone.
fn only_container(facts: &HpaFacts, resource: &str) -> Option<String> {
    let mut containers = facts
        .hpa
        .metrics
        .iter()
        .filter(|metric| is_of_pods(metric, resource))
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

/// The value of a metric of another type: for each pod where the metric is the pods' own, else the whole. It takes the
/// place of what the metric's API said, and of what the status shows.
pub(super) fn of_metric(facts: &mut HpaFacts, name: &str, amount: &Amount) -> Result<(), String> {
    let other = |type_: &str| matches!(type_, "Pods" | "Object" | "External");
    let metrics = facts.hpa.metrics.iter().enumerate();
    let chosen: Vec<usize> = metrics
        .filter(|(_, metric)| metric.name == name && other(&metric.type_))
        .map(|(index, _)| index)
        .collect();
    if chosen.is_empty() && matches!(name, "cpu" | "memory") {
        let names: Vec<&str> = facts
            .hpa
            .metrics
            .iter()
            .map(|metric| metric.name.as_str())
            .collect();
        return Err(format!(
            "no metric of the HPA is made of {name} usage; its metrics are {}",
            names.join(", ")
        ));
    }
    if chosen.is_empty() {
        return Err(format!(
            "there is nothing called {name}, and no metric of the HPA has that name; accepted are {}",
            super::ACCEPTED
        ));
    }
    for index in chosen {
        assume(facts, index, amount)?;
    }
    Ok(())
}

fn assume(facts: &mut HpaFacts, index: usize, amount: &Amount) -> Result<(), String> {
    let Some(spec) = facts.hpa.metrics.get(index).cloned() else {
        return Ok(());
    };
    let samples = if spec.type_ == "Pods" {
        each_pod(facts, index, &spec, amount)?
    } else {
        vec![whole(facts, index, &spec, amount)?]
    };
    let current = shown(facts, &spec, &samples);
    let hpa = &mut facts.hpa;
    while hpa.current_metrics.len() <= index {
        hpa.current_metrics.push(MetricStatus {
            type_: String::new(),
            name: String::new(),
            current: MetricValue::default(),
        });
    }
    if let Some(status) = hpa.current_metrics.get_mut(index) {
        *status = MetricStatus {
            type_: spec.type_,
            name: spec.name,
            current,
        };
    }
    while facts.metric_values.len() <= index {
        facts.metric_values.push(Fact::default());
    }
    if let Some(values) = facts.metric_values.get_mut(index) {
        *values = Fact::Known(samples);
    }
    Ok(())
}

/// What the status shows of a metric.
fn reported(facts: &HpaFacts, index: usize) -> Option<&MetricValue> {
    let spec = facts.hpa.metrics.get(index)?;
    let status = facts.hpa.current_metrics.get(index)?;
    (status.type_ == spec.type_ && status.name == spec.name).then_some(&status.current)
}

fn no_value(spec: &MetricSpec) -> String {
    format!("{0} has no value that could change; assume {0}=100", spec.name)
}

fn milli(value: Option<&Quantity>) -> Option<i64> {
    value.and_then(|value| value.milli_value().ok())
}

/// A value for every pod that runs: a pod without one gets it, unless what there is changes by a percentage.
fn each_pod(
    facts: &HpaFacts,
    index: usize,
    spec: &MetricSpec,
    amount: &Amount,
) -> Result<Vec<MetricSample>, String> {
    let pods = facts.pods.known().ok_or("the pods were not read")?;
    let read = facts.metric_value(index).and_then(Fact::known);
    let mean = reported(facts, index).and_then(|value| milli(value.average_value.as_ref()));
    let mut samples = Vec::new();
    for pod in pods.iter().filter(|pod| is_alive(pod) && pod.phase == "Running") {
        let of_pod = || read?.iter().find(|sample| sample.object == pod.name);
        let before = match read {
            Some(_) => of_pod().and_then(|sample| milli(Some(&sample.value))),
            None => mean,
        };
        let value = match (before, amount) {
            (None, Amount::Percent(_)) => continue,
            (before, _) => amount.from(before.unwrap_or_default())?,
        };
        samples.push(sample(&pod.name, value));
    }
    match (samples.is_empty(), amount) {
        (true, Amount::Percent(_)) => Err(no_value(spec)),
        (true, Amount::Exactly(_)) => Err(format!(
            "no pod runs that could have a value of {}; assume pods= too",
            spec.name
        )),
        (false, _) => Ok(samples),
    }
}

/// One value for the whole, whatever it was the sum of.
fn whole(facts: &HpaFacts, index: usize, spec: &MetricSpec, amount: &Amount) -> Result<MetricSample, String> {
    let read = || {
        let samples = facts.metric_value(index)?.known()?;
        let values = samples.iter().filter_map(|sample| milli(Some(&sample.value)));
        (!samples.is_empty()).then(|| values.fold(0_i64, i64::saturating_add))
    };
    let in_status = || {
        let value = reported(facts, index)?;
        match spec.target {
            MetricTarget::AverageValue(_) => {
                let average = milli(value.average_value.as_ref())?;
                Some(average.saturating_mul(i64::from(replicas(facts))))
            }
            _ => milli(value.value.as_ref()),
        }
    };
    let before = match (read().or_else(in_status), amount) {
        (None, Amount::Percent(_)) => return Err(no_value(spec)),
        (before, _) => before.unwrap_or_default(),
    };
    let object = spec.object.as_ref().map_or("", |object| &object.name);
    Ok(sample(object, amount.from(before)?))
}

/// A sample of now.
pub(super) fn sample(object: &str, milli: i64) -> MetricSample {
    MetricSample {
        object: object.to_owned(),
        labels: BTreeMap::new(),
        value: quantity(milli),
        timestamp: None,
        window_millis: None,
    }
}

/// The replicas that share a value.
fn replicas(facts: &HpaFacts) -> i32 {
    facts
        .scale
        .known()
        .map_or(1, |scale| scale.status_replicas.max(1))
}

/// The samples as the status would show them.
fn shown(facts: &HpaFacts, spec: &MetricSpec, samples: &[MetricSample]) -> MetricValue {
    let values = samples.iter().filter_map(|sample| milli(Some(&sample.value)));
    let sum = values.fold(0_i64, i64::saturating_add);
    let shared_by = match (&spec.target, spec.type_.as_str()) {
        (_, "Pods") => i64::try_from(samples.len()).unwrap_or(i64::MAX).max(1),
        (MetricTarget::AverageValue(_), _) => i64::from(replicas(facts)),
        _ => {
            return MetricValue {
                value: Some(quantity(sum)),
                ..MetricValue::default()
            };
        }
    };
    MetricValue {
        average_value: Some(quantity(sum / shared_by)),
        ..MetricValue::default()
    }
}

/// The request of every pod: of its only container, of the one that is named, or of the pod itself where that
/// has one.
pub(super) fn request(
    facts: &mut HpaFacts,
    resource: &str,
    container: Option<&str>,
    amount: &Quantity,
) -> Result<(), String> {
    let by_request = |metric: &MetricSpec| {
        is_of_pods(metric, resource) && matches!(metric.target, MetricTarget::AverageUtilization(_))
    };
    if !facts.hpa.metrics.iter().any(by_request) {
        return Err(format!(
            "no metric of the HPA is a percentage of the {resource} request, so it decides nothing"
        ));
    }
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
