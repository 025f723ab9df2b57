//! What was read from the cluster, in types of our own.
//!
//! [`Facts`] is the only thing that the pure rooms (`hpa`, `diagnosis`, `output`) know of a cluster. The
//! same value is the saved bug report (`--save-facts`), the offline input (`--facts`) and the test fixture,
//! so it holds no environment values, no secrets and no annotations beyond those that a rule reads.

mod controller;
mod hpa;
mod metrics_pipeline;
mod others;
mod quantity;
mod rollout;
mod room;
mod serving;
mod target_lookup;
mod workload;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use controller::{HpaController, Lease, Webhook};
pub use hpa::{
    Behavior, Condition, Delivery, Event, Hpa, Limits, MetricSpec, MetricStatus, MetricTarget, MetricValue,
    ObjectEvent, ObjectReference, ScalingPolicy, ScalingPolicyType, ScalingRules, SelectPolicy,
};
pub use metrics_pipeline::{AdapterApi, ApiService, LogLine, MetricSample, MetricsServer, ServiceReference};
pub use others::{LimitRange, Rival, ScaledObject, Successor};
pub use quantity::{ParseQuantityError, Quantity, QuantityFormat};
pub use rollout::{LastWords, PodEvent, Rollout};
pub use room::{FoundObject, NodeRoom, Nodes, Quota, Toleration, pod_requests};
pub(crate) use serving::FLAGS_KEPT;
pub use serving::{HostPath, Probe, ProbeKind, Recognised, ServingContainer};
pub use target_lookup::{Alternatives, Definition, ScalePaths, ServedKind};
pub(crate) use workload::{ARGO_ROLLOUTS, FLAGGER};
pub use workload::{
    Container, ContainerEnd, ContainerUsage, FieldWriter, Owner, Pod, PodMetrics, PodTemplate, Resources,
    Scale, ScaleTarget, UpdateStrategy, longest_pending,
};

/// The version of the facts format.
pub const API_VERSION: &str = "tfserve.dev/v1";
/// How many series of a metric are kept that is read without its selector.
pub const SERIES_KEPT: usize = 500;
/// The kind that marks a facts file.
pub const KIND: &str = "HpaFacts";

/// One thing that was asked of the cluster: the answer, the certainty that it does not exist, or why it
/// could not be read. Not being allowed to read is never the same as absence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// The API server said that it does not exist.
    Absent,
    /// It could not be read.
    NotReadable(NotReadable),
}

/// Why a fact is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotReadable {
    /// What was asked, for example `pods in namespace tf-serving`.
    pub what: String,
    /// What came back, for example the API server's `forbidden` sentence.
    pub why: String,
    /// The right that is missing, for example `list pods`, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
}

impl NotReadable {
    /// What `why` begins with where nothing was asked because many HPAs were asked about at a time.
    pub const LEFT_OUT: &'static str = "left out among many HPAs";

    /// Whether asking about the HPA alone would read it.
    pub fn is_left_out(&self) -> bool {
        self.why.starts_with(Self::LEFT_OUT)
    }
}

impl<T> Fact<T> {
    /// The value, where it was read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::NotReadable(_) => None,
        }
    }

    /// Whether the API server said that it does not exist.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Why it could not be read, where that is so.
    pub fn not_readable(&self) -> Option<&NotReadable> {
        match self {
            Self::NotReadable(reason) => Some(reason),
            Self::Known(_) | Self::Absent => None,
        }
    }
}

impl HpaFacts {
    /// What the API of the metric at an index says of it, where it was asked.
    pub fn metric_value(&self, index: usize) -> Option<&Fact<Vec<MetricSample>>> {
        self.metric_values.get(index).filter(|fact| !never_asked(*fact))
    }

    /// What the API of the metric at an index says without the metric's selector, where it was asked.
    pub fn unselected_value(&self, index: usize) -> Option<&Fact<Vec<MetricSample>>> {
        self.unselected_values
            .get(index)
            .filter(|fact| !never_asked(*fact))
    }
}

/// Whether a fact was not asked for: the file then says nothing of it.
fn never_asked<T: PartialEq>(fact: &Fact<T>) -> bool {
    *fact == Fact::default()
}

/// A fact that was never asked for.
impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self::NotReadable(NotReadable {
            what: "this fact".to_owned(),
            why: "it was not asked for".to_owned(),
            needs: None,
        })
    }
}

/// Everything that was read in one run, at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Always [`API_VERSION`].
    pub api_version: String,
    /// Always [`KIND`].
    pub kind: String,
    /// When the cluster was read, by this machine's clock.
    pub observed_at: DateTime<Utc>,
    /// What all HPAs share.
    pub cluster: ClusterFacts,
    /// One entry a `HorizontalPodAutoscaler`, in the order of namespace and name.
    pub hpas: Vec<HpaFacts>,
}

