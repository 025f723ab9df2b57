//! `groupPods` (`replica_calculator.go`): which pods count.

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::later;
use super::samples::{Sample, Samples};
use super::{Controller, Counted, PodShare};
use crate::facts::Pod;

/// The pods of one metric, each in its group.
pub(super) struct Groups {
    pub(super) shares: Vec<PodShare>,
}

impl Groups {
    /// How many pods are in a group.
    pub(super) fn count(&self, group: Counted) -> usize {
        self.names(group).count()
    }

    /// The names of the pods in a group.
    pub(super) fn names(&self, group: Counted) -> impl Iterator<Item = &str> {
        self.shares
            .iter()
            .filter(move |share| share.counted == group)
            .map(|share| share.name.as_str())
    }

    /// Drops the samples of ignored and unready pods (`removeMetricsForPods`).
    pub(super) fn remove_uncounted(&self, samples: &mut Samples) {
        for name in self.names(Counted::Ignored).chain(self.names(Counted::Unready)) {
            samples.remove(name);
        }
    }
}

/// Sorts the pods into groups. Readiness matters for cpu alone.
pub(super) fn group(
    pods: &[Pod],
    samples: &Samples,
    cpu: bool,
    controller: &Controller,
    now: DateTime<Utc>,
) -> Groups {
    let shares = pods
        .iter()
        .map(|pod| {
            let sample = samples.get(&pod.name);
            let (counted, why) = classify(pod, sample, cpu, controller, now);
            PodShare {
                name: pod.name.clone(),
                usage_milli: sample.map(|sample| sample.milli),
                request_milli: None,
                counted,
                why,
            }
        })
        .collect();
    Groups { shares }
}

fn classify(
    pod: &Pod,
    sample: Option<&Sample>,
    cpu: bool,
    controller: &Controller,
    now: DateTime<Utc>,
) -> (Counted, String) {
    if pod.deleted_at.is_some() {
        return (Counted::Ignored, "terminating".to_owned());
    }
    if pod.phase == "Failed" {
        return (Counted::Ignored, phase(pod));
    }
    if pod.phase == "Pending" {
        return (Counted::Unready, phase(pod));
    }
    let Some(sample) = sample else {
        let why = if pod.phase == "Running" {
            "no complete sample".to_owned()
        } else {
            format!("{}, no sample", phase(pod))
        };
        return (Counted::Missing, why);
    };
    match cpu.then(|| unready(pod, sample, controller, now)).flatten() {
        Some(why) => (Counted::Unready, why),
        None => (Counted::Yes, "counted".to_owned()),
    }
}

fn phase(pod: &Pod) -> String {
    let waiting = || {
        pod.containers
            .iter()
            .find_map(|container| container.state_reason.as_deref())
    };
    match pod.reason.as_deref().or_else(waiting) {
        Some(reason) => format!("phase {}: {reason}", pod.phase),
        None => format!("phase {}", pod.phase),
    }
}

/// Why the cpu sample of a pod does not count yet.
fn unready(pod: &Pod, sample: &Sample, controller: &Controller, now: DateTime<Utc>) -> Option<String> {
    let Some(ready) = pod.condition("Ready") else {
        return Some("no condition Ready".to_owned());
    };
    let Some(start) = pod.start_time else {
        return Some("no start time".to_owned());
    };
    let not_ready = ready.status == "False";
    let age = (now - start).num_seconds();
    if later(start, TimeDelta::seconds(controller.cpu_initialization_seconds)) > now {
        let too_old = ready
            .last_transition_time
            .is_some_and(|transition| sample.timestamp < later(transition, sample.window));
        return if not_ready {
            Some(format!("started {age} s ago, not ready"))
        } else {
            too_old.then(|| format!("started {age} s ago, its sample began before it was ready"))
        };
    }
    let delay = TimeDelta::seconds(controller.initial_readiness_seconds);
    let never_ready = not_ready
        && ready
            .last_transition_time
            .is_none_or(|transition| later(start, delay) > transition);
    never_ready.then(|| format!("started {age} s ago, never ready since"))
}
