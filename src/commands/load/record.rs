//! What was seen of an HPA, second by second.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::diagnosis::{self, Explanation, RecommendationReport, Severity};
use crate::facts::{Event, Fact, Facts, Hpa, HpaFacts, MetricTarget, Pod};
use crate::load::{ScaleEvent, ScaleSample, Scaling, SeenFinding};

/// An event, and how often and when it was seen last.
type Told = BTreeMap<(String, String), (i32, Option<DateTime<Utc>>)>;

/// What was seen.
pub(super) struct Record {
    scaling: Scaling,
    /// The events that are known.
    told: Told,
    usage: Usage,
    /// The metric with a target in percent: its index.
    metric: Option<usize>,
    sentence: String,
    ready: Vec<String>,
}

/// One value from two sources, each of which may be ahead of the other: what changed last counts.
#[derive(Debug, Default)]
struct Usage {
    status: Option<i32>,
    samples: Option<i32>,
    now: Option<i32>,
}

impl Usage {
    fn take(&mut self, status: Option<i32>, samples: Option<i32>) {
        if samples != self.samples {
            self.samples = samples;
            self.now = samples.or(status);
        }
        // A decision of the controller comes with the usage that it was made on.
        if status != self.status {
            self.status = status;
            self.now = status.or(samples);
        }
    }
}

impl Record {
    /// Begins with an HPA; its events so far belong to the past.
    pub(super) fn new(facts: &HpaFacts) -> Self {
        let hpa = &facts.hpa;
        let metric = utilization(hpa);
        Self {
            scaling: Scaling {
                namespace: hpa.namespace.clone(),
                hpa: hpa.name.clone(),
                target: format!("{}/{}", hpa.target.kind, hpa.target.name),
                min_replicas: hpa.effective_min_replicas(),
                max_replicas: hpa.max_replicas,
                resource: metric.map(|(_, name, _)| name.to_owned()),
                target_percent: metric.map(|(_, _, target)| target),
                ..Scaling::default()
            },
            told: own_events(facts).map(|event| (key(event), seen(event))).collect(),
            usage: Usage::default(),
            metric: metric.map(|(index, ..)| index),
            sentence: String::new(),
            ready: Vec::new(),
        }
    }

    /// Takes in what is known at a second since the load began.
    pub(super) fn take(&mut self, second: f64, facts: &Facts) {
        let explanations = diagnosis::diagnose(facts);
        let (Some(entry), Some(explained)) = (facts.hpas.first(), explanations.items.first()) else {
            self.note("the HPA was deleted while the load ran".to_owned());
            return;
        };
        self.take_events(second, entry);
        self.take_findings(second, explained);
        let next = explained.recommendation.as_ref();
        if let Some(next) = next {
            self.sentence.clone_from(&next.sentence);
        }
        self.usage.take(
            self.metric.and_then(|index| in_status(&entry.hpa, index)),
            self.metric.and_then(|index| in_samples(entry, next?, index)),
        );
        if let Fact::Known(pods) = &entry.pods {
            self.ready = pods
                .iter()
                .filter(|pod| serves(pod))
                .map(|pod| pod.name.clone())
                .collect();
            self.ready.sort();
        }
        self.push(ScaleSample {
            second,
            wanted: wanted(entry),
            ready: entry
                .pods
                .known()
                .map(|_| i32::try_from(self.ready.len()).unwrap_or(i32::MAX)),
            usage_percent: self.usage.now,
            // A decision on replicas that are none any more says nothing of the next one.
            next: next
                .filter(|next| Some(next.current_replicas) == wanted(entry))
                .and_then(|next| next.desired_replicas),
        });
    }

    /// All of it, at its end.
    pub(super) fn finish(mut self, second: f64, troubles: impl Iterator<Item = String>) -> Scaling {
        troubles.for_each(|trouble| self.note(trouble));
        if self.metric.is_none() {
            self.note("usage: the HPA has no target in percent of a request".to_owned());
        } else if self
            .scaling
            .samples
            .iter()
            .all(|sample| sample.usage_percent.is_none())
        {
            let resource = self.scaling.resource.clone().unwrap_or_default();
            self.note(format!("{resource} usage: no value of it was seen"));
        }
        if let Some(last) = self.scaling.samples.last().cloned()
            && second > last.second
        {
            self.scaling.samples.push(ScaleSample { second, ..last });
        }
        self.scaling
    }

    /// In a few words, for the line while it runs.
    pub(super) fn line(&self) -> String {
        let Some(now) = self.scaling.samples.last() else {
            return String::new();
        };
        let number = |value: Option<i32>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
        let mut parts = Vec::new();
        if let (Some(resource), Some(target)) = (&self.scaling.resource, self.scaling.target_percent) {
            let usage = now
                .usage_percent
                .map_or_else(|| "<unknown>".to_owned(), |usage| format!("{usage}%"));
            parts.push(format!("{resource} {usage}/{target}%"));
        }
        parts.push(format!("{} of {} ready", number(now.ready), number(now.wanted)));
        if let Some(next) = now.next.filter(|_| now.next != now.wanted) {
            parts.push(format!("next {next}"));
        }
        parts.join("  ")
    }

