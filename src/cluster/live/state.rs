//! What is known now: the last whole reading, overlaid with what the watches told since.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use k8s_openapi::api::core::v1;

use super::{Change, Watched};
use crate::cluster::Error;
use crate::cluster::convert;
use crate::cluster::metrics_api::pod_metrics_ask;
use crate::cluster::observe::{PodIndex, fact, owners, selector};
use crate::facts::{Event, Fact, Facts, Hpa, HpaFacts, Pod, PodMetrics, ScaleTarget};

/// A namespace and a name.
type Key = (String, String);

/// How many events are kept.
const EVENTS_KEPT: usize = 200;

/// An event, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveEvent {
    /// The namespace.
    pub namespace: String,
    /// The kind of what it is about.
    pub kind: String,
    /// Its name.
    pub name: String,
    uid: String,
    pub(super) event: Event,
}

impl LiveEvent {
    /// With the event object's own name.
    pub(super) fn of(object: &v1::Event) -> (String, Self) {
        let about = &object.involved_object;
        let event = Self {
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            kind: about.kind.clone().unwrap_or_default(),
            name: about.name.clone().unwrap_or_default(),
            uid: about.uid.clone().unwrap_or_default(),
            event: convert::event(object),
        };
        (object.metadata.name.clone().unwrap_or_default(), event)
    }
}

/// The state.
pub(super) struct State {
    facts: Facts,
    /// None until the watch has told all of them: the reading's own are used so long.
    pods: Option<BTreeMap<Key, Pod>>,
    usage: Option<Fact<BTreeMap<Key, PodMetrics>>>,
    events: BTreeMap<Key, LiveEvent>,
    events_known: bool,
    troubles: BTreeMap<&'static str, String>,
}

impl State {
    /// Begins with a whole reading.
    pub(super) fn new(facts: Facts) -> Self {
        Self {
            facts,
            pods: None,
            usage: None,
            events: BTreeMap::new(),
            events_known: false,
            troubles: BTreeMap::new(),
        }
    }

    /// Takes a change in. Whether it asks for a whole reading.
    pub(super) fn take(&mut self, change: Change) -> bool {
        match change {
            Change::Hpas(told) => self.take_hpas(told),
            Change::Pods(told) => self.take_pods(told),
            Change::Events(told) => {
                self.take_events(told);
                false
            }
            Change::Usage(answer) => {
                self.take_usage(answer);
                false
            }
            Change::Reading(answer) => {
                self.take_reading(*answer);
                false
            }
        }
    }

