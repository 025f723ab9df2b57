//! The `HorizontalPodAutoscaler` (autoscaling/v2) and its events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{FieldWriter, Quantity};

/// The name of an object that a field refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReference {
    /// For example `apps/v1`; empty for the core group's `v1` left out.
    #[serde(default)]
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// The object's name, in the HPA's namespace.
    pub name: String,
}

impl ObjectReference {
    /// Whether two references name one object: the controller takes whichever version of the group is served.
    pub fn is_same(&self, other: &Self) -> bool {
        let same_kind = self.kind.eq_ignore_ascii_case(&other.kind);
        same_kind && self.name == other.name && self.group() == other.group()
    }

    /// The group of the apiVersion; empty for the core.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// A `HorizontalPodAutoscaler`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hpa {
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    #[serde(default)]
    pub uid: String,
    /// `metadata.creationTimestamp`.
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
    /// `metadata.generation`; filled from 1.37 on.
    #[serde(default)]
    pub generation: Option<i64>,
    /// `status.observedGeneration`; filled from 1.37 on.
    #[serde(default)]
    pub observed_generation: Option<i64>,
    /// `spec.scaleTargetRef`.
    pub target: ObjectReference,
    /// `spec.minReplicas`; the API's default is 1.
    #[serde(default)]
    pub min_replicas: Option<i32>,
    /// `spec.maxReplicas`.
    pub max_replicas: i32,
    /// `spec.metrics`, in order: `status.currentMetrics` is aligned with it by index.
    #[serde(default)]
    pub metrics: Vec<MetricSpec>,
    /// Whether nobody wrote `spec.metrics`, so that the one of cpu is the API's default; false where that is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub metrics_defaulted: bool,
    /// `spec.behavior`, as the API server defaulted it.
    #[serde(default)]
    pub behavior: Option<Behavior>,
    /// `status.currentReplicas`: the scale's `spec.replicas` at the last sync, not the running pods.
    #[serde(default)]
    pub current_replicas: Option<i32>,
    /// `status.desiredReplicas`.
    #[serde(default)]
    pub desired_replicas: i32,
    /// `status.lastScaleTime`.
    #[serde(default)]
    pub last_scale_time: Option<DateTime<Utc>>,
    /// `status.currentMetrics`; an entry whose metric failed has an empty `type` (1.29 and later).
    #[serde(default)]
    pub current_metrics: Vec<MetricStatus>,
    /// `status.conditions`.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// When the controller last changed any value of the status: the time of the `managedFields` entry
    /// with subresource `status`. The controller writes the status only when something in it changed.
    #[serde(default)]
    pub status_changed_at: Option<DateTime<Utc>>,
    /// When the spec last changed: the newest `managedFields` entry that holds a part of it.
    #[serde(default)]
    pub spec_changed_at: Option<DateTime<Utc>>,
    /// The object that this HPA is written from, for example a `ScaledObject`: its owner with `controller: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeper: Option<ObjectReference>,
    /// Who wrote `minReplicas` or `maxReplicas`, from `managedFields`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_writers: Vec<FieldWriter>,
    /// The limits in the manifest that `kubectl apply` applied last, from its annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_limits: Option<Limits>,
    /// Who delivers it from a repository or a chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_by: Option<Delivery>,
}

/// `minReplicas` and `maxReplicas`, where a manifest has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// `spec.minReplicas`.
    pub min_replicas: Option<i32>,
    /// `spec.maxReplicas`.
    pub max_replicas: Option<i32>,
}

/// Who writes an object from its source: what is changed on the cluster alone does not last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Delivery {
    /// For example `Argo CD application shop` or `Helm release shop`.
    pub by: String,
    /// Whether it compares the object with its source by itself, and not only when somebody upgrades.
    pub reconciles: bool,
}

impl Hpa {
    /// `minReplicas` with the API's default.
    pub fn effective_min_replicas(&self) -> i32 {
        self.min_replicas.unwrap_or(1)
    }

    /// Whether it is not written yet: every object that was has a uid.
    pub fn is_planned(&self) -> bool {
        self.uid.is_empty() && self.created_at.is_none() && self.conditions.is_empty()
    }

