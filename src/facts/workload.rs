//! The scale target, its pods and what the metrics API says of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Condition, Delivery, ObjectReference, Quantity, ServingContainer, Toleration};

/// The object that an HPA scales.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScaleTarget {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.creationTimestamp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
    /// `metadata.deletionTimestamp`: it is being deleted since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// `metadata.generation`.
    pub generation: Option<i64>,
    /// `status.observedGeneration`.
    pub observed_generation: Option<i64>,
    /// Its owner with `controller: true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<ObjectReference>,
    /// `spec.replicas`, where it is a number there, wherever the scale of a custom resource reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// `status.selector` of a custom resource, where it is a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Whether a Deployment is paused.
    pub paused: bool,
    /// `spec.template`, where the kind has one.
    pub template: Option<PodTemplate>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// `spec.replicas` in the manifest that `kubectl apply` applied last, from its annotation: the next one writes it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_replicas: Option<i32>,
    /// Who wrote `spec.replicas`, from `managedFields`.
    pub replicas_writers: Vec<FieldWriter>,
    /// Who wrote anything of the spec, from `managedFields`.
    pub spec_writers: Vec<FieldWriter>,
    /// How a `StatefulSet` or a `DaemonSet` replaces its pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_strategy: Option<UpdateStrategy>,
    /// `spec.podManagementPolicy` of a `StatefulSet`: `OrderedReady` or `Parallel`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_management_policy: Option<String>,
    /// The annotations of kube-downscaler, `downscaler/uptime` and its like, which puts workloads to sleep by the clock.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sleep_marks: BTreeMap<String, String>,
    /// Who delivers it from a repository or a chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_by: Option<Delivery>,
}

impl ScaleTarget {
    /// Who owned `spec.replicas` last.
    pub fn last_replicas_writer(&self) -> Option<&FieldWriter> {
        self.replicas_writers.iter().max_by_key(|writer| writer.time)
    }
}

/// The manager as which Flagger writes.
pub(crate) const FLAGGER: &str = "flagger";
/// The manager as which the controller of Argo Rollouts writes.
pub(crate) const ARGO_ROLLOUTS: &str = "rollouts-controller";

/// `spec.updateStrategy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdateStrategy {
    /// `RollingUpdate` or `OnDelete`.
    #[serde(rename = "type")]
    pub type_: String,
    /// `rollingUpdate.partition`: the ordinals below it keep the pods that they have.
    pub partition: i64,
}

/// A manager that wrote a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldWriter {
    /// `managedFields[].manager`.
    pub manager: String,
    /// `managedFields[].operation`: `Apply` or `Update`.
    pub operation: String,
    /// `managedFields[].subresource`, for example `scale`.
    #[serde(default)]
    pub subresource: String,
    /// When it last changed one of its fields.
    #[serde(default)]
    pub time: Option<DateTime<Utc>>,
}

/// `spec.template`, as far as the HPA depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodTemplate {
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Regular and init containers.
    pub containers: Vec<Container>,
    /// `spec.resources`: pod-level requests and limits.
    pub resources: Option<Resources>,
    /// `spec.terminationGracePeriodSeconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
    /// `spec.nodeSelector`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// `spec.tolerations`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
}

/// `GET …/scale`, or the same read from the object itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scale {
    /// `spec.replicas`: what the controller calls the current replicas.
    pub spec_replicas: i32,
    /// `status.replicas`.
    pub status_replicas: i32,
    /// `status.selector`, serialized, for example `app=image-classifier,version=resnet101`.
    pub selector: String,
}

/// Requests and limits, by resource name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resources {
    /// `requests`.
    pub requests: BTreeMap<String, Quantity>,
    /// `limits`.
    pub limits: BTreeMap<String, Quantity>,
}

