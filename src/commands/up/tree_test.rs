#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::{Models, drawn, lines};
use crate::diagnosis::rollout::Mark;
use crate::facts::Rollout;

fn rollout(pods: usize) -> Rollout {
    let pod = |number: usize| {
        let ready = if number == 0 { "True" } else { "False" };
        serde_json::from_value(json!({"name": format!("m-5f6d-pod{number}"), "namespace": "shop",
            "phase": if number == 2 { "Pending" } else { "Running" }, "node": "a",
            "owner": {"kind": "ReplicaSet", "name": "m-5f6d", "isScaleTarget": true},
            "conditions": [{"type": "Ready", "status": ready, "reason": "", "message": ""}],
            "containers": if number == 2 { json!([{"name": "tf-serving", "stateReason": "ErrImagePull", "stateMessage": "not \u{1b}found"}]) } else { json!([]) }}))
        .unwrap()
    };
    Rollout {
        namespace: "shop".to_owned(),
        target: serde_json::from_value(json!({"kind": "Deployment", "name": "m", "replicas": pods})).unwrap(),
        replica_set: Some("m-5f6d".to_owned()),
        pods: (0..pods).map(pod).collect(),
        ..Rollout::default()
    }
}

fn tree(rollout: &Rollout, models: &Models) -> String {
    let lines = lines(rollout, models, "1 of 3 pods available", chrono::Utc::now());
    let lines: Vec<String> = lines.iter().map(|line| drawn(line, false)).collect();
    lines.join("\n")
}

#[test]
fn what_is_in_the_way_is_seen_first() {
    let mut models = Models::new();
    models.insert(
        "m-5f6d-pod0".to_owned(),
        vec![(Mark::Good, "m: version 1 AVAILABLE".to_owned())],
    );
    insta::assert_snapshot!(tree(&rollout(3), &models));
}

#[test]
fn many_pods_leave_room_on_the_screen() {
    let tree = tree(&rollout(40), &Models::new());
    assert_eq!(tree.lines().count(), 11);
    assert!(tree.ends_with("and 32 more  "), "{tree}");
}

#[test]
fn pods_that_are_refused() {
    let mut refused = rollout(0);
    refused.refused = Some("exceeded quota: team".to_owned());
    insta::assert_snapshot!("refused", tree(&refused, &Models::new()));
}
