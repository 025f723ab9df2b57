//! The only list of rules.

use super::{Finding, rules};
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
    /// The rule file's own text: the documentation of the rule.
    pub doc: &'static str,
    /// Looks for the cause.
    pub check: fn(&Case<'_>) -> Option<Finding>,
}

/// All rules, in the order of their codes.
pub const RULES: &[Rule] = &[];

/// The rule with a code, in any case: `tfs301`.
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code.eq_ignore_ascii_case(code))
}
