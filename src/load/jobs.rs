//! The objects of a load that Locust makes in the cluster.
//!
//! The master's Job owns the rest, so that the cluster removes all of it with that Job, and that Job by itself after
//! its end, whatever became of whoever made it.

use std::time::Duration;

use serde_json::{Value, json};

use super::distributed::RECORD;
use crate::serving::manifest::Manifest;
use crate::serving::{MANAGED_BY, MANAGER, PART_OF};

/// Locust's own image, of the version that is tested.
pub const IMAGE: &str = "locustio/locust:2.47.0";
/// The label of everything that belongs to a load; its value is what is loaded.
pub const LOAD: &str = "tfserve.dev/load";

/// What a load may take on top of its steps: images to pull, pods to place.
const START: Duration = Duration::from_secs(600);
/// What is left of a load whose maker is gone stays so long after its end, in seconds.
const KEPT_SECONDS: u32 = 300;
/// The user of Locust's image.
const USER: u32 = 1000;
/// Where the files are in a pod.
const FILES: &str = "/tfserve-load";

/// A load in the cluster.
#[derive(Debug, Clone)]
pub struct Jobs {
    /// The namespace.
    pub namespace: String,
    /// What is loaded: the Service's name.
    pub name: String,
    /// Locust's image.
    pub image: String,
    /// How many workers.
    pub workers: u16,
    /// How long the load lasts.
    pub length: Duration,
}

/// The Job that owns the others, as the API server made it.
#[derive(Debug, Clone)]
pub struct Owner {
    /// `metadata.uid`.
    pub uid: String,
}

impl Jobs {
    /// The name of the master's Job, and of the `ConfigMap`.
    pub fn master_name(&self) -> String {
        master_name(&self.name)
    }

    /// The name of the workers' Job.
    pub fn workers_name(&self) -> String {
        workers_name(&self.name)
    }

    /// The master.
    pub fn master(&self) -> Manifest {
        let workers = self.workers.to_string();
        let arguments = [
            "--master",
            "--headless",
            "--expect-workers",
            &workers,
            "--only-summary",
        ];
        let more = ["--exit-code-on-error", "0"];
        self.job(
            &self.master_name(),
            "load-master",
            None,
            1,
            0,
            &[&arguments[..], &more].concat(),
        )
    }

    /// The files, owned by the master's Job.
    pub fn files(&self, locustfile: &str, owner: &Owner) -> Manifest {
        let mut metadata = self.metadata(&self.master_name(), "load-files");
        own(&mut metadata, &self.master_name(), owner);
        Manifest::new(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
            "data": {"locustfile.py": locustfile, "record.py": RECORD},
        }))
    }

    /// The workers, which ask the master at this address, owned by its Job.
    pub fn worker(&self, master: &str, owner: &Owner) -> Manifest {
        // A worker that is lost, with its node for example, is replaced.
        let arguments = ["--worker", "--master-host", master];
        self.job(
            &self.workers_name(),
            "load-worker",
            Some(owner),
            self.workers,
            6,
            &arguments,
        )
    }

    fn metadata(&self, name: &str, component: &str) -> Value {
        json!({"name": name, "namespace": self.namespace, "labels": self.labels(component)})
    }

    fn labels(&self, component: &str) -> Value {
        json!({
            MANAGED_BY: MANAGER,
            PART_OF: self.name,
            "app.kubernetes.io/component": component,
            LOAD: self.name,
        })
    }

    fn job(
        &self,
        name: &str,
        component: &str,
        owner: Option<&Owner>,
        pods: u16,
        again: u32,
        arguments: &[&str],
    ) -> Manifest {
        let mut metadata = self.metadata(name, component);
        if let Some(owner) = owner {
            own(&mut metadata, &self.master_name(), owner);
        }
        let files = format!("{FILES}/locustfile.py,{FILES}/record.py");
        let arguments = [&["-f", files.as_str()][..], arguments].concat();
        Manifest::new(json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
            "spec": {
                "parallelism": pods,
                "completions": pods,
                "backoffLimit": again,
                "activeDeadlineSeconds": (self.length + START).as_secs(),
                "ttlSecondsAfterFinished": KEPT_SECONDS,
                "template": {
                    "metadata": {"labels": self.labels(component)},
                    "spec": {
                        "restartPolicy": "Never",
                        "terminationGracePeriodSeconds": 5,
                        "automountServiceAccountToken": false,
                        "enableServiceLinks": false,
                        "securityContext": {
                            "runAsNonRoot": true, "runAsUser": USER, "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "containers": [{
                            "name": "locust",
                            "image": self.image,
                            "args": arguments,
                            "env": [{"name": "HOME", "value": "/tmp"}, {"name": "PYTHONUNBUFFERED", "value": "1"}],
                            "workingDir": "/tmp",
                            "resources": {
                                "requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"},
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
                            },
                            "volumeMounts": [{"name": "files", "mountPath": FILES, "readOnly": true}],
                        }],
                        "volumes": [{"name": "files", "configMap": {"name": self.master_name()}}],
                    },
                },
            },
        }))
    }
}

/// The master's Job, and the `ConfigMap`, of a load of NAME.
pub fn master_name(name: &str) -> String {
    format!("{name}-load")
}

/// The workers' Job of a load of NAME.
pub fn workers_name(name: &str) -> String {
    format!("{name}-load-workers")
}

fn own(metadata: &mut Value, name: &str, owner: &Owner) {
    if let Some(metadata) = metadata.as_object_mut() {
        let reference = json!({"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": owner.uid});
        metadata.insert("ownerReferences".to_owned(), json!([reference]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs() -> Jobs {
        Jobs {
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
            image: IMAGE.to_owned(),
            workers: 3,
            length: Duration::from_secs(90),
        }
    }

    #[test]
    fn the_objects() {
        let owner = Owner {
            uid: "0-1".to_owned(),
        };
        let jobs = jobs();
        let all = [
            jobs.master(),
            jobs.files("# a load\n", &owner),
            jobs.worker("10.0.0.7", &owner),
        ];
        let text: Vec<String> = all
            .iter()
            .map(|manifest| serde_json::to_string_pretty(manifest.value()).unwrap_or_default())
            .collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
