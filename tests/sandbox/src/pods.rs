//! What a test does to pods: their usage, readiness, age and end.
//!
//! kwok never touches the status of a pod that is Running, so what is set here stays.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use chrono::Utc;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::error::{Context, Error, Result};
use crate::kwok::{Forward, Log};
use crate::sandbox::Sandbox;
use crate::time::rfc3339;

/// The CPU that each container of a pod uses. May stand in a Deployment's template.
pub const CPU_ANNOTATION: &str = "kwok.x-k8s.io/usage-cpu";

/// The memory that each container of a pod uses. May stand in a Deployment's template.
pub const MEMORY_ANNOTATION: &str = "kwok.x-k8s.io/usage-memory";

/// A pod with this annotation is scheduled but never started. May stand in a Deployment's template.
pub const HOLD_ANNOTATION: &str = "sandbox.tfserve.dev/hold";

/// Keeps a pod that is deleted for its whole grace period, as a kubelet does while its containers ignore SIGTERM.
pub const LINGER_ANNOTATION: &str = "sandbox.tfserve.dev/linger";

/// How a finished pod finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every container exited with 0.
    Succeeded,
    /// A container exited with 1.
    Failed,
}

impl Sandbox {
    /// Sets the CPU usage of each container of the pods that match; metrics-server shows it at its next scrape.
    ///
    /// Says how many pods there were. Pods created later are not touched: see [`Sandbox::load`] for them,
    /// or put [`CPU_ANNOTATION`] into the template.
    pub fn set_cpu(&self, namespace: &str, selector: &str, usage: &str) -> Result<usize> {
        self.annotate(namespace, selector, &[(CPU_ANNOTATION, Some(usage))])
    }

    /// Sets the memory usage of each container of the pods that match.
    pub fn set_memory(&self, namespace: &str, selector: &str, usage: &str) -> Result<usize> {
        self.annotate(namespace, selector, &[(MEMORY_ANNOTATION, Some(usage))])
    }

    /// Sets the CPU usage of one container of the pods that match; it goes before that of the pod.
    pub fn set_container_cpu(
        &self,
        namespace: &str,
        selector: &str,
        container: &str,
        usage: &str,
    ) -> Result<usize> {
        self.annotate(
            namespace,
            selector,
            &[(&format!("cpu.sandbox.tfserve.dev/{container}"), Some(usage))],
        )
    }

    /// Makes a pod ready or not ready; it stays so.
    pub fn set_ready(&self, namespace: &str, pod: &str, ready: bool) -> Result<()> {
        let word = if ready { "True" } else { "False" };
        self.change_status(namespace, pod, |status| {
            let now = rfc3339(Utc::now());
            for kind in ["Ready", "ContainersReady"] {
                set_condition(
                    status,
                    kind,
                    word,
                    if ready { "" } else { "ContainersNotReady" },
                    &now,
                );
            }
            for container in containers(status) {
                container["ready"] = json!(ready);
            }
        })
    }

    /// Lets the pods that match look as if they had started, and become ready, `age` ago.
    ///
    /// The HPA controller treats pods younger than five minutes differently. `creationTimestamp` stays.
    pub fn set_age(&self, namespace: &str, selector: &str, age: Duration) -> Result<usize> {
        let then = rfc3339(Utc::now() - age);
        let pods = self.pods(namespace, selector)?;
        for pod in &pods {
            self.change_status(namespace, &pod.name_any(), |status| {
                status["startTime"] = json!(then);
                for condition in status["conditions"].as_array_mut().into_iter().flatten() {
                    condition["lastTransitionTime"] = json!(then);
                }
                for container in containers(status) {
                    if container["state"]["running"].is_object() {
                        container["state"]["running"]["startedAt"] = json!(then);
                    }
                }
            })?;
        }
        Ok(pods.len())
    }

    /// Finishes a pod.
    pub fn finish(&self, namespace: &str, pod: &str, end: End) -> Result<()> {
        let (phase, code, reason) = match end {
            End::Succeeded => ("Succeeded", 0, "Completed"),
            End::Failed => ("Failed", 1, "Error"),
        };
        self.change_status(namespace, pod, |status| {
            let now = rfc3339(Utc::now());
            status["phase"] = json!(phase);
            for kind in ["Ready", "ContainersReady"] {
                set_condition(status, kind, "False", &format!("Pod{reason}"), &now);
            }
            let start = status["startTime"].clone();
            for container in containers(status) {
                container["ready"] = json!(false);
                container["started"] = json!(false);
                container["state"] = json!({"terminated": {
                    "exitCode": code, "reason": reason, "startedAt": start, "finishedAt": now,
                }});
            }
        })
    }

    /// Lets every container of a pod wait for a reason such as `ImagePullBackOff` or `CrashLoopBackOff`.
    ///
    /// The pod is Pending then, as before its first start; in a crash loop it stays Running.
    pub fn set_waiting(&self, namespace: &str, pod: &str, reason: &str, message: &str) -> Result<()> {
        self.patch_annotations(namespace, pod, &[(HOLD_ANNOTATION, Some("waiting"))])?;
        self.change_status(namespace, pod, |status| {
            let now = rfc3339(Utc::now());
            if reason != "CrashLoopBackOff" {
                status["phase"] = json!("Pending");
            }
            for kind in ["Ready", "ContainersReady"] {
                set_condition(status, kind, "False", "ContainersNotReady", &now);
            }
            for container in containers(status) {
                container["ready"] = json!(false);
                container["started"] = json!(false);
                container["state"] = json!({"waiting": {"reason": reason, "message": message}});
            }
        })
    }

