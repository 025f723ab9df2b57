//! One pod: its process from the first start to the pod's deletion.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Container, Pod, ServiceAccount};
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::backends::Backend;
use super::log::{ContainerLog, LogFile};
use super::probe::Probe;
use super::status::Status;
use super::{Kubelet, arguments, is_metrics_server};
use crate::error::{Context, Error, Result};
use crate::kubeconfig;
use crate::kwok::Log;
use crate::loopback::free_ports;

/// The first pause before a restart and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// A process that ran this long is not in a crash loop.
const STABLE: Duration = Duration::from_secs(60);

/// Runs a pod until `end` says so, then lets the API server forget it.
pub(super) async fn run(kubelet: Kubelet, pod: Pod, mut end: watch::Receiver<bool>) {
    let container = pod.spec.as_ref().and_then(|spec| {
        spec.containers
            .iter()
            .find(|container| container.image.as_deref().is_some_and(is_metrics_server))
            .cloned()
    });
    let (Some(container), Some(uid)) = (container, pod.uid()) else {
        return;
    };
    let directory = kubelet.layout.root.join("pods").join(&uid);
    let log = ContainerLog::new(&directory);
    let published = Log {
        namespace: pod.namespace().unwrap_or_default(),
        pod: pod.name_any(),
        current: log.current().to_owned(),
        previous: log.previous().to_owned(),
    };
    // Without a log the pod still runs.
    let _ = published.publish(&kubelet.client).await;
    let pod = RealPod {
        kubelet,
        pod,
        container,
        uid,
        directory,
        log,
    };
    tokio::select! {
        () = pod.keep_running() => {}
        _ = end.wait_for(|end| *end) => {}
    }
    pod.kubelet.backends.remove(&pod.uid);
    published.remove(&pod.kubelet.client).await;
    pod.forget().await;
}

struct RealPod {
    kubelet: Kubelet,
    pod: Pod,
    container: Container,
    uid: String,
    directory: PathBuf,
    log: ContainerLog,
}

impl RealPod {
    /// Starts the process again and again. Dropping the future kills it.
    async fn keep_running(&self) {
        let mut status = Status::new(&self.pod);
        let mut pause = BACK_OFF.0;
        loop {
            let started = Instant::now();
            match self.start().await {
                Ok((child, address)) => {
                    status.running();
                    self.attend(child, address, &mut status).await;
                    status.waiting("CrashLoopBackOff", &self.back_off_message(pause));
                }
                Err(error) => status.waiting("CreateContainerError", &error.to_string()),
            }
            self.report(&status).await;
            if started.elapsed() > STABLE {
                pause = BACK_OFF.0;
            }
            sleep(pause).await;
            pause = (pause * 2).min(BACK_OFF.1);
        }
    }

    fn back_off_message(&self, pause: Duration) -> String {
        format!(
            "back-off {}s restarting failed container={} pod={}_{}({})",
            pause.as_secs(),
            self.container.name,
            self.pod.name_any(),
            self.pod.namespace().unwrap_or_default(),
            self.uid,
        )
    }

    async fn start(&self) -> Result<(Child, SocketAddr)> {
        std::fs::create_dir_all(&self.directory)
            .context(format!("cannot create {}", self.directory.display()))?;
        let kubeconfig = self.service_account_kubeconfig().await?;
        let [port] = free_ports()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let arguments = arguments::translate(&self.container, address, &kubeconfig, &self.directory);
        let mut child = Command::new(&self.kubelet.binary)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(self.kubelet.group)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start metrics-server")?;
        let file = self.log.begin().context("cannot begin a log")?;
        follow(&file, &mut child);
        Ok((child, address))
    }

    /// A kubeconfig with a token of the pod's own service account, so that RBAC is what it is.
    async fn service_account_kubeconfig(&self) -> Result<PathBuf> {
        let namespace = self.pod.namespace().unwrap_or_default();
        let name = self
            .pod
            .spec
            .as_ref()
            .and_then(|spec| spec.service_account_name.clone());
        let name = name.unwrap_or_else(|| "default".to_owned());
        let accounts: Api<ServiceAccount> = Api::namespaced(self.kubelet.client.clone(), &namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: Vec::new(),
                bound_object_ref: Some(BoundObjectReference {
                    api_version: Some("v1".to_owned()),
                    kind: Some("Pod".to_owned()),
                    name: Some(self.pod.name_any()),
                    uid: Some(self.uid.clone()),
                }),
                expiration_seconds: Some(24 * 3600),
            },
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(&name, &PostParams::default(), &request)
            .await
            .context(format!(
                "cannot get a token for service account {namespace}/{name}"
            ))?;
        let token = answer.status.map(|status| status.token).unwrap_or_default();
        if token.is_empty() {
            return Err(Error::Unexpected(format!(
                "service account {namespace}/{name} got an empty token"
            )));
        }
        let path = self.directory.join("kubeconfig");
        kubeconfig::write_for_token(&path, &self.kubelet.endpoint, &name, &token)?;
        Ok(path)
    }

    /// Until the process ends: reports it and asks its readiness probe.
    async fn attend(&self, mut child: Child, address: SocketAddr, status: &mut Status) {
        let probe = Probe::of(&self.container, address, self.kubelet.probe_limit);
        status.set_ready(probe.is_none());
        self.be_backend(address, probe.is_none());
        self.report(status).await;
        let mut verdict = probe.map(Probe::start);
        let ended = loop {
            let changed = async {
                match &mut verdict {
                    None => std::future::pending().await,
                    Some(verdict) => verdict.changed().await,
                }
            };
            tokio::select! {
                ended = child.wait() => break ended,
                ready = changed => {
                    status.set_ready(ready);
                    self.be_backend(address, ready);
                    self.report(status).await;
                }
            }
        };
        self.be_backend(address, false);
        if let Ok(ended) = ended {
            status.ended(ended);
        }
    }

    fn be_backend(&self, address: SocketAddr, ready: bool) {
        let namespace = self.pod.namespace().unwrap_or_default();
        let labels = self.pod.metadata.labels.clone().unwrap_or_default();
        Arc::clone(&self.kubelet.backends).set(
            &self.uid,
            Backend {
                namespace,
                labels,
                address,
                ready,
            },
        );
    }

    async fn report(&self, status: &Status) {
        status
            .report(&self.kubelet.client, &self.pod, &self.container)
            .await;
    }

    /// What a kubelet does last: removes the pod from the API server, and only this very pod.
    async fn forget(&self) {
        let pods: Api<Pod> = Api::namespaced(
            self.kubelet.client.clone(),
            &self.pod.namespace().unwrap_or_default(),
        );
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(self.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default().grace_period(0)
        };
        // It may be gone already.
        let _ = pods.delete(&self.pod.name_any(), &parameters).await;
        remove(&self.directory);
    }
}

fn follow(file: &LogFile, child: &mut Child) {
    if let Some(stdout) = child.stdout.take() {
        tokio::spawn(file.clone().copy("stdout", stdout));
    }
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(file.clone().copy("stderr", stderr));
    }
}

fn remove(directory: &Path) {
    // The whole state directory goes at the end anyway.
    let _ = std::fs::remove_dir_all(directory);
}
