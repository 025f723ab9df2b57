//! A Deployment with its `ReplicaSet`s, pods and events.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1;
use kube::core::DynamicObject;

use super::{controller, event, pod, scale_of_object, scale_target};
use crate::facts::{Fact, NotReadable, PodEvent, Rollout, ScaleTarget};

/// The annotation by which the Deployment controller counts revisions
/// (`pkg/controller/deployment/util/deployment_util.go`, v1.37).
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Puts it together; events are none where they cannot be read.
pub(in crate::cluster) fn rollout(
    deployment: &Deployment,
    replica_sets: &[Arc<ReplicaSet>],
    pods: &[Arc<v1::Pod>],
    events: Result<&[Arc<v1::Event>], NotReadable>,
) -> Rollout {
    let owned: Vec<&ReplicaSet> = replica_sets
        .iter()
        .map(AsRef::as_ref)
        .filter(|set| controller(&set.metadata).map(|owner| &owner.uid) == deployment.metadata.uid.as_ref())
        .collect();
    let newest = owned
        .iter()
        .find(|set| revision(&set.metadata) == revision(&deployment.metadata));
    let own: Vec<&v1::Pod> = pods
        .iter()
        .map(AsRef::as_ref)
        .filter(|pod| {
            let parent = controller(&pod.metadata).map(|owner| owner.uid.as_str());
            owned
                .iter()
                .any(|set| parent.is_some() && parent == set.metadata.uid.as_deref())
        })
        .collect();
    let status = deployment.status.as_ref();
    let count = |number: Option<i32>| number.unwrap_or_default();
    let (target, selector) = target(deployment);
    let refused = newest
        .into_iter()
        .flat_map(|set| {
            set.status
                .iter()
                .flat_map(|status| status.conditions.iter().flatten())
        })
        .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
        .and_then(|condition| condition.message.clone());
    Rollout {
        namespace: deployment.metadata.namespace.clone().unwrap_or_default(),
        target,
        selector,
        updated: count(status.and_then(|status| status.updated_replicas)),
        available: count(status.and_then(|status| status.available_replicas)),
        all: count(status.and_then(|status| status.replicas)),
        replica_set: newest.and_then(|set| set.metadata.name.clone()),
        refused,
        pods: own.iter().map(|object| own_pod(object)).collect(),
        events: match events {
            Ok(all) => Fact::Known(of_pods(all, &own)),
            Err(reason) => Fact::NotReadable(reason),
        },
        ..Rollout::default()
    }
}

fn revision(metadata: &kube::core::ObjectMeta) -> Option<&String> {
    metadata.annotations.as_ref()?.get(REVISION)
}

/// As the scale target of an HPA, with the selector of its pods.
fn target(deployment: &Deployment) -> (ScaleTarget, String) {
    let object = serde_json::to_value(deployment)
        .and_then(serde_json::from_value::<DynamicObject>)
        .ok();
    let Some(object) = object else {
        return <_>::default();
    };
    let selector = scale_of_object(&object).map(|scale| scale.selector);
    (
        scale_target(&object, "apps/v1", "Deployment"),
        selector.unwrap_or_default(),
    )
}

fn own_pod(object: &v1::Pod) -> crate::facts::Pod {
    let mut pod = pod(object);
    if let Some(owner) = &mut pod.owner {
        owner.is_scale_target = true;
    }
    pod
}

/// The events about these very pods, oldest first: a uid keeps out those of a namesake that is gone.
pub(in crate::cluster) fn of_pods(events: &[Arc<v1::Event>], pods: &[&v1::Pod]) -> Vec<PodEvent> {
    let mut found: Vec<PodEvent> = events
        .iter()
        .filter(|event| {
            let about = event.involved_object.uid.as_ref();
            about.is_some() && pods.iter().any(|pod| pod.metadata.uid.as_ref() == about)
        })
        .map(|object| PodEvent {
            pod: object.involved_object.name.clone().unwrap_or_default(),
            event: event(object),
        })
        .collect();
    found.sort_by_key(|found| found.event.last_seen);
    found
}

#[cfg(test)]
#[path = "rollout_test.rs"]
mod tests;
