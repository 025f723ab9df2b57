//! What became of HPAs between two readings: the answer to `--watch`.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Explanation, Explanations, Finding, ObjectName, Severity, Verdict};

/// How an HPA differs from the reading before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Became {
    /// It was not there before.
    Appeared,
    /// Its verdict, its first finding or its decision is another one.
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

/// What is compared of an answer. Usage moves all the time and is no change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State<'a> {
    /// The answer in one word.
    pub verdict: Verdict,
    /// The code of the first finding.
    pub code: Option<&'static str>,
    /// The objects that the first finding names.
    pub objects: &'a [ObjectName],
    /// What the controller starts from, and what it will decide.
    pub decision: Option<Decision>,
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
        fn cause<'a>(state: Option<&'a State<'_>>) -> Option<(Option<&'static str>, &'a [ObjectName])> {
            state.map(|it| (it.code, it.objects))
        }
        cause(self.before.as_ref()) != cause(self.after.as_ref())
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
        decision: item.recommendation.as_ref().map(|it| Decision {
            current_replicas: it.current_replicas,
            desired_replicas: it.desired_replicas,
            limited_by: it.limited_by,
        }),
    }
}

#[cfg(test)]
#[path = "changes_test.rs"]
mod tests;
