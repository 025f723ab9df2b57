//! The objects that `up` applies, in the order in which they are applied.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::manifest::Manifest;
use super::names::Names;
use super::source::ModelSource;
use super::{GRPC_PORT, MANAGED_BY, MANAGER, REST_PORT};
use crate::facts::{Quantity, Resources};

/// The pod template's annotation with the server's settings. The container reads them from a `ConfigMap`,
/// and a changed `ConfigMap` alone restarts no pod; a changed template does.
pub const CONFIG_ANNOTATION: &str = "tfserve.dev/config";

const CONTAINER: &str = "tf-serving";
const VOLUME: &str = "model";

/// A model to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    /// The namespace; none leaves it to whoever applies the objects.
    pub namespace: Option<String>,
    /// The names.
    pub names: Names,
    /// The name in the REST and gRPC API.
    pub model_name: String,
    /// The model's files.
    pub source: ModelSource,
    /// The image.
    pub image: String,
    /// The container's requests and limits.
    pub resources: Resources,
    /// The Service's type, for example `LoadBalancer`.
    pub service_type: String,
}

/// The Namespace of `--create-namespace`.
pub fn namespace(name: &str) -> Manifest {
    Manifest::new(json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {MANAGED_BY: MANAGER}},
    }))
}

impl Serving {
    /// The `ConfigMap`, the Deployment and the Service. `replicas` is left out where somebody else decides
    /// it.
    pub fn manifests(&self, replicas: Option<i32>) -> Vec<Manifest> {
        vec![self.config_map(), self.deployment(replicas), self.service()]
    }

    fn config_map(&self) -> Manifest {
        Manifest::new(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": self.metadata(&self.names.config_map, &[]),
            "data": {"MODEL_NAME": self.model_name, "MODEL_PATH": self.base_path()},
        }))
    }

    fn deployment(&self, replicas: Option<i32>) -> Manifest {
        let pod_labels = json!({"app": self.names.app, "version": self.names.version});
        let labels = [
            ("app", self.names.app.as_str()),
            ("version", self.names.version.as_str()),
        ];
        let mut spec = json!({
            "selector": {"matchLabels": pod_labels},
            "template": {
                "metadata": {
                    "labels": pod_labels,
                    "annotations": {CONFIG_ANNOTATION: self.settings()},
                },
                "spec": self.pod_spec(),
            },
        });
        if let Some(replicas) = replicas {
            spec["replicas"] = json!(replicas);
        }
        Manifest::new(json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": self.metadata(&self.names.deployment, &labels),
            "spec": spec,
        }))
    }

    fn pod_spec(&self) -> Value {
        let mut container = json!({
            "name": CONTAINER,
            "image": self.image,
            "args": self.arguments(),
            "envFrom": [{"configMapRef": {"name": self.names.config_map}}],
            "imagePullPolicy": "IfNotPresent",
            // The server opens its ports only after the first load of every model, so an open port is a
            // loaded model (`model_servers/server.cc`, 2.16 to 2.20).
            "readinessProbe": {
                "tcpSocket": {"port": GRPC_PORT},
                "initialDelaySeconds": 10,
                "periodSeconds": 5,
                "failureThreshold": 10,
            },
            "ports": [
                {"name": "http", "containerPort": REST_PORT, "protocol": "TCP"},
                {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
            ],
            "resources": {"requests": quantities(&self.resources.requests)},
        });
        if !self.resources.limits.is_empty() {
            container["resources"]["limits"] = quantities(&self.resources.limits);
        }
        let mut spec = json!({});
        if let Some(mount) = self.source.mount(VOLUME, &self.names.mount_path) {
            container["volumeMounts"] = json!([mount]);
        }
        if let Some(volume) = self.source.volume(VOLUME) {
            spec["volumes"] = json!([volume]);
        }
        spec["containers"] = json!([container]);
        spec
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "--model_name=$(MODEL_NAME)".to_owned(),
            "--model_base_path=$(MODEL_PATH)".to_owned(),
        ];
        // The server sizes its pools by the node's cores, and under a limit its threads then throttle each other.
        let limit = self.resources.limits.get("cpu");
        if let Some(limit) = limit.and_then(|limit| limit.milli_value().ok()) {
            let cores = (limit.saturating_add(999) / 1000).max(1);
            arguments.push(format!("--tensorflow_intra_op_parallelism={cores}"));
            arguments.push(format!("--tensorflow_inter_op_parallelism={cores}"));
        }
        arguments
    }

    fn service(&self) -> Manifest {
        Manifest::new(json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata(&self.names.app, &[("app", &self.names.app)]),
            "spec": {
                "type": self.service_type,
                "ports": [
                    {"name": "tf-serving-grpc", "port": GRPC_PORT, "protocol": "TCP"},
                    {"name": "tf-serving-http", "port": REST_PORT, "protocol": "TCP"},
                ],
                "selector": {"app": self.names.app},
            },
        }))
    }

    fn metadata(&self, name: &str, labels: &[(&str, &str)]) -> Value {
        let labels: BTreeMap<&str, &str> = labels.iter().copied().chain([(MANAGED_BY, MANAGER)]).collect();
        let mut metadata = json!({"name": name, "labels": labels});
        if let Some(namespace) = &self.namespace {
            metadata["namespace"] = json!(namespace);
        }
        metadata
    }

    fn base_path(&self) -> &str {
        self.source.base_path(&self.names.mount_path)
    }

    fn settings(&self) -> String {
        format!("MODEL_NAME={} MODEL_PATH={}", self.model_name, self.base_path())
    }
}

fn quantities(of: &BTreeMap<String, Quantity>) -> Value {
    json!(
        of.iter()
            .map(|(name, quantity)| (name, &quantity.0))
            .collect::<BTreeMap<_, _>>()
    )
}

#[cfg(test)]
#[path = "manifests_test.rs"]
mod tests;
