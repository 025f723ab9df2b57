#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::rollout;
use crate::facts::{Fact, Rollout};

fn object<K: DeserializeOwned>(value: Value) -> Arc<K> {
    Arc::new(serde_json::from_value(value).unwrap())
}

fn owner(kind: &str, uid: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": uid, "uid": uid, "controller": true}])
}

fn replica_set(revision: &str, of: &str, status: &Value) -> Value {
    json!({"metadata": {"name": format!("x-{revision}"), "uid": format!("r{revision}-{of}"),
            "annotations": {"deployment.kubernetes.io/revision": revision}, "ownerReferences": owner("Deployment", of)},
        "spec": {"selector": {}}, "status": status})
}

/// A pod of the `ReplicaSet` with that UID, `rREVISION-DEPLOYMENT`.
fn pod(replica_set: &str) -> Value {
    let revision = &replica_set[1..2];
    json!({"metadata": {"name": format!("x-{replica_set}"), "uid": format!("p-{replica_set}"),
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("x-{revision}"),
            "uid": replica_set, "controller": true}]}})
}

fn event(uid: &str, second: u8) -> Value {
    json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": uid, "uid": uid}, "reason": format!("R{second}"),
        "lastTimestamp": format!("2026-01-01T00:00:{second:02}Z")})
}

fn read(failure: &Value) -> Rollout {
    let deployment = object(json!({
        "metadata": {"name": "x", "namespace": "shop", "uid": "d", "generation": 2,
            "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "x"}}, "template": {}},
        "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1}}));
    let sets = [
        replica_set("1", "d", &json!({"replicas": 1})),
        replica_set("2", "d", failure),
        replica_set("2", "other", &json!({"replicas": 1})),
    ];
    let pods = ["r1-d", "r2-d", "r2-other"].map(pod);
    rollout(
        &deployment,
        &sets.map(object),
        &pods.map(object),
        Ok(&[event("p-r2-d", 9), event("p-r2-d", 5), event("p-gone", 7)].map(object)),
    )
}

#[test]
fn the_pods_of_the_newest_template_are_told_from_others() {
    let rollout = read(&json!({"replicas": 1}));
    assert_eq!(rollout.replica_set.as_deref(), Some("x-2"));
    assert_eq!(rollout.selector, "app=x");
    assert_eq!(
        (rollout.wanted(), rollout.updated, rollout.available, rollout.all),
        (3, 1, 1, 2)
    );
    let names: Vec<&str> = rollout.pods.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(
        names,
        ["x-r1-d", "x-r2-d"],
        "another Deployment's pod is nobody's here"
    );
    let current: Vec<&str> = rollout.current().map(|pod| pod.name.as_str()).collect();
    assert_eq!(current, ["x-r2-d"]);
    assert_eq!(rollout.refused, None);
    let Fact::Known(events) = &rollout.events else {
        unreachable!()
    };
    let reasons: Vec<&str> = events.iter().map(|it| it.event.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["R5", "R9"],
        "oldest first, and none of a pod that is gone"
    );
}

#[test]
fn a_refusal_is_the_newest_replica_sets() {
    let failure = json!({"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True",
        "reason": "FailedCreate", "message": "exceeded quota"}]});
    assert_eq!(read(&failure).refused.as_deref(), Some("exceeded quota"));
}
