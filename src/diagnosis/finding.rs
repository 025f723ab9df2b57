//! A finding: one cause, its proof and its repair. The JSON names are the contract; they only grow.

use serde::Serialize;

use super::Verdict;
use crate::facts::NotReadable;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// The HPA works, but not as far as its owner would expect.
    Warning,
    /// The HPA does not work.
    Error,
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// One of several causes that the readable facts allow.
    Possible,
    /// The facts point to it, but one that would prove it could not be read.
    Likely,
    /// Every step was seen on the cluster.
    Proven,
}

/// An object that a finding speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    /// For example `Pod`.
    pub kind: String,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The container at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// Where a piece of evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceStatus {
    /// Read from the cluster.
    Observed,
    /// Computed from what was read and an assumption, for example a default of the controller.
    Estimated,
    /// It could not be read.
    NotReadable,
}

/// One step of the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The thing that was looked at, for example `APIService v1beta1.metrics.k8s.io`.
    pub what: String,
    /// What was seen, for example `not found`.
    pub value: String,
    /// The request or field it was read from, for example `GET apiservices/v1beta1.metrics.k8s.io`.
    pub source: String,
    /// How it is known.
    pub status: EvidenceStatus,
}

/// One way to repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// What it does, as an imperative.
    pub title: String,
    /// A command that can be pasted, for the object at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What the command changes, for example `rolls the pods of Deployment x`.
    pub changes: String,
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// For example `TFS301`; never reused.
    pub code: &'static str,
    /// For example `metrics-api-not-registered`.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One line without a trailing period.
    pub title: String,
    /// One sentence that says why.
    pub cause: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// The objects at fault, the first one most of all.
    pub objects: Vec<ObjectName>,
    /// The proof.
    pub evidence: Vec<Evidence>,
    /// The repairs, the best one first.
    pub fix: Vec<Fix>,
    /// Findings that only follow from this one; told under it, never beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<Finding>,
    /// Where the rule is documented.
    pub docs: String,
    /// The verdict on an HPA whose worst finding this is.
    #[serde(skip)]
    pub verdict: Verdict,
    /// What is at fault, where it is something that HPAs share, for example an `APIService` or a right. Findings of
    /// one code that name the same are one cause.
    #[serde(skip)]
    pub shared: Option<String>,
    /// Whether it tells of a trap and not why the replicas are what they are: it stands beside the answer.
    #[serde(skip)]
    pub hint: bool,
}

/// A finding is put together step by step, in the order in which it is read.
impl Finding {
    /// Names an object at fault.
    #[must_use]
    pub(super) fn object(mut self, kind: &str, namespace: &str, name: &str) -> Self {
        self.objects.push(ObjectName {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            container: None,
        });
        self
    }

    /// Names a container at fault.
    #[must_use]
    pub(super) fn container(mut self, kind: &str, namespace: &str, name: &str, container: &str) -> Self {
        self.objects.push(ObjectName {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            container: Some(container.to_owned()),
        });
        self
    }

    /// Adds a step of the proof that was read from the cluster.
    #[must_use]
    pub(super) fn saw(
        self,
        what: impl Into<String>,
        value: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        self.evidence(what, value, source, EvidenceStatus::Observed)
    }

    /// Adds a step of the proof that rests on an assumption.
    #[must_use]
    pub(super) fn estimates(
        self,
        what: impl Into<String>,
        value: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        self.evidence(what, value, source, EvidenceStatus::Estimated)
    }

    /// Adds a step of the proof that is missing because it could not be read.
    #[must_use]
    pub(super) fn could_not_read(self, fact: &NotReadable) -> Self {
        let value = format!("not readable: {}", fact.why);
        let source = fact.needs.clone().unwrap_or_default();
        self.evidence(fact.what.clone(), value, source, EvidenceStatus::NotReadable)
    }

    fn evidence(
        mut self,
        what: impl Into<String>,
        value: impl Into<String>,
        source: impl Into<String>,
        status: EvidenceStatus,
    ) -> Self {
        self.evidence.push(Evidence {
            what: what.into(),
            value: value.into(),
            source: source.into(),
            status,
        });
        self
    }

    /// Adds a repair that is a command.
    #[must_use]
    pub(super) fn fix(
        mut self,
        title: impl Into<String>,
        command: impl Into<String>,
        changes: impl Into<String>,
    ) -> Self {
        self.fix.push(Fix {
            title: title.into(),
            command: Some(command.into()),
            changes: changes.into(),
        });
        self
    }

    /// Adds a repair for which no command can be given.
    #[must_use]
    pub(super) fn advice(mut self, title: impl Into<String>, changes: impl Into<String>) -> Self {
        self.fix.push(Fix {
            title: title.into(),
            command: None,
            changes: changes.into(),
        });
        self
    }

    /// Lowers the confidence; it is never raised.
    #[must_use]
    pub(super) fn at_most(mut self, confidence: Confidence) -> Self {
        self.confidence = self.confidence.min(confidence);
        self
    }

    /// Sets the verdict where it does not follow from the severity.
    #[must_use]
    pub(super) fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    /// Says that it does not tell why the replicas are what they are, where it is an info.
    #[must_use]
    pub(super) fn hint(mut self) -> Self {
        self.hint = self.severity == Severity::Info;
        self
    }

    /// Names what is at fault, where it is something that HPAs share.
    #[must_use]
    pub(super) fn shared(mut self, what: &str) -> Self {
        self.shared = Some(what.to_owned());
        self
    }
}
