//! What became of HPAs between two readings: the answer to `--watch`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Explanation, Explanations, Finding, ObjectName, Severity, Verdict};

/// How an HPA differs from the reading before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Became {
    /// It was not there before.
    Appeared,
    /// Its verdict, one of its findings or its decision is another one.
    Changed,
    /// It is not there any more.
    Gone,
}

/// One HPA that is not what it was; part of the contract `tfserve.dev/v1`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change<'a> {
    /// Always `tfserve.dev/v1`.
    pub api_version: &'static str,
    /// Always `HpaChange`.
    pub kind: &'static str,
    /// When the later reading was made.
    pub observed_at: DateTime<Utc>,
    /// How it differs.
    pub change: Became,
    /// The HPA's namespace.
    pub namespace: &'a str,
    /// The HPA's name.
    pub name: &'a str,
    /// What it was; none where it appeared.
    pub before: Option<State<'a>>,
    /// What it is; none where it is gone.
    pub after: Option<State<'a>>,
    /// The whole answer now; none where it is gone.
    pub explanation: Option<&'a Explanation>,
}

/// What is compared of an answer. Usage moves all the time and is no change, and neither are the names that a rollout
/// gives to the pods of a finding.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State<'a> {
    /// The answer in one word.
    pub verdict: Verdict,
    /// The code of the first finding.
    pub code: Option<&'static str>,
    /// The objects that the first finding names.
    pub objects: &'a [ObjectName],
    /// The errors and warnings beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other<'a>>,
    /// What the controller starts from, and what it will decide.
    pub decision: Option<Decision>,
}

/// A finding beside the first one.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Other<'a> {
    /// Its code.
    pub code: &'static str,
    /// Its title.
    pub title: &'a str,
    /// The objects that it names.
    pub objects: &'a [ObjectName],
}

/// Titles hold numbers that move.
impl PartialEq for Other<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code && names(self.objects) == names(other.objects)
    }
}

impl PartialEq for State<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.verdict == other.verdict
            && self.decision == other.decision
            && self.others == other.others
            && self.has_cause_of(other)
    }
}

impl State<'_> {
    fn has_cause_of(&self, other: &Self) -> bool {
        self.code == other.code && names(self.objects) == names(other.objects)
    }
}

/// What tells objects apart, each once: a pod by the name that its owner gives to all of its pods.
fn names(objects: &[ObjectName]) -> BTreeSet<(&str, &str, &str, Option<&str>)> {
    objects
        .iter()
        .map(|object| {
            let name = match object.kind.as_str() {
                "Pod" | "ReplicaSet" => without_generated(&object.name),
                _ => &object.name,
            };
            (
                object.kind.as_str(),
                object.namespace.as_str(),
                name,
                object.container.as_deref(),
            )
        })
        .collect()
}

/// `web` of `web-5f6d7c8b9-x2x9l`: without the hash of the template and the random end.
fn without_generated(name: &str) -> &str {
    /// The characters of `rand.SafeEncodeString` in `k8s.io/apimachinery`.
    const SAFE: &str = "bcdfghjklmnpqrstvwxz2456789";
    let generated =
        |part: &str| (5..=10).contains(&part.len()) && part.chars().all(|character| SAFE.contains(character));
    let mut name = name;
    for _ in 0..2 {
        if let Some((start, end)) = name.rsplit_once('-')
            && generated(end)
        {
            name = start;
        }
    }
    name
}

/// The controller's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// `spec.replicas` of the scale.
    pub current_replicas: i32,
    /// What the controller will decide at its next sync; none where it would decide nothing.
    pub desired_replicas: Option<i32>,
    /// What limits it.
    pub limited_by: Option<&'static str>,
}

impl Change<'_> {
    /// Whether the first finding is another one than before, and an error or a warning.
    pub fn needs_explaining(&self) -> bool {
        let first = self.explanation.and_then(|it| it.findings.first());
        first.is_some_and(|it| it.severity > Severity::Info) && self.has_new_cause()
    }

    fn has_new_cause(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => !before.has_cause_of(after),
            (before, after) => before.is_some() != after.is_some(),
        }
    }

    /// What is found beside the first finding now, and was not before.
    pub fn came(&self) -> Vec<&Other<'_>> {
        Self::beyond(self.after.as_ref(), self.before.as_ref())
    }

    /// What was found beside the first finding, and is found no more.
    pub fn went(&self) -> Vec<&Other<'_>> {
        Self::beyond(self.before.as_ref(), self.after.as_ref())
    }

    fn beyond<'s>(some: Option<&'s State<'_>>, others: Option<&'s State<'_>>) -> Vec<&'s Other<'s>> {
        let (Some(some), Some(others)) = (some, others) else {
            return Vec::new();
        };
        let known = |one: &Other<'_>| {
            let is_first = others.code == Some(one.code) && names(others.objects) == names(one.objects);
            is_first || others.others.contains(one)
        };
        some.others.iter().filter(|one| !known(one)).collect()
    }
}

/// Every HPA that is not what it was, in the order of the later reading; those that are gone come last.
pub fn changes<'a>(before: &'a Explanations, after: &'a Explanations) -> Vec<Change<'a>> {
    let now = after.observed_at;
    let there = after.items.iter().filter_map(|item| {
        let old = find(before, item);
        let change = if old.is_some() {
            Became::Changed
        } else {
            Became::Appeared
        };
        let differs = old.map(state) != Some(state(item));
        differs.then(|| between(now, change, old, Some(item), item))
    });
    let left = before.items.iter().filter(|item| find(after, item).is_none());
    let gone = left.map(|item| between(now, Became::Gone, Some(item), None, item));
    there.chain(gone).collect()
}

fn find<'a>(all: &'a Explanations, wanted: &Explanation) -> Option<&'a Explanation> {
    let same = |item: &&Explanation| item.namespace == wanted.namespace && item.name == wanted.name;
    all.items.iter().find(same)
}

fn between<'a>(
    observed_at: DateTime<Utc>,
    change: Became,
    before: Option<&'a Explanation>,
    after: Option<&'a Explanation>,
    named: &'a Explanation,
) -> Change<'a> {
    Change {
        api_version: crate::facts::API_VERSION,
        kind: "HpaChange",
        observed_at,
        change,
        namespace: &named.namespace,
        name: &named.name,
        before: before.map(state),
        after: after.map(state),
        explanation: after,
    }
}

fn state(item: &Explanation) -> State<'_> {
    let first: Option<&Finding> = item.findings.first();
    State {
        verdict: item.verdict,
        code: first.map(|it| it.code),
        objects: first.map_or(&[], |it| &it.objects),
        others: others(&item.findings),
        decision: item.recommendation.as_ref().map(|it| Decision {
            current_replicas: it.current_replicas,
            desired_replicas: it.desired_replicas,
            limited_by: it.limited_by,
        }),
    }
}

/// Of infos only the first is told: the others are no news.
fn others(findings: &[Finding]) -> Vec<Other<'_>> {
    let weighs = findings.iter().skip(1).filter(|it| it.severity > Severity::Info);
    weighs
        .map(|it| Other {
            code: it.code,
            title: &it.title,
            objects: &it.objects,
        })
        .collect()
}

#[cfg(test)]
#[path = "changes_test.rs"]
mod tests;