    /// What cannot be followed, and why.
    pub(super) fn troubles(&self) -> &BTreeMap<&'static str, String> {
        &self.troubles
    }

    fn trouble<T>(&mut self, what: &'static str, told: &Watched<T>) {
        match told {
            Watched::Failed(why) => self.troubles.insert(what, why.clone()),
            _ => self.troubles.remove(what),
        };
    }

    fn take_hpas(&mut self, told: Watched<Hpa>) -> bool {
        self.trouble("HPAs", &told);
        match told {
            // The reading chose some of them; each that it knows is brought up to date.
            Watched::All(all) => {
                let mut anew = false;
                for hpa in all {
                    anew |= self.known(&hpa) && self.take_hpa(hpa);
                }
                anew
            }
            Watched::Applied(hpa) => self.take_hpa(hpa),
            Watched::Deleted(hpa) => {
                self.facts.hpas.retain(|it| !same(&it.hpa, &hpa));
                false
            }
            Watched::Failed(_) => false,
        }
    }

    fn known(&self, hpa: &Hpa) -> bool {
        self.facts.hpas.iter().any(|it| same(&it.hpa, hpa))
    }

    fn take_hpa(&mut self, hpa: Hpa) -> bool {
        let Some(entry) = self.facts.hpas.iter_mut().find(|it| same(&it.hpa, &hpa)) else {
            return true;
        };
        let anew = decision(&entry.hpa) != decision(&hpa);
        entry.hpa = hpa;
        anew
    }

    fn take_pods(&mut self, told: Watched<Pod>) -> bool {
        self.trouble("pods", &told);
        let key = |pod: &Pod| (pod.namespace.clone(), pod.name.clone());
        let one_hpa = self.facts.hpas.len() == 1;
        match told {
            Watched::All(all) => {
                self.pods = Some(all.into_iter().map(|pod| (key(&pod), pod)).collect());
                false
            }
            Watched::Applied(pod) => {
                let pods = self.pods.get_or_insert_default();
                pods.insert(key(&pod), pod).is_none() && one_hpa
            }
            Watched::Deleted(pod) => {
                let pods = self.pods.get_or_insert_default();
                pods.remove(&key(&pod)).is_some() && one_hpa
            }
            // What was known ages; the readings bring the pods from now on.
            Watched::Failed(_) => {
                self.pods = None;
                false
            }
        }
    }

    fn take_events(&mut self, told: Watched<(String, LiveEvent)>) {
        self.trouble("events", &told);
        let key = |(name, event): &(String, LiveEvent)| (event.namespace.clone(), name.clone());
        match told {
            Watched::All(all) => {
                self.events = all.into_iter().map(|it| (key(&it), it.1)).collect();
                self.events_known = true;
            }
            Watched::Applied(it) => {
                self.events.insert(key(&it), it.1);
            }
            Watched::Deleted(it) => {
                self.events.remove(&key(&it));
            }
            Watched::Failed(_) => self.events_known = false,
        }
    }

    fn take_usage(&mut self, answer: Result<Vec<(String, PodMetrics)>, Error>) {
        let samples = answer.map(|samples| {
            samples
                .into_iter()
                .map(|(namespace, sample)| ((namespace, sample.name.clone()), sample))
                .collect()
        });
        self.usage = Some(fact(&pod_metrics_ask(None), samples));
    }

    fn take_reading(&mut self, answer: Result<Facts, Error>) {
        match answer {
            Ok(facts) => {
                self.facts = facts;
                self.troubles.remove("the cluster");
            }
            // The last HPA that was named is gone.
            Err(error) if error.is_not_found() => self.facts.hpas.clear(),
            Err(error) => {
                self.troubles.insert("the cluster", error.to_string());
            }
        }
    }

    /// Everything as it is known now.
    pub(super) fn compose(&mut self, now: DateTime<Utc>) -> &Facts {
        self.facts.observed_at = now;
        if let Some(pods) = &self.pods {
            overlay_pods(&mut self.facts.hpas, pods);
        }
        if let Some(usage) = &self.usage {
            overlay_usage(&mut self.facts.hpas, usage);
        }
        if self.events_known {
            overlay_events(&mut self.facts.hpas, &self.events);
        }
        &self.facts
    }

    /// Everything as it was composed last.
    pub(super) fn latest(&self) -> &Facts {
        &self.facts
    }

    /// The newest events about the HPAs, their targets and pods, oldest first.
    pub(super) fn events(&self) -> Vec<&LiveEvent> {
        let mut found: Vec<&LiveEvent> = self
            .events
            .values()
            .filter(|event| {
                self.facts
                    .hpas
                    .iter()
                    .any(|facts| facts.hpa.namespace == event.namespace && concerns(event, facts))
            })
            .collect();
        found.sort_by_key(|event| event.event.last_seen);
        found.split_off(found.len().saturating_sub(EVENTS_KEPT))
    }
}

fn same(left: &Hpa, right: &Hpa) -> bool {
    left.namespace == right.namespace && left.name == right.name
}

/// What of an HPA changes the evidence, and not only the value of a metric.
fn decision(hpa: &Hpa) -> (Hpa, Vec<(String, String, String)>) {
    let conditions = hpa
        .conditions
        .iter()
        .map(|it| (it.type_.clone(), it.status.clone(), it.reason.clone()))
        .collect();
    let rest = Hpa {
        conditions: Vec::new(),
        current_metrics: Vec::new(),
        status_changed_at: None,
        ..hpa.clone()
    };
    (rest, conditions)
}

