#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::{Kind, Mark, Progress, progress, state, troubles};
use crate::facts::{Event, Fact, LogLine, Pod, PodEvent, Rollout};

fn rollout(pods: &[Value]) -> Rollout {
    Rollout {
        namespace: "shop".to_owned(),
        target: serde_json::from_value(json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "m",
            "observedGeneration": 2, "replicas": 1}))
        .unwrap(),
        updated: 1,
        all: 1,
        replica_set: Some("m-2".to_owned()),
        pods: pods
            .iter()
            .map(|pod| serde_json::from_value(pod.clone()).unwrap())
            .collect(),
        events: Fact::Known(Vec::new()),
        ..Rollout::default()
    }
}

fn pod(replica_set: &str, rest: &Value) -> Value {
    let mut pod = json!({"name": format!("{replica_set}-abcde"), "namespace": "shop", "phase": "Pending", "node": "a",
        "owner": {"kind": "ReplicaSet", "name": replica_set, "isScaleTarget": true}});
    for (key, value) in rest.as_object().unwrap() {
        pod[key] = value.clone();
    }
    pod
}

fn ready(replica_set: &str) -> Value {
    pod(
        replica_set,
        &json!({"phase": "Running", "conditions": [condition("Ready", "True", "")]}),
    )
}

fn condition(type_: &str, status: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": "", "message": message, "lastTransitionTime": null})
}

fn waiting(reason: &str, message: &str) -> Value {
    pod(
        "m-2",
        &json!({"containers": [{"name": "tf-serving", "image": "x", "stateReason": reason, "stateMessage": message}]}),
    )
}

fn event(rollout: &mut Rollout, reason: &str, message: &str) {
    let event = Event {
        type_: "Warning".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        count: 1,
        first_seen: None,
        last_seen: None,
    };
    let pod = "m-2-abcde".to_owned();
    if let Fact::Known(events) = &mut rollout.events {
        events.push(PodEvent { pod, event });
    }
}

fn now() -> chrono::DateTime<chrono::Utc> {
    "2026-11-24T10:00:00Z".parse().unwrap()
}

/// The kinds of trouble, and after how many seconds each ends the wait.
fn ends(rollout: &Rollout) -> Vec<(Kind, Option<u64>)> {
    let found = troubles(rollout, now()).into_iter();
    found
        .map(|trouble| (trouble.kind, trouble.patience.map(|it| it.as_secs())))
        .collect()
}

#[test]
fn it_is_done_when_every_pod_is_new_and_ready() {
    let mut done = rollout(&[ready("m-2")]);
    done.available = 1;
    assert_eq!(progress(&done, 2), Progress::Done(vec!["m-2-abcde".to_owned()]));
    // An old status proves nothing.
    assert_eq!(progress(&done, 3), Progress::Unseen);
    // The pods are known later than the Deployment's counts.
    let mut ahead = rollout(&[]);
    ahead.available = 1;
    assert_eq!(
        progress(&ahead, 2),
        Progress::Waiting("1 of 1 pods available".to_owned())
    );
    let mut old = rollout(&[ready("m-1"), ready("m-2")]);
    (old.available, old.all) = (2, 2);
    assert_eq!(
        progress(&old, 2),
        Progress::Waiting("1 old pod still there".to_owned())
    );
}

#[test]
fn an_image_ends_the_wait_at_once_where_no_attempt_will_find_it() {
    let image = || Kind::Image {
        container: "tf-serving".to_owned(),
        image: "x".to_owned(),
    };
    let lost = rollout(&[waiting("ImagePullBackOff", "manifest unknown")]);
    assert_eq!(ends(&lost), [(image(), Some(0))]);
    let slow = rollout(&[waiting("ErrImagePull", "dial tcp: i/o timeout")]);
    assert_eq!(ends(&slow), [(image(), Some(30))]);
    // A pod of the template before is no trouble of this one.
    let mut before = waiting("ImagePullBackOff", "manifest unknown");
    before["owner"]["name"] = json!("m-1");
    assert_eq!(ends(&rollout(&[before])), []);
}

#[test]
fn a_node_that_comes_is_waited_for() {
    let homeless = pod(
        "m-2",
        &json!({"node": null, "conditions": [condition("PodScheduled", "False", "0/1 nodes are available: 1 Insufficient cpu.")]}),
    );
    let mut waits = rollout(&[homeless]);
    let kind = || Kind::Unschedulable(vec!["cpu".to_owned()]);
    assert_eq!(ends(&waits), [(kind(), Some(15))]);
    event(&mut waits, "TriggeredScaleUp", "pod triggered scale-up");
    assert_eq!(ends(&waits), [(kind(), None)]);
}

