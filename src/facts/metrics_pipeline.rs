//! The way from a kubelet to the HPA: the `APIService` and what answers behind it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Condition, Fact, Pod};

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

/// What answers for metrics.k8s.io.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricsServer {
    /// Its namespace.
    pub namespace: String,
    /// The Deployment's name where it is known, else the Service's.
    pub name: String,
    /// The replicas that its Deployment asks for, where it was read.
    #[serde(default)]
    pub replicas: Option<i32>,
    /// Its pods.
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