fn concerns(event: &LiveEvent, facts: &HpaFacts) -> bool {
    let target = &facts.hpa.target;
    match event.kind.as_str() {
        "HorizontalPodAutoscaler" => event.name == facts.hpa.name,
        "Pod" => facts
            .pods
            .known()
            .into_iter()
            .flatten()
            .any(|pod| pod.name == event.name),
        // A Deployment's ReplicaSet is called after it.
        "ReplicaSet" if target.kind == "Deployment" => event
            .name
            .rsplit_once('-')
            .is_some_and(|(stem, _)| stem == target.name),
        kind => kind == target.kind && event.name == target.name,
    }
}

fn overlay_pods(hpas: &mut [HpaFacts], pods: &BTreeMap<Key, Pod>) {
    let mut by_namespace: BTreeMap<&str, Vec<Pod>> = BTreeMap::new();
    let wanted: BTreeSet<String> = hpas.iter().map(|it| it.hpa.namespace.clone()).collect();
    for ((namespace, _), pod) in pods {
        if wanted.contains(namespace) {
            by_namespace.entry(namespace).or_default().push(pod.clone());
        }
    }
    let indices: BTreeMap<&str, PodIndex<'_>> = by_namespace
        .iter()
        .map(|(namespace, pods)| (*namespace, PodIndex::new(pods)))
        .collect();
    for facts in hpas {
        let selected = facts
            .scale
            .known()
            .and_then(|scale| selector::parse(&scale.selector));
        let (Some(expressions), Fact::Known(before)) = (selected, &facts.pods) else {
            continue;
        };
        let mut now = indices
            .get(facts.hpa.namespace.as_str())
            .map(|index| index.matching(&expressions))
            .unwrap_or_default();
        if let Some(target) = facts.target.known() {
            mark(&mut now, target, before);
        }
        facts.pods = Fact::Known(now);
    }
}

/// Marks the target's own pods; what a reading has found out by the `ReplicaSet`s stays known.
fn mark(pods: &mut [Pod], target: &ScaleTarget, before: &[Pod]) {
    let known: BTreeMap<(&str, &str), bool> = before
        .iter()
        .filter_map(|pod| pod.owner.as_ref())
        .map(|owner| ((owner.kind.as_str(), owner.name.as_str()), owner.is_scale_target))
        .collect();
    owners::mark(pods, target, None);
    for owner in pods.iter_mut().filter_map(|pod| pod.owner.as_mut()) {
        if let Some(certain) = known.get(&(owner.kind.as_str(), owner.name.as_str())) {
            owner.is_scale_target = *certain;
        }
    }
}

fn overlay_usage(hpas: &mut [HpaFacts], usage: &Fact<BTreeMap<Key, PodMetrics>>) {
    for facts in hpas {
        facts.pod_metrics = match (usage, &facts.pods) {
            (Fact::Known(samples), Fact::Known(pods)) => Fact::Known(
                pods.iter()
                    .filter_map(|pod| samples.get(&(pod.namespace.clone(), pod.name.clone())))
                    .cloned()
                    .collect(),
            ),
            (Fact::Known(_), _) => continue,
            (Fact::Absent, _) => Fact::Absent,
            (Fact::NotReadable(why), _) => Fact::NotReadable(why.clone()),
        };
    }
}

fn overlay_events(hpas: &mut [HpaFacts], events: &BTreeMap<Key, LiveEvent>) {
    let mut by_uid: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events.values() {
        by_uid.entry(&event.uid).or_default().push(&event.event);
    }
    for facts in hpas {
        let mut own: Vec<Event> = by_uid
            .get(facts.hpa.uid.as_str())
            .into_iter()
            .flatten()
            .map(|event| (*event).clone())
            .collect();
        own.sort_by_key(|event| event.last_seen);
        facts.events = Fact::Known(own);
    }
}

#[cfg(test)]
#[path = "state_test.rs"]
mod tests;
