//! Port-forwards, dealt out over the ready pods: to the pods there is no other way, and one of them is not all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use tokio::runtime::Handle;

use crate::cluster::Cluster;
use crate::cluster::reach::{self, Forwarded};
use crate::load::Failure;

/// The pods, and whose turn it is.
pub(super) struct Forwards {
    cluster: Cluster,
    namespace: String,
    port: u16,
    pods: RwLock<Vec<String>>,
    next: AtomicUsize,
    /// The client's own connections live there, and not in the threads that send.
    runtime: Handle,
}

impl Forwards {
    /// To be called inside the runtime of the cluster's client.
    pub(super) fn new(cluster: Cluster, namespace: String, port: u16, pods: Vec<String>) -> Self {
        Self {
            cluster,
            namespace,
            port,
            pods: RwLock::new(pods),
            next: AtomicUsize::new(0),
            runtime: Handle::current(),
        }
    }

    /// The port in each pod.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// From now on connections go to these pods.
    pub(super) fn set(&self, pods: &[String]) {
        let mut known = self.pods.write().unwrap_or_else(PoisonError::into_inner);
        pods.clone_into(&mut known);
    }

    /// Opens one to the next pod.
    pub(super) async fn open(&self) -> Result<Forwarded, Failure> {
        let pod = {
            let pods = self.pods.read().unwrap_or_else(PoisonError::into_inner);
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            turn.checked_rem(pods.len())
                .and_then(|index| pods.get(index).cloned())
        };
        let pod = pod.ok_or(Failure::Unreachable)?;
        let (cluster, namespace, port) = (self.cluster.clone(), self.namespace.clone(), self.port);
        let opening = async move { reach::open_forward(&cluster, &namespace, &pod, port).await };
        match self.runtime.spawn(opening).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(_)) => Err(Failure::Unreachable),
            Err(_) => Err(Failure::Other),
        }
    }
}
