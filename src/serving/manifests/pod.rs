//! The pod: its containers, and what they mount.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::files::DIRECTORY;
use super::{GPU, Models, Serving};
use crate::facts::Quantity;
use crate::serving::source::ModelSource;
use crate::serving::{GRPC_PORT, REST_PORT};

const CONTAINER: &str = "tf-serving";
const STAGING_CONTAINER: &str = "copy-model";
const MODEL_VOLUME: &str = "model";
const CONFIG_VOLUME: &str = "config";
/// A user that is not root; the image has files for everybody to read.
const USER: i64 = 1000;
/// Seconds between two looks at the gRPC port.
const PERIOD: u64 = 5;

impl Serving {
    pub(super) fn pod_spec(&self) -> Value {
        let mut spec = json!({
            "containers": [self.server()],
            "volumes": self.volumes(),
            "terminationGracePeriodSeconds": self.grace_period,
        });
        if let Some(copy) = self.copying() {
            spec["initContainers"] = json!([copy]);
        }
        if let Some(account) = &self.service_account {
            spec["serviceAccountName"] = json!(account);
        }
        // A directory of one node does not come along to the others.
        if !matches!(self.source, Some(ModelSource::HostPath(_))) {
            let selector = json!({"app": self.names.app, "version": self.names.version});
            spec["topologySpreadConstraints"] = json!([{
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector},
            }]);
        }
        if self.resources.limits.contains_key(GPU) {
            spec["tolerations"] = json!([{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]);
        }
        spec
    }

    fn server(&self) -> Value {
        // The server opens its ports only after the first load of every model, so an open port is a loaded
        // model (`model_servers/server.cc`, 2.16 to 2.20).
        let open = json!({"port": GRPC_PORT});
        let mut container = json!({
            "name": CONTAINER,
            "image": self.server_image(),
            "args": self.arguments(),
            "imagePullPolicy": "IfNotPresent",
            "startupProbe": {
                "tcpSocket": open,
                "periodSeconds": PERIOD,
                "failureThreshold": self.load_timeout.div_ceil(PERIOD).max(1),
            },
            "readinessProbe": {
                "tcpSocket": open,
                "initialDelaySeconds": 10,
                "periodSeconds": PERIOD,
                "failureThreshold": 10,
            },
            "ports": [
                {"name": "http", "containerPort": REST_PORT, "protocol": "TCP"},
                {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
            ],
            "resources": {"requests": quantities(&self.resources.requests)},
            "securityContext": self.security(),
            "volumeMounts": self.mounts(),
        });
        if matches!(self.models, Models::One(_)) {
            container["envFrom"] = json!([{"configMapRef": {"name": self.names.config_map}}]);
        }
        if !self.resources.limits.is_empty() {
            container["resources"]["limits"] = quantities(&self.resources.limits);
        }
        container
    }

    fn server_image(&self) -> &str {
        match &self.source {
            Some(ModelSource::Image { reference, .. }) if !self.image_volume => reference,
            _ => &self.image,
        }
    }

    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = match &self.models {
            Models::One(_) => vec![
                "--model_name=$(MODEL_NAME)".to_owned(),
                "--model_base_path=$(MODEL_PATH)".to_owned(),
            ],
            Models::File(_) => Vec::new(),
        };
        if let Some(file) = self.models_file() {
            arguments.push(format!("--model_config_file={}", file.path()));
        }
        if matches!(&self.models, Models::File(config) if config.labels) {
            arguments.push("--allow_version_labels_for_unavailable_models=true".to_owned());
        }
        arguments.push(format!("--monitoring_config_file={}", Self::monitoring().path()));
        if let Some(file) = self.batching_file() {
            arguments.push("--enable_batching=true".to_owned());
            arguments.push(format!("--batching_parameters_file={}", file.path()));
        }
        // The server sizes its pools by the node's cores, and under a limit its threads then throttle each
        // other. With `--tensorflow_session_parallelism` beside these two it would not start.
        if self.resources.limits.contains_key("cpu") {
            let cores = self.cores();
            arguments.push(format!("--tensorflow_intra_op_parallelism={cores}"));
            arguments.push(format!("--tensorflow_inter_op_parallelism={cores}"));
            // Its own default, of the cores that it has and not of the node's.
            arguments.push(format!("--rest_api_num_threads={}", 4 * cores));
            arguments.push(format!("--grpc_max_threads={}", 4 * cores));
        }
        arguments
    }

    /// What the containers may do: nothing, as nobody in particular. A directory of the node is often its
    /// owner's alone; root reads it, and only with this capability.
    fn security(&self) -> Value {
        let on_node = matches!(self.source, Some(ModelSource::HostPath(_)));
        let mut context = json!({
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        });
        match self.run_as_user {
            None if on_node => context["capabilities"]["add"] = json!(["DAC_OVERRIDE"]),
            user => {
                let user = user.unwrap_or(USER);
                context["runAsUser"] = json!(user);
                context["runAsNonRoot"] = json!(user != 0);
            }
        }
        context
    }

    /// The init container that copies the model from an object store.
    fn copying(&self) -> Option<Value> {
        let Some(ModelSource::ObjectStore(url)) = &self.source else {
            return None;
        };
        let mounted = &self.names.mount_path;
        let mut arguments = vec!["s3", "sync", "--no-progress", url, mounted];
        if let Some(endpoint) = &self.staging.endpoint {
            arguments.extend(["--endpoint-url", endpoint]);
        }
        let mut container = json!({
            "name": STAGING_CONTAINER,
            "image": self.staging.image,
            "args": arguments,
            "imagePullPolicy": "IfNotPresent",
            // It keeps a cache in its home, and a user without a name has none.
            "env": [{"name": "HOME", "value": "/tmp"}],
            "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}},
            "securityContext": self.security(),
            "volumeMounts": [{"name": MODEL_VOLUME, "mountPath": mounted}],
        });
        if let Some(secret) = &self.staging.secret {
            container["envFrom"] = json!([{"secretRef": {"name": secret}}]);
        }
        Some(container)
    }

    fn mounts(&self) -> Vec<Value> {
        let mounted = &self.names.mount_path;
        let source = self.source.as_ref();
        source
            .and_then(|source| source.mount(MODEL_VOLUME, mounted, self.image_volume))
            .into_iter()
            .chain([json!({"name": CONFIG_VOLUME, "mountPath": DIRECTORY, "readOnly": true})])
            .collect()
    }

    fn volumes(&self) -> Vec<Value> {
        let items: Vec<Value> = self
            .files()
            .iter()
            .map(|file| json!({"key": file.key, "path": file.name}))
            .collect();
        let config = json!({"name": self.names.config_map, "items": items});
        self.source
            .as_ref()
            .and_then(|source| source.volume(MODEL_VOLUME, self.image_volume))
            .into_iter()
            .chain([json!({"name": CONFIG_VOLUME, "configMap": config})])
            .collect()
    }
}

fn quantities(of: &BTreeMap<String, Quantity>) -> Value {
    json!(
        of.iter()
            .map(|(name, quantity)| (name, &quantity.0))
            .collect::<BTreeMap<_, _>>()
    )
}
