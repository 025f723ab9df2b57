//! What a rule is, and what it may look at.

use super::{Confidence, Finding, Severity, Verdict};
use crate::facts::{ClusterFacts, HpaFacts};
use crate::hpa::replicas::{Controller, Recommendation};
use crate::hpa::symptoms::Symptoms;
use chrono::{DateTime, Utc};

/// The controller's order of work; the earliest failing stage holds the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// 1xx: the scale target and its scale.
    Target,
    /// 2xx: the selector.
    Selector,
    /// 3xx: the metrics API and what is behind it.
    MetricsPipeline,
    /// 4xx: requests of the pods' containers.
    Requests,
    /// 5xx: the pods that count.
    Pods,
    /// 6xx: arithmetic, limits and time.
    Arithmetic,
    /// 7xx: somebody else.
    Others,
    /// 8xx: TensorFlow Serving.
    Serving,
    /// 9xx: what could not be read, or is not known.
    Unknown,
}

/// Everything that a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What all HPAs share.
    pub cluster: &'a ClusterFacts,
    /// This HPA.
    pub facts: &'a HpaFacts,
    /// What the controller says of it.
    pub said: &'a Symptoms,
    /// The controller's settings, as far as they can be known.
    pub controller: &'a Controller,
    /// The controller's arithmetic on the live state.
    pub recommendation: Option<&'a Recommendation>,
    /// The same, where it rests on values of the status that the last sync contradicts: rules have none then.
    pub set_aside: Option<&'a Recommendation>,
    /// When the facts were read.
    pub now: DateTime<Utc>,
}

/// One cause.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// For example `TFS301`.
    pub code: &'static str,
    /// For example `metrics-api-not-registered`.
    pub name: &'static str,
    /// Where in the controller's work it lies.
    pub stage: Stage,
    /// The head of the rule's file, which is its documentation: `documentation!`.
    pub source: &'static str,
    /// The codes of findings that merely follow from this one where both are found.
    pub explains: &'static [&'static str],
    /// The facts that its proof rests on; one that could not be read lowers the confidence.
    pub needs: &'static [Need],
    /// Looks for the cause.
    pub check: fn(&Case<'_>) -> Option<Finding>,
}

/// A fact that a proof rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The scale target itself, with its template.
    Target,
    /// Its scale subresource.
    Scale,
    /// The pods that match the selector.
    Pods,
    /// Their samples.
    PodMetrics,
    /// The `APIService` of the resource metrics API.
    ApiService,
    /// What answers behind it.
    MetricsServer,
    /// The log of what answers behind it.
    MetricsServerLog,
    /// The other HPAs of the namespace.
    SameTarget,
    /// custom.metrics.k8s.io.
    CustomMetrics,
    /// external.metrics.k8s.io.
    ExternalMetrics,
    /// The log of TensorFlow Serving in a pod that has never been ready.
    ServingLog,
    /// The `ScaledObject` that the HPA is written from.
    ScaledObject,
}

impl Rule {
    /// Starts a finding of this rule. Errors break an HPA, warnings limit it and infos leave it healthy;
    /// a rule says where that is not so.
    pub(super) fn finding(
        &self,
        severity: Severity,
        title: impl Into<String>,
        cause: impl Into<String>,
    ) -> Finding {
        Finding {
            code: self.code,
            name: self.name,
            severity,
            title: title.into(),
            cause: cause.into(),
            confidence: Confidence::Proven,
            objects: Vec::new(),
            evidence: Vec::new(),
            fix: Vec::new(),
            consequences: Vec::new(),
            docs: format!("docs/rules/{}.md", self.code),
            verdict: match severity {
                Severity::Error => Verdict::Broken,
                Severity::Warning => Verdict::Limited,
                Severity::Info => Verdict::Healthy,
            },
            shared: None,
            hint: false,
        }
    }

    /// The documentation of the rule as Markdown.
    pub fn documentation(&self) -> String {
        let mut text = String::new();
        for line in self.source.lines().filter_map(|line| line.strip_prefix("//!")) {
            text.push_str(line.strip_prefix(' ').unwrap_or(line));
            text.push('\n');
        }
        text
    }
}

/// The lines `//!` that a rule's file begins with, cut out when it is compiled: the binary carries the documentation of
/// its rules and not their code.
macro_rules! documentation {
    ($file:literal) => {{
        const FILE: &str = include_str!($file);
        const HEAD: [u8; $crate::diagnosis::rule::head_length(FILE)] = $crate::diagnosis::rule::head(FILE);
        const {
            match str::from_utf8(&HEAD) {
                Ok(head) => head,
                Err(_) => unreachable!(),
            }
        }
    }};
}
pub(super) use documentation;

/// In bytes.
pub(super) const fn head_length(file: &str) -> usize {
    let bytes = file.as_bytes();
    let mut at = 0;
    while at + 3 < bytes.len() && bytes[at] == b'/' && bytes[at + 1] == b'/' && bytes[at + 2] == b'!' {
        while at < bytes.len() && bytes[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    at
}

/// The first `LENGTH` bytes.
pub(super) const fn head<const LENGTH: usize>(file: &str) -> [u8; LENGTH] {
    let bytes = file.as_bytes();
    let mut head = [0; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        head[at] = bytes[at];
        at += 1;
    }
    head
}
