//! The answer about one HPA, and the list of them: the JSON contract `tfserve.dev/v1`.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Finding, WhatIf};
use crate::facts::{NotReadable, ObjectReference};

/// The answer in one word.
///
/// The order is the rank: the verdict on an HPA is the greatest of its findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing is wrong.
    Healthy,
    /// It works and waits for a known moment.
    Waiting,
    /// It works and wants more, or less, than it may.
    Limited,
    /// The facts do not allow an answer.
    Unknown,
    /// It cannot do its work.
    Broken,
}

/// All answers of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanations {
    /// Always `tfserve.dev/v1`.
    pub api_version: &'static str,
    /// Always `HpaExplanationList`.
    pub kind: &'static str,
    /// When the facts were read.
    pub observed_at: DateTime<Utc>,
    /// The cluster.
    pub cluster: ClusterReport,
    /// One entry an HPA.
    pub items: Vec<Explanation>,
    /// What could not be read, and the right that is missing.
    pub not_readable: Vec<NotReadable>,
}

/// The cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterReport {
    /// `gitVersion`, where it was read.
    pub version: Option<String>,
}

/// The answer about one HPA.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The HPA's namespace.
    pub namespace: String,
    /// The HPA's name.
    pub name: String,
    /// Its scale target.
    pub target: ObjectReference,
    /// The TARGETS column as `kubectl get hpa` prints it, for example `cpu: <unknown>/60%`.
    pub targets: String,
    /// `minReplicas`, with its default.
    pub min_replicas: i32,
    /// `maxReplicas`.
    pub max_replicas: i32,
    /// `spec.replicas` of the scale; the last sync's value where the scale was not read.
    pub replicas: Option<i32>,
    /// The answer in one word.
    pub verdict: Verdict,
    /// The answer in one sentence.
    pub summary: String,
    /// The causes; the first is the root cause.
    pub findings: Vec<Finding>,
    /// The controller's arithmetic.
    pub recommendation: Option<RecommendationReport>,
    /// Events that do not describe the present.
    pub history: Vec<HistoryEntry>,
    /// The controller's arithmetic under the assumptions of `--what-if`, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_if: Option<WhatIf>,
}

/// [`crate::hpa::replicas::Recommendation`] as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecommendationReport {
    /// `spec.replicas` of the scale.
    pub current_replicas: i32,
    /// What the controller will decide at its next sync; none where it would decide nothing.
    pub desired_replicas: Option<i32>,
    /// What the metrics alone want, before limits and stabilization.
    pub metrics_want: Option<i32>,
    /// `status.desiredReplicas`: what the controller decided in its last sync.
    pub status_desired_replicas: i32,
    /// Whether both agree; left out where the state is not settled and they need not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agrees_with_status: Option<bool>,
    /// `maxReplicas`, `minReplicas`, `scaleUpPolicy`, `scaleDownPolicy`, `disabled`, `stabilizationWindow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<&'static str>,
    /// The stabilization window in force, where one holds the replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stabilization: Option<StabilizationReport>,
    /// The arithmetic in one sentence.
    pub sentence: String,
    /// One entry a metric.
    pub metrics: Vec<MetricReport>,
}

/// How long a stabilization window still holds, as far as it can be known from outside the controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StabilizationReport {
    /// The window's length in seconds.
    pub window_seconds: i64,
    /// Whether the length is the controller's default, because `spec.behavior` gives none.
    pub assumed_default: bool,
    /// It holds until this time at least.
    pub not_before: Option<DateTime<Utc>>,
    /// It holds until this time at most, if usage stays as it is.
    pub not_after: Option<DateTime<Utc>>,
}

/// The arithmetic of one metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricReport {
    /// The metric's type.
    #[serde(rename = "type")]
    pub type_: String,
    /// Its name.
    pub name: String,
    /// For example `426%`.
    pub current: Option<String>,
    /// For example `60%`.
    pub target: String,
    /// Where the value of a `Pods`, `Object` or `External` metric is from: `metricsApi`, or `status`, the value of the
    /// last sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<&'static str>,
    /// Current divided by target.
    pub ratio: Option<f64>,
    /// The proposed replicas.
    pub proposal: Option<i32>,
    /// The pods.
    pub pods: Vec<PodReport>,
}

/// One pod in the arithmetic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodReport {
    /// Its name.
    pub name: String,
    /// For example `2130m`.
    pub usage: Option<String>,
    /// For example `500m`.
    pub request: Option<String>,
    /// `counted`, `unready`, `missing` or `ignored`.
    pub counted: &'static str,
    /// Why.
    pub why: String,
}

/// An event of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The event's reason.
    pub reason: String,
    /// Its text.
    pub message: String,
    /// How often.
    pub count: i32,
    /// When last.
    pub last_seen: Option<DateTime<Utc>>,
    /// Why it is history.
    pub note: String,
}
