//! Whether a pod descends from the scale target.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::Api;
use kube::api::ListParams;

use crate::cluster::convert::controller;
use crate::cluster::{Ask, Cluster};
use crate::facts::{Owner, Pod, ScaleTarget};

/// The label that a Deployment gives its `ReplicaSet`s and their pods, and the end of those `ReplicaSet`s' names
/// (`deployment_util.go` and `sync.go`, v1.37).
const TEMPLATE_HASH: &str = "pod-template-hash";

/// Whether a pod's `ReplicaSet` must be looked up: its name alone does not prove whose it is.
pub(super) fn needs_replica_sets(pods: &[Pod], target: &ScaleTarget) -> bool {
    pods.iter().any(|pod| descends(pod, target).is_none())
}

/// The `ReplicaSet`s of a namespace that each Deployment controls, as `(deployment, replicaset)`; none where
/// they cannot be read.
pub(super) async fn replica_sets(cluster: &Cluster, namespace: &str) -> Option<BTreeSet<(String, String)>> {
    let api: Api<ReplicaSet> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::list("replicasets.apps", Some(namespace));
    let list = cluster
        .ask(ask, api.list_metadata(&ListParams::default()))
        .await
        .ok()?;
    Some(
        list.items
            .iter()
            .filter_map(|entry| {
                let owner = controller(&entry.metadata).filter(|owner| owner.kind == "Deployment")?;
                Some((owner.name.clone(), entry.metadata.name.clone()?))
            })
            .collect(),
    )
}

/// Marks the pods that descend from the target.
pub(in crate::cluster) fn mark(
    pods: &mut [Pod],
    target: &ScaleTarget,
    replica_sets: Option<&BTreeSet<(String, String)>>,
) {
    for pod in pods {
        let certain = descends(pod, target);
        if let Some(owner) = &mut pod.owner {
            owner.is_scale_target = certain.unwrap_or_else(|| controls(target, owner, replica_sets));
        }
    }
}

/// Whether a pod descends from the target, as far as names prove it.
fn descends(pod: &Pod, target: &ScaleTarget) -> Option<bool> {
    let Some(owner) = &pod.owner else {
        return Some(false);
    };
    if owner.kind == target.kind {
        return Some(owner.name == target.name);
    }
    match target.kind.as_str() {
        "Deployment" if owner.kind == "ReplicaSet" => {
            let hash = pod.labels.get(TEMPLATE_HASH)?;
            let stem = owner.name.strip_suffix(hash)?.strip_suffix('-')?;
            (stem == target.name).then_some(true)
        }
        "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController" => Some(false),
        // Another kind may own its pods through any other: nothing speaks against it.
        _ => Some(true),
    }
}

/// The list decides; without it, the beginning of the name is the best there is.
fn controls(target: &ScaleTarget, owner: &Owner, replica_sets: Option<&BTreeSet<(String, String)>>) -> bool {
    match replica_sets {
        Some(known) => known.contains(&(target.name.clone(), owner.name.clone())),
        None => owner
            .name
            .strip_prefix(&target.name)
            .is_some_and(|rest| rest.starts_with('-')),
    }
}

#[cfg(test)]
mod tests {
    use super::{mark, needs_replica_sets};
    use crate::facts::{Owner, Pod, ScaleTarget};

    fn pod(kind: &str, owner: &str, hash: Option<&str>) -> Pod {
        Pod {
            labels: hash
                .map(|hash| ("pod-template-hash".to_owned(), hash.to_owned()))
                .into_iter()
                .collect(),
            owner: Some(Owner {
                kind: kind.to_owned(),
                name: owner.to_owned(),
                is_scale_target: false,
            }),
            ..Pod::default()
        }
    }

    fn target(kind: &str) -> ScaleTarget {
        ScaleTarget {
            kind: kind.to_owned(),
            name: "web".to_owned(),
            ..ScaleTarget::default()
        }
    }

    #[test]
    fn the_template_hash_proves_descent_without_a_request() {
        let mut pods = [pod("ReplicaSet", "web-5f6d", Some("5f6d"))];
        assert!(!needs_replica_sets(&pods, &target("Deployment")));
        mark(&mut pods, &target("Deployment"), None);
        assert!(pods[0].owner.as_ref().is_some_and(|owner| owner.is_scale_target));
    }

    #[test]
    fn a_foreign_replica_set_is_looked_up() {
        let mut pods = [
            pod("ReplicaSet", "web-canary-77", Some("77")),
            pod("ReplicaSet", "adopted", None),
        ];
        assert!(needs_replica_sets(&pods, &target("Deployment")));
        let known = [
            ("web-canary".to_owned(), "web-canary-77".to_owned()),
            ("web".to_owned(), "adopted".to_owned()),
        ];
        mark(
            &mut pods,
            &target("Deployment"),
            Some(&known.into_iter().collect()),
        );
        let owned: Vec<_> = pods
            .iter()
            .filter_map(|pod| pod.owner.as_ref())
            .map(|owner| owner.is_scale_target)
            .collect();
        assert_eq!(owned, [false, true]);
    }

    #[test]
    fn pods_of_other_kinds_are_foreign() {
        let mut pods = [pod("Job", "import", None), pod("StatefulSet", "web", None)];
        assert!(!needs_replica_sets(&pods, &target("StatefulSet")));
        mark(&mut pods, &target("StatefulSet"), None);
        let owned: Vec<_> = pods
            .iter()
            .filter_map(|pod| pod.owner.as_ref())
            .map(|owner| owner.is_scale_target)
            .collect();
        assert_eq!(owned, [false, true]);
    }
}