    /// The controller's next decision in one sentence.
    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The pods that are ready, by name.
    pub(super) fn ready_pods(&self) -> &[String] {
        &self.ready
    }

    /// As many are ready as may be.
    pub(super) fn is_full(&self) -> Option<i32> {
        let now = self.scaling.samples.last()?;
        (now.ready? >= self.scaling.max_replicas).then_some(self.scaling.max_replicas)
    }

    /// Back at the minimum, and nothing else is to come.
    pub(super) fn is_back(&self) -> bool {
        let min = Some(self.scaling.min_replicas);
        let now = self.scaling.samples.last();
        now.is_some_and(|now| now.wanted == min && now.ready == min && now.next == min)
    }

    /// What is wrong with the HPA, where something is: code and title.
    pub(super) fn broken(&self) -> Option<&SeenFinding> {
        self.scaling
            .findings
            .iter()
            .find(|finding| finding.severity == "error")
    }

    fn note(&mut self, note: String) {
        if !self.scaling.notes.contains(&note) {
            self.scaling.notes.push(note);
        }
    }

    /// What did not change is no sample of its own.
    fn push(&mut self, sample: ScaleSample) {
        let same = self.scaling.samples.last().is_some_and(|last| {
            ScaleSample {
                second: sample.second,
                ..last.clone()
            } == sample
        });
        if !same {
            self.scaling.samples.push(sample);
        }
    }

    /// The controller repeats what goes wrong; once is enough for that.
    fn take_events(&mut self, second: f64, facts: &HpaFacts) {
        for event in own_events(facts) {
            let before = self.told.insert(key(event), seen(event));
            let again = event.type_ == "Normal" && before != Some(seen(event));
            if before.is_none() || again {
                self.scaling.events.push(ScaleEvent {
                    second,
                    reason: event.reason.clone(),
                    message: event.message.clone(),
                });
            }
        }
    }

    fn take_findings(&mut self, second: f64, explained: &Explanation) {
        for finding in &explained.findings {
            let known = self
                .scaling
                .findings
                .iter_mut()
                .find(|it| it.code == finding.code);
            let title = finding.title.clone();
            match known {
                Some(known) => (known.last_second, known.title) = (second, title),
                None => self.scaling.findings.push(SeenFinding {
                    code: finding.code.to_owned(),
                    severity: match finding.severity {
                        Severity::Error => "error",
                        Severity::Warning => "warning",
                        Severity::Info => "info",
                    },
                    title,
                    first_second: second,
                    last_second: second,
                }),
            }
        }
    }
}

/// The metric with a target in percent of the request: cpu, else the first one.
fn utilization(hpa: &Hpa) -> Option<(usize, &str, i32)> {
    let metrics = || {
        hpa.metrics
            .iter()
            .enumerate()
            .filter_map(|(index, metric)| match metric.target {
                MetricTarget::AverageUtilization(target) => Some((index, metric.name.as_str(), target)),
                _ => None,
            })
    };
    metrics()
        .find(|(_, name, _)| *name == "cpu")
        .or_else(|| metrics().next())
}

/// What the controller saw at its last sync.
fn in_status(hpa: &Hpa, index: usize) -> Option<i32> {
    let status = hpa.current_metrics.get(index)?;
    status
        .current
        .average_utilization
        .filter(|_| !status.type_.is_empty())
}

/// What the newest samples make of it.
fn in_samples(facts: &HpaFacts, next: &RecommendationReport, index: usize) -> Option<i32> {
    let MetricTarget::AverageUtilization(target) = facts.hpa.metrics.get(index)?.target else {
        return None;
    };
    let percent = next.metrics.get(index)?.ratio? * f64::from(target);
    format!("{percent:.0}").parse().ok()
}

/// What the controller asks for; before its first decision, what the target has.
fn wanted(facts: &HpaFacts) -> Option<i32> {
    match facts.hpa.desired_replicas {
        0 => facts.scale.known().map(|scale| scale.spec_replicas),
        desired => Some(desired),
    }
}

fn serves(pod: &Pod) -> bool {
    pod.deleted_at.is_none()
        && pod
            .condition("Ready")
            .is_some_and(|condition| condition.status == "True")
}

fn own_events(facts: &HpaFacts) -> impl Iterator<Item = &Event> {
    facts.events.known().into_iter().flatten()
}

fn key(event: &Event) -> (String, String) {
    (event.reason.clone(), event.message.clone())
}

fn seen(event: &Event) -> (i32, Option<DateTime<Utc>>) {
    (event.count, event.last_seen)
}

#[cfg(test)]
#[path = "record_test.rs"]
mod tests;