/// A container of a pod or a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Whether it is an init container.
    pub init: bool,
    /// Whether it is an init container with `restartPolicy: Always`, a native sidecar.
    pub restartable: bool,
    /// Its requests and limits.
    pub resources: Resources,
    /// In a pod: whether its status says ready.
    pub ready: Option<bool>,
    /// In a pod: the reason why it waits or ended, for example `ImagePullBackOff`.
    pub state_reason: Option<String>,
    /// In a pod: what it says about why it waits, for example which `ConfigMap` is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_message: Option<String>,
    /// How long its startup probe lets it start, in seconds: `initialDelaySeconds + periodSeconds × failureThreshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_seconds: Option<i64>,
    /// In a pod: whether its startup probe has succeeded; kept where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<bool>,
    /// In a pod: since when it runs; kept of init containers, which hold the others back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_since: Option<DateTime<Utc>>,
    /// In a pod: how often it was restarted.
    pub restarts: i32,
    /// In a pod: how it ended the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_end: Option<ContainerEnd>,
    /// What TensorFlow Serving was told, where the container runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving: Option<ServingContainer>,
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerEnd {
    /// For example `OOMKilled` or `Error`.
    pub reason: String,
    /// 137 is SIGKILL, 143 SIGTERM.
    pub exit_code: i32,
    /// When it had been started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Container {
    /// Whether the controller counts its request: regular containers and, from 1.29 on, native sidecars.
    pub fn counts_for_requests(&self) -> bool {
        !self.init || self.restartable
    }
}

/// The controller of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// For example `ReplicaSet`.
    pub kind: String,
    /// For example `image-classifier-resnet101-5f6d7c8b9`.
    pub name: String,
    /// Whether this pod descends from the scale target: the owner is the target itself, or a `ReplicaSet`
    /// whose controller is the target.
    pub is_scale_target: bool,
}

/// A pod that matches the scale's selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pod {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.creationTimestamp`.
    pub created_at: Option<DateTime<Utc>>,
    /// `metadata.deletionTimestamp`: it is terminating, and is killed at this time at the latest.
    pub deleted_at: Option<DateTime<Utc>>,
    /// `metadata.finalizers`: what must let go of it before it is gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
    /// `metadata.deletionGracePeriodSeconds`: how long before that it was told to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_grace_period_seconds: Option<i64>,
    /// The owner with `controller: true`.
    pub owner: Option<Owner>,
    /// `spec.schedulerName`, where it is not the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<String>,
    /// `spec.nodeName`.
    pub node: Option<String>,
    /// `spec.schedulingGates`: who must let go of it before the scheduler looks at it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scheduling_gates: Vec<String>,
    /// The names of the `PersistentVolumeClaim`s that its volumes are of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// The names of `spec.ephemeralContainers`, which `kubectl debug` adds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ephemeral_containers: Vec<String>,
    /// `status.phase`.
    pub phase: String,
    /// `status.reason`, for example `Evicted`.
    pub reason: Option<String>,
    /// `status.message`: why, where there is a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `status.startTime`.
    pub start_time: Option<DateTime<Utc>>,
    /// `status.conditions`, `Ready` and `PodScheduled` among them.
    pub conditions: Vec<Condition>,
    /// Regular and init containers.
    pub containers: Vec<Container>,
    /// `spec.resources`: pod-level requests and limits.
    pub resources: Option<Resources>,
    /// The annotation `vpaUpdates`: what VPA's admission controller changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpa_updates: Option<String>,
    /// The managers that resized the running pod, from `managedFields`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resized_by: Vec<String>,
}