/// What all HPAs of a cluster share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterFacts {
    /// The API server's `gitVersion`, for example `v1.37.2`.
    pub version: Fact<String>,
    /// `APIService` `v1beta1.metrics.k8s.io`.
    pub resource_metrics_api: Fact<ApiService>,
    /// What answers behind that `APIService`; where there is no `APIService`, a Deployment called
    /// `metrics-server` in any namespace.
    pub metrics_server: Fact<MetricsServer>,
    /// custom.metrics.k8s.io, asked only where a `Pods` or `Object` metric fails. `Absent` when no adapter serves it.
    #[serde(skip_serializing_if = "never_asked")]
    pub custom_metrics_api: Fact<AdapterApi>,
    /// external.metrics.k8s.io, asked only where an `External` metric fails. `Absent` when no adapter serves it.
    #[serde(skip_serializing_if = "never_asked")]
    pub external_metrics_api: Fact<AdapterApi>,
    /// The HPA controller itself, asked for only where an HPA is not looked after.
    #[serde(skip_serializing_if = "never_asked")]
    pub hpa_controller: Fact<HpaController>,
    /// The admission webhooks that the HPAs' messages name, asked for only where there is one.
    #[serde(skip_serializing_if = "never_asked")]
    pub webhooks: Fact<Vec<Webhook>>,
}

/// What was read about one HPA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HpaFacts {
    /// The object itself.
    pub hpa: Hpa,
    /// The object that `scaleTargetRef` names.
    #[serde(default)]
    pub target: Fact<ScaleTarget>,
    /// Its scale subresource.
    #[serde(default)]
    pub scale: Fact<Scale>,
    /// All pods that match the scale's selector: what the controller sees, whoever owns them.
    #[serde(default)]
    pub pods: Fact<Vec<Pod>>,
    /// What the resource metrics API says of those pods. `Absent` when the API is not served.
    #[serde(default)]
    pub pod_metrics: Fact<Vec<PodMetrics>>,
    /// What the APIs of `Pods`, `Object` and `External` metrics say, one entry a metric in the order of the spec; a
    /// metric that was not asked for is not readable. Empty where the HPA has no such metric.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metric_values: Vec<Fact<Vec<MetricSample>>>,
    /// What the same APIs say where the metric's selector is left out, in the same order, of a metric at most
    /// [`SERIES_KEPT`] series; asked for only where nothing matches the selector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unselected_values: Vec<Fact<Vec<MetricSample>>>,
    /// Events about this very object (same uid), oldest first.
    #[serde(default)]
    pub events: Fact<Vec<Event>>,
    /// Events `FailedCreate` about the scale target, oldest first; asked for only where a `StatefulSet` has fewer
    /// pods than it asks for.
    #[serde(default)]
    pub target_events: Fact<Vec<Event>>,
    /// The events about what a pod of the scale target waits for, oldest first: about the pod itself where it has had a node
    /// for long or finds none, about its claims where the scheduler waits for their volumes; asked for only there.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub pending_events: Fact<Vec<ObjectEvent>>,
    /// The telling lines of the log of TensorFlow Serving in a pod that has never been ready; asked for only there.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub serving_log: Fact<Vec<LogLine>>,
    /// The names of other HPAs in the namespace that name the same scale target.
    #[serde(default)]
    pub same_target: Fact<Vec<String>>,
    /// What writes them, by the names of those that are written from something else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub same_target_keepers: BTreeMap<String, ObjectReference>,
    /// Other HPAs of the namespace with another scale target, whose pods and this one's are partly the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<Rival>,
    /// The `ScaledObject` that the HPA is written from, asked for only where something is wrong.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub scaled_object: Fact<ScaledObject>,
    /// What works in place of a target that Flagger or Argo Rollouts has scaled to zero, asked for only there.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub successor: Fact<Successor>,
    /// What `scaleTargetRef` may have meant, asked for only where it names nothing.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub alternatives: Fact<Alternatives>,
    /// The definition of a custom resource, asked for only where its scale or the scale's selector is missing.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub definition: Fact<Definition>,
    /// The `LimitRange`s of the namespace, asked for only where the controller misses a request.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub limit_ranges: Fact<Vec<LimitRange>>,
    /// The `ResourceQuota`s of the namespace, asked for only before an HPA is written and where one refused the target's pods.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub quotas: Fact<Vec<Quota>>,
    /// The object that the refusal of the target's pods says does not exist: a `ServiceAccount`, `PriorityClass` or
    /// `RuntimeClass`; asked for only there, `Absent` while that is so.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub missed_object: Fact<FoundObject>,
    /// The nodes that take the target's pods, asked for only before an HPA is written.
    #[serde(default, skip_serializing_if = "never_asked")]
    pub nodes: Fact<Nodes>,
}
