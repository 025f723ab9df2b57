//! A pod's status as a kubelet writes it.

use std::process::ExitStatus;

use chrono::{DateTime, Utc};
use k8s_openapi::api::core::v1::{Container, Pod};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::kwok::NODE_ADDRESS;
use crate::time::rfc3339;

/// What is known of a pod that the stand-in runs.
#[derive(Debug)]
pub(super) struct Status {
    started: DateTime<Utc>,
    address: String,
    changed: DateTime<Utc>,
    ready: bool,
    restarts: u32,
    state: Value,
    last_state: Value,
    container_started: DateTime<Utc>,
}

impl Status {
    /// A pod that has just come.
    pub(super) fn new(pod: &Pod) -> Self {
        let now = Utc::now();
        // Any address will do that no network routes: nothing dials it.
        let uid = pod.uid().unwrap_or_default();
        let sum = uid.bytes().fold(7_u16, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u16::from(byte))
        });
        let [third, fourth] = sum.to_be_bytes();
        Self {
            started: now,
            address: format!("198.19.{third}.{}", fourth.clamp(1, 254)),
            changed: now,
            ready: false,
            restarts: 0,
            state: json!({"waiting": {"reason": "ContainerCreating"}}),
            last_state: Value::Null,
            container_started: now,
        }
    }

    /// The process runs.
    pub(super) fn running(&mut self) {
        self.container_started = Utc::now();
        self.state = json!({"running": {"startedAt": rfc3339(self.container_started)}});
    }

    /// The process cannot be started, or waits to be.
    pub(super) fn waiting(&mut self, reason: &str, message: &str) {
        self.state = json!({"waiting": {"reason": reason, "message": message}});
        self.set_ready(false);
    }

    /// The process ended.
    pub(super) fn ended(&mut self, status: ExitStatus) {
        let code = status.code().unwrap_or(137);
        self.last_state = json!({"terminated": {
            "exitCode": code,
            "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": rfc3339(self.container_started),
            "finishedAt": rfc3339(Utc::now()),
        }});
        self.restarts += 1;
    }

    /// The readiness probe changed its verdict.
    pub(super) fn set_ready(&mut self, ready: bool) {
        if self.ready != ready {
            self.ready = ready;
            self.changed = Utc::now();
        }
    }

    /// Writes it to the cluster. A pod that is gone, or a server that is, is no error for a kubelet.
    pub(super) async fn report(&self, client: &kube::Client, pod: &Pod, container: &Container) {
        let pods: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
        let patch = json!({
            // A pod of the same name is another pod.
            "metadata": {"uid": pod.uid()},
            "status": self.to_json(container),
        });
        let _ = pods
            .patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(patch))
            .await;
    }

    fn to_json(&self, container: &Container) -> Value {
        let word = if self.ready { "True" } else { "False" };
        let since = rfc3339;
        let readiness = |kind: &str| {
            let mut condition =
                json!({"type": kind, "status": word, "lastTransitionTime": since(self.changed)});
            let (reason, message) = if self.ready {
                (Value::Null, Value::Null)
            } else {
                let message = format!("containers with unready status: [{}]", container.name);
                (json!("ContainersNotReady"), json!(message))
            };
            condition["reason"] = reason;
            condition["message"] = message;
            condition
        };
        let done =
            |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": since(self.started)});
        json!({
            "phase": "Running",
            "startTime": since(self.started),
            "hostIP": NODE_ADDRESS,
            "hostIPs": [{"ip": NODE_ADDRESS}],
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "conditions": [
                done("PodReadyToStartContainers"),
                done("Initialized"),
                readiness("ContainersReady"),
                readiness("Ready"),
            ],
            "containerStatuses": [{
                "name": container.name,
                "image": container.image,
                "imageID": "",
                "ready": self.ready,
                "started": self.state.get("running").is_some(),
                "restartCount": self.restarts,
                "state": self.state,
                "lastState": self.last_state,
            }],
        })
    }
}