impl Pod {
    /// Whether it descends from the scale target.
    pub fn is_own(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.is_scale_target)
    }

    /// Since when it has a node; where that is not known, since when it exists.
    pub fn placed_at(&self) -> Option<DateTime<Utc>> {
        let scheduled = self
            .condition("PodScheduled")
            .filter(|condition| condition.status == "True");
        scheduled
            .and_then(|condition| condition.last_transition_time)
            .or(self.created_at)
    }

    /// Whether it has had its node for so long that more than a start keeps its containers from being there.
    pub fn starts_late(&self, now: DateTime<Utc>) -> bool {
        self.phase == "Pending"
            && self
                .placed_at()
                .is_some_and(|placed| (now - placed).num_seconds() >= START_SECONDS)
    }

    /// How many seconds of its start are left to a container whose startup probe has not succeeded yet; none where no
    /// container starts within its time.
    pub fn startup_left(&self, now: DateTime<Utc>) -> Option<i64> {
        let age = (now - self.start_time?).num_seconds();
        let starting = self.containers.iter().filter(|it| it.started == Some(false));
        let left = starting
            .filter_map(|it| it.startup_seconds)
            .map(|bound| bound - age);
        left.min().filter(|left| *left > 0)
    }

    /// Whether no scheduler has looked at it, though it has been there for so long that one should have.
    pub fn is_left_alone(&self, now: DateTime<Utc>) -> bool {
        let old = |created: DateTime<Utc>| (now - created).num_seconds() >= START_SECONDS;
        self.phase == "Pending"
            && self.node.is_none()
            && self.condition("PodScheduled").is_none()
            && self.created_at.is_some_and(old)
    }

    /// Whether the scheduler has found no node for it.
    pub fn is_unschedulable(&self) -> bool {
        let scheduled = self.condition("PodScheduled");
        scheduled.is_some_and(|condition| condition.status == "False" && condition.reason == "Unschedulable")
    }

    /// The init container that runs and has to end before the containers start.
    pub fn running_init_container(&self) -> Option<&Container> {
        self.containers
            .iter()
            .find(|it| it.init && !it.restartable && it.running_since.is_some())
    }

    /// Whether the scheduler waits until its claims have volumes
    /// (`ErrReasonUnboundImmediatePersistentVolumeClaims`, `ErrReasonBindConflict` aside, and what `PreBind` says when
    /// no volume comes: `pkg/scheduler/framework/plugins/volumebinding`, v1.37).
    pub fn waits_for_claims(&self) -> bool {
        let scheduled = self.condition("PodScheduled");
        scheduled.is_some_and(|condition| {
            condition.status == "False"
                && ["unbound immediate PersistentVolumeClaims", "binding volumes"]
                    .iter()
                    .any(|words| condition.message.contains(words))
        })
    }

    /// Whether it keeps the room of a pod: it has not ended and was not told to.
    pub fn takes_room(&self) -> bool {
        self.deleted_at.is_none() && !matches!(self.phase.as_str(), "Failed" | "Succeeded")
    }

    /// The condition of a type, for example `Ready`.
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }

    /// Whether it is not ready and has not been since its start: the condition has not changed since then. A pod
    /// that was ready for a moment in its first seconds looks the same.
    pub fn has_never_been_ready(&self) -> bool {
        let Some(ready) = self.condition("Ready") else {
            return true;
        };
        let flipped = match (self.start_time, ready.last_transition_time) {
            (Some(start), Some(flipped)) => (flipped - start).num_seconds(),
            _ => 0,
        };
        ready.status != "True" && flipped < FIRST_SECONDS
    }
}

/// A pod that has a node runs within this time, unless its image is large or something is missing.
const START_SECONDS: i64 = 120;

/// The pod that waits longest for its containers, of those that have not been told to end.
pub fn longest_pending<'a>(pods: impl Iterator<Item = &'a Pod>) -> Option<&'a Pod> {
    pods.filter(|pod| pod.phase == "Pending" && pod.deleted_at.is_none())
        .min_by_key(|pod| pod.placed_at())
}

/// How long after its start a pod's condition `Ready` may be written for the first time.
const FIRST_SECONDS: i64 = 30;

/// A `PodMetrics` object of metrics.k8s.io.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodMetrics {
    /// The pod's name.
    pub name: String,
    /// When the sample was taken.
    pub timestamp: DateTime<Utc>,
    /// Over how long, in milliseconds.
    pub window_millis: i64,
    /// One entry a container that was measured.
    pub containers: Vec<ContainerUsage>,
}

/// Usage of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerUsage {
    /// The container's name.
    pub name: String,
    /// By resource name.
    pub usage: BTreeMap<String, Quantity>,
}