    /// Whether the controller has read the scale of the target once: a status of failures alone has no replicas, and that of
    /// another target is from an older generation.
    pub fn has_read_its_scale(&self) -> bool {
        let of_this = self
            .observed_generation
            .is_none_or(|seen| self.generation.is_none_or(|newest| seen >= newest));
        of_this
            && (self.last_scale_time.is_some() || self.current_replicas.is_some_and(|replicas| replicas > 0))
    }

    /// The condition of a type, for example `ScalingActive`.
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }
}

/// `spec.metrics[]`. The type is a free string, because a future one must not make the HPA unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricSpec {
    /// `Resource`, `ContainerResource`, `Pods`, `Object` or `External`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The resource's or the metric's name, for example `cpu`.
    #[serde(default)]
    pub name: String,
    /// The container of a `ContainerResource` metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The described object of an `Object` metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectReference>,
    /// `metric.selector`, in its serialized form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// What the controller aims at.
    pub target: MetricTarget,
}

/// `spec.metrics[].*.target`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MetricTarget {
    /// Percent of the request, averaged over the pods.
    AverageUtilization(i32),
    /// A value for each pod.
    AverageValue(Quantity),
    /// A value for the whole.
    Value(Quantity),
    /// None of them: the spec is invalid.
    None,
}

/// `status.currentMetrics[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricStatus {
    /// As in the spec; empty when this metric failed in the last sync (1.29 and later).
    #[serde(rename = "type", default)]
    pub type_: String,
    /// The resource's or the metric's name.
    #[serde(default)]
    pub name: String,
    /// The values.
    #[serde(default)]
    pub current: MetricValue,
}

/// `status.currentMetrics[].*.current`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricValue {
    /// Percent of the request.
    pub average_utilization: Option<i32>,
    /// Per pod.
    pub average_value: Option<Quantity>,
    /// The whole.
    pub value: Option<Quantity>,
}

/// A condition of an HPA, an `APIService` or a Deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// For example `ScalingActive`.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// For example `FailedGetResourceMetric`.
    #[serde(default)]
    pub reason: String,
    /// The controller's text.
    #[serde(default)]
    pub message: String,
    /// When the *status* last flipped; a new reason does not move it.
    #[serde(default)]
    pub last_transition_time: Option<DateTime<Utc>>,
}

/// `spec.behavior`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Behavior {
    /// Rules for growing.
    pub scale_up: Option<ScalingRules>,
    /// Rules for shrinking.
    pub scale_down: Option<ScalingRules>,
}

/// `spec.behavior.scaleUp` or `.scaleDown`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalingRules {
    /// Seconds.
    pub stabilization_window_seconds: Option<i32>,
    /// Which policy wins; the API's default is `Max`.
    pub select_policy: Option<SelectPolicy>,
    /// The policies.
    pub policies: Vec<ScalingPolicy>,
    /// A ratio (0.1 is ten percent), 1.33 and later.
    pub tolerance: Option<Quantity>,
}

/// `selectPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelectPolicy {
    /// The biggest change.
    Max,
    /// The smallest change.
    Min,
    /// No change in this direction.
    Disabled,
}

/// One scaling policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicy {
    /// What `value` counts.
    #[serde(rename = "type")]
    pub type_: ScalingPolicyType,
    /// Pods or percent.
    pub value: i32,
    /// Seconds.
    pub period_seconds: i32,
}

/// `policies[].type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScalingPolicyType {
    /// A number of pods.
    Pods,
    /// Percent of the current replicas.
    Percent,
}

/// An event about another object of the namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectEvent {
    /// The object's kind.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The event.
    pub event: Event,
}

/// An event about the HPA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub type_: String,
    /// For example `FailedGetResourceMetric`.
    pub reason: String,
    /// The controller's text.
    pub message: String,
    /// How often it was seen.
    pub count: i32,
    /// When first.
    #[serde(default)]
    pub first_seen: Option<DateTime<Utc>>,
    /// When last.
    #[serde(default)]
    pub last_seen: Option<DateTime<Utc>>,
}
