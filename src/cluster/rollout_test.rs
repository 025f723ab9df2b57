#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

fn deployment(status: &Value) -> Deployment {
    serde_json::from_value(json!({
        "metadata": {"name": "x", "uid": "d", "generation": 2, "annotations": {REVISION: "2"}},
        "spec": {"replicas": 1, "selector": {}, "template": {}},
        "status": status,
    }))
    .unwrap()
}

fn replica_sets() -> Vec<ReplicaSet> {
    ["1", "2"]
        .map(|revision| {
            serde_json::from_value(json!({"metadata": {
                "name": format!("x-{revision}"), "uid": format!("r{revision}"), "annotations": {REVISION: revision},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "d"}]},
                "spec": {"selector": {}}}))
            .unwrap()
        })
        .to_vec()
}

fn pod(replica_set: &str, status: &Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": format!("x-{replica_set}-abcde"), "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x", "uid": replica_set}]},
        "status": status,
    }))
    .unwrap()
}

fn container(state: &Value) -> Value {
    json!({"containerStatuses": [{"name": "tf-serving", "image": "tensorflow/serving:nope", "imageID": "",
        "ready": false, "restartCount": 3, "state": state,
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]})
}

fn started() -> Value {
    json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1})
}

fn with_pod(status: &Value) -> Rollout {
    judge(&deployment(&started()), &replica_sets(), &[pod("r2", status)], 2)
}

#[test]
fn it_is_done_when_every_pod_is_new_and_available() {
    let done = deployment(&json!({
        "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}));
    let pods = [pod("r1", &json!({})), pod("r2", &json!({}))];
    assert_eq!(
        judge(&done, &replica_sets(), &pods, 2),
        Rollout::Done(vec!["x-r2-abcde".to_owned()])
    );
}

#[test]
fn an_old_status_proves_nothing() {
    let done = deployment(&json!({
        "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}));
    assert!(matches!(
        judge(&done, &replica_sets(), &[], 3),
        Rollout::Waiting(_)
    ));
}

#[test]
fn an_old_pod_that_is_still_there_is_waited_for() {
    let both = deployment(&json!({
        "observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}));
    assert_eq!(
        judge(&both, &replica_sets(), &[], 2),
        Rollout::Waiting("1 old pods to end".to_owned())
    );
}

#[test]
fn an_image_that_cannot_be_pulled_fails_at_once() {
    let state = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}});
    let Rollout::Failed(why) = with_pod(&container(&state)) else {
        unreachable!()
    };
    insta::assert_snapshot!(why, @"container tf-serving of pod x-r2-abcde cannot start: ImagePullBackOff: Back-off pulling image (image tensorflow/serving:nope)");
}

#[test]
fn a_failing_pod_of_the_old_revision_is_not_this_roll_out() {
    let state = json!({"waiting": {"reason": "ImagePullBackOff"}});
    let state = judge(
        &deployment(&started()),
        &replica_sets(),
        &[pod("r1", &container(&state))],
        2,
    );
    assert_eq!(state, Rollout::Waiting("0 of 1 pods available".to_owned()));
}

#[test]
fn a_crashing_container_asks_for_its_log() {
    let state = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    assert_eq!(
        with_pod(&container(&state)),
        Rollout::Crashing {
            pod: "x-r2-abcde".to_owned(),
            container: "tf-serving".to_owned(),
            reason: "Error with exit code 1".to_owned(),
        }
    );
}

#[test]
fn the_scheduler_and_the_quota_are_quoted() {
    let unschedulable = json!({"conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}]});
    let Rollout::Unschedulable(why) = with_pod(&unschedulable) else {
        unreachable!()
    };
    insta::assert_snapshot!(why, @"pod x-r2-abcde fits on no node: 0/1 nodes are available: 1 Insufficient cpu.");

    let mut sets = replica_sets();
    sets[1].status = serde_json::from_value(json!({"replicas": 0, "conditions": [{"type": "ReplicaFailure",
        "status": "True", "reason": "FailedCreate", "message": "pods \"x-1\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"}]}))
    .unwrap();
    let Rollout::PodsRefused(why) = judge(&deployment(&json!({"observedGeneration": 2})), &sets, &[], 2)
    else {
        unreachable!()
    };
    insta::assert_snapshot!(why, @r#"pods "x-1" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"#);
}

#[test]
fn a_running_pod_that_is_not_ready_is_told_apart() {
    let state = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
    assert_eq!(
        with_pod(&container(&state)),
        Rollout::NotReady {
            pod: "x-r2-abcde".to_owned(),
            waiting: "0 of 1 pods available".to_owned()
        }
    );
    let state = json!({"waiting": {"reason": "ContainerCreating"}});
    assert_eq!(
        with_pod(&container(&state)),
        Rollout::Waiting("0 of 1 pods available; pod x-r2-abcde: ContainerCreating".to_owned())
    );
}
