//! The kubelet stand-in: pods of metrics-server whose process is real.
//!
//! It watches for pods whose image ends in `metrics-server/metrics-server`, wherever they come from, runs the
//! real binary with the pod's own arguments and service account, and reports the pod's status as a kubelet
//! does: running, ready when its readiness probe says so, restarted when it exits. kwok leaves these pods
//! alone. In the place of kube-proxy it listens on the `ClusterIP` of the Services that select such a pod.
//!
//! A liveness probe is not asked, and resource limits are not enforced.

mod arguments;
mod backends;
mod container;
mod log;
mod probe;
mod services;
mod status;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::backends::Backends;
use crate::control_plane::Layout;
use crate::kubeconfig::Endpoint;

/// The image that is run for real, without registry and tag.
const IMAGE: &str = "metrics-server/metrics-server";

/// What every task of the stand-in needs.
#[derive(Clone)]
pub(crate) struct Kubelet {
    /// The administrator's client.
    pub(crate) client: kube::Client,
    /// The API server.
    pub(crate) endpoint: Endpoint,
    /// The binary of metrics-server.
    pub(crate) binary: PathBuf,
    /// The process group of the sandbox.
    pub(crate) group: i32,
    /// Where files go.
    pub(crate) layout: Layout,
    /// The longest delay and period of a probe.
    pub(crate) probe_limit: Option<Duration>,
    backends: Arc<Backends>,
}

/// The tasks of the stand-in; dropping it ends them and their processes.
#[derive(Debug)]
pub(crate) struct Running {
    _tasks: JoinSet<()>,
}

impl Kubelet {
    /// A stand-in that has not begun to work.
    pub(crate) fn new(
        client: kube::Client,
        endpoint: Endpoint,
        binary: PathBuf,
        group: i32,
        layout: Layout,
        probe_limit: Option<Duration>,
    ) -> Self {
        Self {
            client,
            endpoint,
            binary,
            group,
            layout,
            probe_limit,
            backends: Arc::default(),
        }
    }

    /// Begins to work; to be called inside the runtime.
    pub(crate) fn run(self) -> Running {
        let mut tasks = JoinSet::new();
        tasks.spawn(services::serve(self.client.clone(), Arc::clone(&self.backends)));
        tasks.spawn(self.watch());
        Running { _tasks: tasks }
    }

    async fn watch(self) {
        let pods: Api<Pod> = Api::all(self.client.clone());
        let mut events = Box::pin(watcher(pods, watcher::Config::default()).default_backoff());
        // By uid: whether the pod is to end.
        let mut known: HashMap<String, watch::Sender<bool>> = HashMap::new();
        let mut containers = JoinSet::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) => {
                    self.see(pod, &mut known, &mut containers);
                }
                Ok(watcher::Event::Delete(pod)) => {
                    if let Some(end) = pod.uid().and_then(|uid| known.remove(&uid)) {
                        end.send_replace(true);
                    }
                }
                // After a gap in the watch the pods come again; errors are followed by a new attempt.
                Ok(watcher::Event::Init | watcher::Event::InitDone) | Err(_) => {}
            }
            while containers.try_join_next().is_some() {}
        }
    }

    fn see(&self, pod: Pod, known: &mut HashMap<String, watch::Sender<bool>>, containers: &mut JoinSet<()>) {
        let scheduled = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
        let (Some(uid), true, true) = (pod.uid(), scheduled, runs_for_real(&pod)) else {
            return;
        };
        let deleted = pod.metadata.deletion_timestamp.is_some();
        let end = known.entry(uid).or_insert_with(|| {
            let (sender, receiver) = watch::channel(false);
            containers.spawn(container::run(self.clone(), pod, receiver));
            sender
        });
        if deleted {
            end.send_replace(true);
        }
    }
}

/// Whether the stand-in runs this pod; `config.yaml` of kwok says the same in its own language.
fn runs_for_real(pod: &Pod) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers
        .filter_map(|container| container.image.as_deref())
        .any(is_metrics_server)
}

fn is_metrics_server(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or_default();
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    name.ends_with(IMAGE)
}

#[cfg(test)]
mod tests {
    use super::is_metrics_server;

    #[test]
    fn the_image_counts_without_registry_and_tag() {
        assert!(is_metrics_server(
            "registry.k8s.io/metrics-server/metrics-server:v0.8.0"
        ));
        assert!(is_metrics_server("localhost:5000/metrics-server/metrics-server"));
        assert!(is_metrics_server("x/metrics-server/metrics-server@sha256:00"));
        assert!(!is_metrics_server("tensorflow/serving:2.5.1"));
        assert!(!is_metrics_server("metrics-server/metrics-server-exporter:v1"));
    }
}
