//! A load that lasts: usage that follows the pods of a Deployment as it is scaled.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::busy::BusyServer;
use crate::pods::CPU_ANNOTATION;
use crate::sandbox::Sandbox;

/// How much CPU the pods use while a load lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// So many millicores in each container, however many pods there are.
    PerPod(u32),
    /// So many millicores shared by the ready pods, as requests are that a Service spreads.
    Shared(u32),
}

/// A load that lasts until it is dropped; the pods keep their last usage then.
#[derive(Debug)]
pub struct Load(JoinHandle<()>);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Sandbox {
    /// Keeps up a CPU load on the pods that match, those created later included.
    pub fn load(&self, namespace: &str, selector: &str, usage: Usage) -> Load {
        let api: Api<Pod> = Api::namespaced(self.client().clone(), namespace);
        let share = move |ready: u32| match usage {
            Usage::PerPod(millicores) => millicores,
            Usage::Shared(millicores) => millicores / ready.max(1),
        };
        Load(self.spawn(keep_up(api, selector.to_owned(), SET_EVERY, share)))
    }

    /// Lets the ready pods that match use what a server really uses, a share each.
    pub fn load_of(&self, namespace: &str, selector: &str, server: &BusyServer) -> Load {
        let api: Api<Pod> = Api::namespaced(self.client().clone(), namespace);
        let (meter, mut before) = (server.meter(), (Instant::now(), server.cpu()));
        let share = move |ready: u32| {
            let now = (Instant::now(), meter.read());
            let (time, used) = (now.0 - before.0, now.1.saturating_sub(before.1));
            before = now;
            let millicores = used.as_millis() * 1000 / time.as_millis().max(1);
            u32::try_from(millicores).unwrap_or(u32::MAX) / ready.max(1)
        };
        Load(self.spawn(keep_up(api, selector.to_owned(), MEASURED_EVERY, share)))
    }
}

/// A usage that is given is set as fast as pods come.
const SET_EVERY: Duration = Duration::from_millis(250);
/// A usage that is measured is measured over this time.
const MEASURED_EVERY: Duration = Duration::from_secs(1);

/// `share` is told how many pods are ready, and tells the millicores of each.
async fn keep_up(api: Api<Pod>, selector: String, every: Duration, mut share: impl FnMut(u32) -> u32 + Send) {
    let parameters = ListParams::default().labels(&selector);
    let mut tick = tokio::time::interval(every);
    loop {
        tick.tick().await;
        // The API server may be held still by a test; the load goes on when it is back.
        let Ok(pods) = api.list(&parameters).await else {
            continue;
        };
        let ready: Vec<&Pod> = pods.items.iter().filter(|pod| is_ready(pod)).collect();
        let share = format!("{}m", share(u32::try_from(ready.len()).unwrap_or(u32::MAX)));
        for pod in ready {
            if pod.annotations().get(CPU_ANNOTATION) != Some(&share) {
                let patch = json!({"metadata": {"annotations": {CPU_ANNOTATION: share}}});
                // A pod that has just gone needs no usage.
                let _ = api
                    .patch(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch))
                    .await;
            }
        }
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    pod.metadata.deletion_timestamp.is_none()
        && conditions
            .into_iter()
            .flatten()
            .any(|c| c.type_ == "Ready" && c.status == "True")
}
