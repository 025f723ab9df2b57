//! What a container that runs TensorFlow Serving was told, as far as a rule reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The flags whose values are kept. Arguments may hold secrets, so that nothing else of them is.
pub(crate) const FLAGS_KEPT: &[&str] = &[
    "enable_batching",
    "enable_grpc_healthcheck_service",
    "file_system_poll_wait_seconds",
    "grpc_max_threads",
    "load_retry_interval_micros",
    "max_num_load_retries",
    "model_base_path",
    "model_config_file",
    "model_name",
    "monitoring_config_file",
    "port",
    "rest_api_num_threads",
    "rest_api_port",
    "tensorflow_inter_op_parallelism",
    "tensorflow_intra_op_parallelism",
    "tensorflow_session_parallelism",
];

/// How a container was recognised as TensorFlow Serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Recognised {
    /// Its image is `…/tensorflow/serving` or `…/tensorflow-serving`, and its entry point is the image's.
    Image,
    /// It runs `tensorflow_model_server`.
    Command,
    /// It has flags and a port that no other server has together.
    Flags,
}

/// A container that runs TensorFlow Serving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServingContainer {
    /// How it was recognised.
    pub recognised: Recognised,
    /// The flags that rules read, without their dashes; a reference such as `$(MODEL_NAME)` as it is written.
    #[serde(default)]
    pub flags: BTreeMap<String, String>,
    /// Whether something else starts the server, a shell for example: an argument more need not reach it, and it
    /// need not be the container's first process, which alone is free to ignore a signal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wrapped: bool,
    /// Whether the container has `args`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_args: bool,
    /// `ports`, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub named_ports: BTreeMap<String, i32>,
    /// `readinessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Probe>,
    /// `livenessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Probe>,
    /// `startupProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Probe>,
    /// Its mounts of `hostPath` volumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_paths: Vec<HostPath>,
}

/// A directory of the node in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostPath {
    /// Where the container sees it.
    pub mount: String,
    /// Where it is on the node.
    pub path: String,
}

/// What a probe asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeKind {
    /// `httpGet`.
    HttpGet,
    /// `tcpSocket`.
    TcpSocket,
    /// `grpc`.
    Grpc,
    /// `exec`.
    Exec,
}

/// A probe; its command and its headers are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// What it asks.
    pub kind: ProbeKind,
    /// The path of an `httpGet`, without its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The port's number; none where it has a name that the container does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// `initialDelaySeconds`.
    #[serde(default)]
    pub initial_delay_seconds: i32,
    /// `periodSeconds`.
    pub period_seconds: i32,
    /// `failureThreshold`.
    pub failure_threshold: i32,
}

impl Probe {
    /// How long it may fail from the container's start on before it has failed for good, in seconds.
    pub fn allows_seconds(&self) -> i64 {
        i64::from(self.initial_delay_seconds)
            + i64::from(self.period_seconds) * i64::from(self.failure_threshold)
    }
}

impl ServingContainer {
    /// Whether a flag has a value other than 0.
    pub fn sets(&self, flag: &str) -> bool {
        self.flags.get(flag).is_some_and(|value| value != "0")
    }

    /// Whether a flag that is true or false is true.
    pub fn is_on(&self, flag: &str) -> bool {
        self.flags
            .get(flag)
            .is_some_and(|value| matches!(value.as_str(), "" | "true" | "1"))
    }
}
