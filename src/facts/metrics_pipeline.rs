//! The way from a kubelet to the HPA: the `APIService` and what answers behind it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Condition, Fact, Pod, Quantity};

/// An `APIService` of the aggregation layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiService {
    /// For example `v1beta1.metrics.k8s.io`.
    pub name: String,
    /// `metadata.creationTimestamp`.
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
    /// `spec.service`; none for a group that the API server itself serves.
    #[serde(default)]
    pub service: Option<ServiceReference>,
    /// The condition `Available`.
    #[serde(default)]
    pub available: Option<Condition>,
    /// Whether `spec.caBundle` names an authority, where the certificate is checked at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_ca_bundle: Option<bool>,
    /// What cert-manager copies `spec.caBundle` from, by its annotations: `Certificate monitoring/adapter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_injected_from: Option<String>,
}

/// An API of the metrics family that an adapter serves: custom.metrics.k8s.io or external.metrics.k8s.io.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdapterApi {
    /// For example `custom.metrics.k8s.io/v1beta1`.
    pub group_version: String,
    /// The names of its discovery, for example `pods/http_requests`, at most some hundreds.
    #[serde(default)]
    pub metrics: Fact<Vec<String>>,
    /// Its `APIService`, asked for only where discovery fails or does not list a metric.
    #[serde(default)]
    pub registration: Fact<ApiService>,
    /// What should answer behind it, asked for only where its Service has no ready endpoint.
    #[serde(default, skip_serializing_if = "super::never_asked")]
    pub backend: Fact<MetricsServer>,
    /// Another version of the group, which lists every metric that fails: the controller asks the one that the group
    /// prefers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_over: Option<String>,
}

/// One value of a `Pods`, `Object` or `External` metric, as its own API answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricSample {
    /// The name of the pod or object that it describes; empty for a series of an `External` metric.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// The labels of a series of an `External` metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: Quantity,
    /// When it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<DateTime<Utc>>,
    /// Over how long, where the API says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_millis: Option<i64>,
}

/// A Service that an `APIService` names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its port; the API's default is 443.
    pub port: i32,
}

/// What answers for metrics.k8s.io, or for the API of an adapter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricsServer {
    /// Its namespace.
    pub namespace: String,
    /// The Deployment's name where it is known, else the Service's.
    pub name: String,
    /// The replicas that its Deployment asks for, where it was read.
    #[serde(default)]
    pub replicas: Option<i32>,
    /// How many of them its Deployment says are ready, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// The labels that its Deployment selects, where it was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// The ports of its Service, where that was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_ports: Vec<i32>,
    /// Where its Service sends to, by name or number, where that was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_ports: Vec<String>,
    /// The names and numbers of its container's ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_ports: Vec<String>,
    /// Why its pods cannot be created, in the words of its Deployment's condition `ReplicaFailure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_refused: Option<String>,
    /// Its service account, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// Its pods: those that the Service selects.
    #[serde(default)]
    pub pods: Vec<Pod>,
    /// `command` and `args` of its main container, from the newest pod, else from the Deployment.
    #[serde(default)]
    pub args: Vec<String>,
    /// The lines of its log that tell why it has no data: scrape and probe failures, newest last, at most
    /// a few dozen.
    #[serde(default)]
    pub log: Fact<Vec<LogLine>>,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// The pod that wrote it.
    pub pod: String,
    /// When, by the kubelet's timestamp.
    #[serde(default)]
    pub time: Option<DateTime<Utc>>,
    /// The text as it was written.
    pub text: String,
}
