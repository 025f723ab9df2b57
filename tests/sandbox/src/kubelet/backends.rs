//! Which processes stand behind which pods, and which of them are ready.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A pod's process as Services see it.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    /// The pod's namespace.
    pub(super) namespace: String,
    /// Its labels.
    pub(super) labels: BTreeMap<String, String>,
    /// Where its process listens.
    pub(super) address: SocketAddr,
    /// Whether it is ready.
    pub(super) ready: bool,
}

/// The backends by the uid of their pod.
#[derive(Debug, Default)]
pub(super) struct Backends(Mutex<HashMap<String, Backend>>);

impl Backends {
    /// Adds or replaces a pod's process.
    pub(super) fn set(&self, uid: &str, backend: Backend) {
        self.lock().insert(uid.to_owned(), backend);
    }

    /// Forgets it.
    pub(super) fn remove(&self, uid: &str) {
        self.lock().remove(uid);
    }

    /// The namespaces that have any.
    pub(super) fn namespaces(&self) -> Vec<String> {
        let mut namespaces: Vec<String> = self.lock().values().map(|b| b.namespace.clone()).collect();
        namespaces.sort();
        namespaces.dedup();
        namespaces
    }

    /// Whether a selector chooses any of them.
    pub(super) fn any(&self, namespace: &str, selector: &BTreeMap<String, String>) -> bool {
        self.lock()
            .values()
            .any(|backend| backend.matches(namespace, selector))
    }

    /// A ready one that a selector chooses.
    pub(super) fn ready(&self, namespace: &str, selector: &BTreeMap<String, String>) -> Option<SocketAddr> {
        let backends = self.lock();
        let mut ready = backends
            .values()
            .filter(|b| b.ready && b.matches(namespace, selector));
        ready.next().map(|backend| backend.address)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Backend>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend {
    fn matches(&self, namespace: &str, selector: &BTreeMap<String, String>) -> bool {
        !selector.is_empty()
            && self.namespace == namespace
            && selector
                .iter()
                .all(|(key, value)| self.labels.get(key) == Some(value))
    }
}