    /// Gives a pod the log that `kubectl logs` shows, one line each.
    pub fn set_log(&self, namespace: &str, pod: &str, lines: &[&str]) -> Result<()> {
        let directory = self.directory().join("logs").join(namespace);
        let file = directory.join(format!("{pod}.log"));
        let now = Utc::now().to_rfc3339();
        let mut text = lines.join(&format!("\n{now} stdout F "));
        text.insert_str(0, &format!("{now} stdout F "));
        text.push('\n');
        std::fs::create_dir_all(&directory)
            .and_then(|()| std::fs::write(&file, text))
            .context(format!("cannot write {}", file.display()))?;
        let log = Log {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            current: file.clone(),
            previous: file,
        };
        self.block_on(log.publish(self.client()))
    }

    /// Lets a port-forward to `port` of any pod reach `target`, a server of the test on loopback.
    pub fn forward_port(&self, port: u16, target: SocketAddr) -> Result<()> {
        let forward = Forward {
            namespaces: Vec::new(),
            port,
            target,
        };
        self.block_on(forward.publish(self.client()))
    }

    /// The same for the pods of one namespace.
    ///
    /// Don't mix it with [`Sandbox::forward_port`] for the same port: which one wins is not defined.
    pub fn forward_port_in(&self, namespace: &str, port: u16, target: SocketAddr) -> Result<()> {
        let forward = Forward {
            namespaces: vec![namespace.to_owned()],
            port,
            target,
        };
        self.block_on(forward.publish(self.client()))
    }

    /// Cordons or uncordons every node: while cordoned, new pods of any namespace are really unschedulable.
    pub fn set_schedulable(&self, schedulable: bool) -> Result<()> {
        self.run_kubectl(
            &[
                if schedulable { "uncordon" } else { "cordon" },
                "--selector=kubernetes.io/os=linux",
            ],
            None,
        )?;
        Ok(())
    }

    /// The names of the pods that match, sorted.
    pub fn pod_names(&self, namespace: &str, selector: &str) -> Result<Vec<String>> {
        let mut names: Vec<String> = self
            .pods(namespace, selector)?
            .iter()
            .map(ResourceExt::name_any)
            .collect();
        names.sort();
        Ok(names)
    }

    fn pods(&self, namespace: &str, selector: &str) -> Result<Vec<Pod>> {
        let api: Api<Pod> = Api::namespaced(self.client().clone(), namespace);
        let list = self.block_on(api.list(&ListParams::default().labels(selector)));
        Ok(list.context(format!("cannot list pods in {namespace}"))?.items)
    }

    fn annotate(
        &self,
        namespace: &str,
        selector: &str,
        annotations: &[(&str, Option<&str>)],
    ) -> Result<usize> {
        let pods = self.pods(namespace, selector)?;
        let mut annotated = 0;
        for pod in &pods {
            match self.patch_annotations(namespace, &pod.name_any(), annotations) {
                Ok(()) => annotated += 1,
                // It has ended since it was listed.
                Err(Error::Api { source, .. }) if matches!(&*source, kube::Error::Api(status) if status.code == 404) =>
                    {}
                Err(error) => return Err(error),
            }
        }
        Ok(annotated)
    }

    fn patch_annotations(
        &self,
        namespace: &str,
        pod: &str,
        annotations: &[(&str, Option<&str>)],
    ) -> Result<()> {
        let api: Api<Pod> = Api::namespaced(self.client().clone(), namespace);
        let annotations: BTreeMap<_, _> = annotations.iter().copied().collect();
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        self.block_on(api.patch(pod, &PatchParams::default(), &patch))
            .context(format!("cannot annotate pod {namespace}/{pod}"))?;
        Ok(())
    }

    /// Reads a pod, changes its status and writes it back; again where somebody else changed it in between.
    fn change_status(&self, namespace: &str, pod: &str, change: impl Fn(&mut Value)) -> Result<()> {
        let api: Api<Pod> = Api::namespaced(self.client().clone(), namespace);
        let what = || format!("cannot change the status of pod {namespace}/{pod}");
        loop {
            let found = self.block_on(api.get(pod)).context(what())?;
            let unfit = |e: serde_json::Error| Error::Unexpected(format!("{}: {e}", what()));
            let mut status = serde_json::to_value(&found.status).map_err(unfit)?;
            if status["containerStatuses"].as_array().is_none_or(Vec::is_empty) {
                let containers = found.spec.iter().flat_map(|spec| &spec.containers);
                status["containerStatuses"] = containers
                    .map(|c| json!({"name": c.name, "image": c.image, "imageID": "", "ready": false, "restartCount": 0}))
                    .collect();
            }
            change(&mut status);
            let patch = json!({"metadata": {"resourceVersion": found.resource_version()}, "status": status});
            match self.block_on(api.patch_status(pod, &PatchParams::default(), &Patch::Merge(patch))) {
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                written => return written.map(drop).context(what()),
            }
        }
    }
}

fn containers(status: &mut Value) -> impl Iterator<Item = &mut Value> {
    status["containerStatuses"].as_array_mut().into_iter().flatten()
}

fn set_condition(status: &mut Value, kind: &str, word: &str, reason: &str, now: &str) {
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else {
        return;
    };
    let index = conditions
        .iter()
        .position(|condition| condition["type"] == kind)
        .unwrap_or_else(|| {
            conditions.push(json!({"type": kind}));
            conditions.len() - 1
        });
    let condition = &mut conditions[index];
    if condition["status"] != word {
        condition["lastTransitionTime"] = json!(now);
    }
    condition["status"] = json!(word);
    condition["reason"] = if reason.is_empty() {
        Value::Null
    } else {
        json!(reason)
    };
}
