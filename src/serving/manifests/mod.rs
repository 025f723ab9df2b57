//! The objects that `up` applies, in the order in which they are applied.

mod files;
mod pod;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::batching::Batching;
use super::manifest::Manifest;
use super::models_config::ModelsConfig;
use super::names::Names;
use super::source::ModelSource;
use super::{GRPC_PORT, MANAGED_BY, MANAGER, REST_PORT};
use crate::facts::{Quantity, Resources};

/// The pod template's annotation with the server's settings. The container reads them from a `ConfigMap`,
/// and a changed `ConfigMap` alone restarts no pod; a changed template does.
pub const CONFIG_ANNOTATION: &str = "tfserve.dev/config";
/// The image, where none is named.
pub const IMAGE: &str = "tensorflow/serving:2.20.0";
/// The image for GPUs, where none is named.
pub const GPU_IMAGE: &str = "tensorflow/serving:2.20.0-gpu";
/// The image that copies a model out of an object store.
pub const STAGING_IMAGE: &str = "amazon/aws-cli:2.22.35";
/// The resource of NVIDIA's device plugin.
pub const GPU: &str = "nvidia.com/gpu";
/// Where the server's metrics are, on the REST port.
pub const METRICS_PATH: &str = "/monitoring/prometheus/metrics";

/// A model, or several, to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    /// The namespace; none leaves it to whoever applies the objects.
    pub namespace: Option<String>,
    /// The names.
    pub names: Names,
    /// What is served.
    pub models: Models,
    /// The models' files; none where a models config names buckets alone.
    pub source: Option<ModelSource>,
    /// Whether a source that is an image is mounted as a volume, beside the server's own image.
    pub image_volume: bool,
    /// The server's image.
    pub image: String,
    /// The container's requests and limits.
    pub resources: Resources,
    /// How an object store is copied.
    pub staging: Staging,
    /// Batching, where it is on.
    pub batching: Option<Batching>,
    /// `terminationGracePeriodSeconds`.
    pub grace_period: u64,
    /// How long a load may take, seconds.
    pub load_timeout: u64,
    /// The user that the server runs as; none is what fits the source.
    pub run_as_user: Option<i64>,
    /// The pods' account; none is the namespace's default.
    pub service_account: Option<String>,
    /// The Service's type, for example `LoadBalancer`.
    pub service_type: String,
}

/// What one server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Models {
    /// One model, by its name in the REST and gRPC API.
    One(String),
    /// All that a file names.
    File(ModelsConfig),
}

/// How a model is copied out of an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staging {
    /// The image of the init container: it has the AWS command line.
    pub image: String,
    /// A Secret with the credentials as environment, for example `AWS_ACCESS_KEY_ID`.
    pub secret: Option<String>,
    /// The store's address, where it is not AWS.
    pub endpoint: Option<String>,
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

    /// The models' names in the API.
    pub fn model_names(&self) -> Vec<&str> {
        match &self.models {
            Models::One(name) => vec![name],
            Models::File(config) => config.models.iter().map(|model| model.name.as_str()).collect(),
        }
    }

    /// What `MODEL_PATH` is: where the server looks for versions, or where the volume of several models is.
    pub fn base_path(&self) -> String {
        let mounted = &self.names.mount_path;
        match &self.source {
            Some(ModelSource::CloudStorage(url)) => url.clone(),
            Some(ModelSource::Image { directory, .. }) => {
                let directory = directory
                    .clone()
                    .unwrap_or_else(|| format!("/models/{}", self.model_names().first().unwrap_or(&"model")));
                if self.image_volume {
                    format!("{mounted}{}", directory.trim_end_matches('/'))
                } else {
                    directory
                }
            }
            _ => mounted.clone(),
        }
    }

    /// The cores that the container may use, whole ones: its limit, else its request.
    pub fn cores(&self) -> u64 {
        let of = |quantities: &BTreeMap<String, Quantity>| quantities.get("cpu")?.milli_value().ok();
        let milli = of(&self.resources.limits).or_else(|| of(&self.resources.requests));
        let milli = u64::try_from(milli.unwrap_or_default()).unwrap_or_default();
        milli.div_ceil(1000).max(1)
    }

    fn config_map(&self) -> Manifest {
        Manifest::new(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": self.metadata(&self.names.config_map, &self.names.deployment, &[]),
            "data": self.data(),
        }))
    }

    fn deployment(&self, replicas: Option<i32>) -> Manifest {
        let selector = json!({"app": self.names.app, "version": self.names.version});
        let labels = [
            ("app", self.names.app.as_str()),
            ("version", self.names.version.as_str()),
        ];
        let pod_labels = self.labels(&self.names.deployment, &labels);
        let mut spec = json!({
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {
                    "labels": pod_labels,
                    "annotations": {
                        CONFIG_ANNOTATION: self.settings(),
                        "prometheus.io/scrape": "true",
                        "prometheus.io/port": REST_PORT.to_string(),
                        "prometheus.io/path": METRICS_PATH,
                    },
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
            "metadata": self.metadata(&self.names.deployment, &self.names.deployment, &labels),
            "spec": spec,
        }))
    }

    fn service(&self) -> Manifest {
        Manifest::new(json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata(&self.names.app, &self.names.app, &[("app", &self.names.app)]),
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

    /// The labels of the recommended scheme (kubernetes.io, "Recommended Labels") beside others.
    fn labels<'a>(&'a self, instance: &'a str, others: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, &'a str> {
        let recommended = [
            ("app.kubernetes.io/name", "tensorflow-serving"),
            ("app.kubernetes.io/instance", instance),
            ("app.kubernetes.io/part-of", &self.names.app),
        ];
        others.iter().copied().chain(recommended).collect()
    }

    /// Of an object that is applied. Pods are the `ReplicaSet`'s, so they carry no mark of ours.
    fn metadata(&self, name: &str, instance: &str, labels: &[(&str, &str)]) -> Value {
        let mut labels = self.labels(instance, labels);
        labels.insert(MANAGED_BY, MANAGER);
        let mut metadata = json!({"name": name, "labels": labels});
        if let Some(namespace) = &self.namespace {
            metadata["namespace"] = json!(namespace);
        }
        metadata
    }
}

#[cfg(test)]
mod tests;