#[test]
fn a_volume_that_follows_its_pod_is_waited_for() {
    let mut mounts = rollout(&[pod("m-2", &json!({}))]);
    assert_eq!(ends(&mounts), []);
    event(
        &mut mounts,
        "FailedAttachVolume",
        "Multi-Attach error for volume \"pvc-1\"",
    );
    assert_eq!(ends(&mounts), [(Kind::NotMounted, None)]);
    event(
        &mut mounts,
        "FailedMount",
        "MountVolume.SetUp failed for volume \"model\"",
    );
    assert_eq!(ends(&mounts), [(Kind::NotMounted, Some(30))]);
}

#[test]
fn a_server_that_waits_for_its_model_is_found_by_its_log() {
    let server = json!({"phase": "Running", "startTime": "2026-11-24T09:59:00Z",
        "conditions": [condition("Ready", "False", "")],
        "containers": [{"name": "tf-serving", "ready": false, "serving": {"recognised": "image"}}]});
    let mut silent = rollout(&[pod("m-2", &server)]);
    assert_eq!(ends(&silent), []);
    let line = |text: &str| LogLine {
        pod: "m-2-abcde".to_owned(),
        time: None,
        text: text.to_owned(),
    };
    silent.serving_log = Fact::Known(vec![line(
        "No versions of servable m found under base path /models/m",
    )]);
    assert_eq!(ends(&silent), [(Kind::NoModel, Some(3))]);
    silent.serving_log = Fact::Known(vec![line(
        "Loading servable: {name: m version: 1} failed: Not found: x",
    )]);
    assert_eq!(ends(&silent), [(Kind::NotLoaded, Some(3))]);
}

#[test]
fn new_pods_are_told_from_old_ones() {
    let image = waiting("ImagePullBackOff", "manifest unknown");
    let title = |rollout: &Rollout| super::explain(rollout, now())[0].title.clone();
    assert_eq!(
        title(&rollout(std::slice::from_ref(&image))),
        "All pods of Deployment/m are Pending: ImagePullBackOff"
    );
    assert_eq!(
        title(&rollout(&[ready("m-1"), image])),
        "All new pods of Deployment/m are Pending: ImagePullBackOff"
    );
    // No rule speaks of a pod that waits for its volume beside one that runs.
    let mut beside = pod("m-2", &json!({}));
    beside["name"] = json!("m-2-fghij");
    let mut mounts = rollout(&[ready("m-2"), beside]);
    mounts.events = Fact::Known(vec![PodEvent {
        pod: "m-2-fghij".to_owned(),
        event: Event {
            type_: "Warning".to_owned(),
            reason: "FailedMount".to_owned(),
            message: "no such volume".to_owned(),
            count: 1,
            first_seen: None,
            last_seen: None,
        },
    }]);
    assert_eq!(super::explain(&mounts, now()), []);
    assert_eq!(
        super::first_obstacle(&mounts, now()).as_deref(),
        Some("pod m-2-fghij: FailedMount: no such volume")
    );
}

#[test]
fn where_a_pod_is() {
    let said = |rollout: &Rollout| {
        let pod: &Pod = &rollout.pods[0];
        let (mark, text) = state(rollout, pod, now());
        format!("{mark:?} {text}")
    };
    let mut pending = rollout(&[pod("m-2", &json!({}))]);
    assert_eq!(said(&pending), "Busy its containers are created");
    event(&mut pending, "Pulling", "Pulling image \"x\"");
    assert_eq!(said(&pending), "Busy Pulling image \"x\"");
    event(&mut pending, "FailedMount", "no such volume");
    assert_eq!(said(&pending), "Bad FailedMount: no such volume");
    let unplaced = rollout(&[pod("m-2", &json!({"node": null}))]);
    assert_eq!(said(&unplaced), "Busy waits for the scheduler");
    let copying = rollout(&[pod(
        "m-2",
        &json!({"containers": [{"name": "copy-model", "init": true, "ready": false}]}),
    )]);
    assert_eq!(said(&copying), "Busy init container copy-model runs");
    let late = json!({"phase": "Running", "startTime": "2026-11-24T09:57:30Z"});
    let mut runs = rollout(&[pod("m-2", &late)]);
    assert_eq!(said(&runs), "Busy runs, and is not ready yet for 2 min");
    event(&mut runs, "Unhealthy", "Startup probe failed: connection refused");
    assert_eq!(
        said(&runs),
        "Busy runs, and is not ready: Startup probe failed: connection refused"
    );
    assert_eq!(said(&rollout(&[ready("m-2")])), "Good ready");
    let going = pod("m-2", &json!({"deletedAt": "2026-11-24T10:00:30Z"}));
    assert_eq!(said(&rollout(&[going])), "Busy ends");
    assert!(matches!(state(&pending, &pending.pods[0], now()), (Mark::Bad, _)));
}
