//! Changes of the facts of an HPA.

use serde_json::{Value, json};

/// A change of the facts of an idle HPA that leaves it healthy.
pub(super) type Change = fn(&mut Value);

pub(super) fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// The HPA itself.
pub(super) fn spec(facts: &mut Value, patch: &Value) {
    merge(&mut facts["hpas"][0]["hpa"], patch);
}

/// Another kind of target, that owns its pods itself.
pub(super) fn kind(facts: &mut Value, api_version: &str, kind: &str) {
    let target = json!({"apiVersion": api_version, "kind": kind});
    spec(facts, &json!({ "target": target }));
    merge(&mut facts["hpas"][0]["target"]["known"], &target);
    merge(
        &mut facts["hpas"][0]["pods"]["known"][0]["owner"],
        &json!({"kind": kind, "name": "web"}),
    );
}

/// As many equal pods as given, with a usage in thousandths of a cpu.
pub(super) fn pods(facts: &mut Value, number: i32, cpu: i32) {
    let hpa = &mut facts["hpas"][0];
    let pod = hpa["pods"]["known"][0].clone();
    let sample = hpa["podMetrics"]["known"][0].clone();
    let copies = |object: &Value| {
        (0..number)
            .map(|index| {
                let mut copy = object.clone();
                copy["name"] = json!(format!("web-5f6d7c8b9-{index}"));
                copy
            })
            .collect::<Vec<_>>()
    };
    hpa["pods"]["known"] = json!(copies(&pod));
    hpa["podMetrics"]["known"] = json!(copies(&sample));
    hpa["scale"]["known"]["specReplicas"] = json!(number);
    hpa["scale"]["known"]["statusReplicas"] = json!(number);
    for sample in hpa["podMetrics"]["known"].as_array_mut().into_iter().flatten() {
        sample["containers"][0]["usage"] = json!({"cpu": format!("{cpu}m"), "memory": "64Mi"});
    }
    spec(
        facts,
        &json!({"currentReplicas": number, "desiredReplicas": number,
            "currentMetrics": [{"type": "Resource", "name": "cpu",
                "current": {"averageUtilization": cpu / 5, "averageValue": format!("{cpu}m")}}]}),
    );
    limited(
        facts,
        "False",
        "DesiredWithinRange",
        "the desired count is within the acceptable range",
    );
}

pub(super) fn limited(facts: &mut Value, status: &str, reason: &str, message: &str) {
    merge(
        &mut facts["hpas"][0]["hpa"]["conditions"][2],
        &json!({"status": status, "reason": reason, "message": message}),
    );
}

/// A metric whose value only the status tells.
pub(super) fn reported(facts: &mut Value, metric: &Value, current: &Value) {
    let mut status = json!({"type": metric["type"], "name": metric["name"]});
    status["current"] = current.clone();
    spec(facts, &json!({"metrics": [metric], "currentMetrics": [status]}));
}

pub(super) fn resources(facts: &mut Value, requests: &Value, limits: &Value) {
    let patch = json!({"requests": requests, "limits": limits});
    let hpa = &mut facts["hpas"][0];
    merge(
        &mut hpa["target"]["known"]["template"]["containers"][0]["resources"],
        &patch,
    );
    for pod in hpa["pods"]["known"].as_array_mut().into_iter().flatten() {
        merge(&mut pod["containers"][0]["resources"], &patch);
    }
}

/// The container runs TensorFlow Serving.
pub(super) fn serving(facts: &mut Value, patch: &Value) {
    let mut told = json!({"recognised": "image", "hasArgs": true,
        "flags": {"model_name": "m", "model_base_path": "/models/m"},
        "readiness": {"kind": "tcpSocket", "port": 8500, "periodSeconds": 5, "failureThreshold": 10}});
    merge(&mut told, patch);
    let hpa = &mut facts["hpas"][0];
    hpa["target"]["known"]["template"]["containers"][0]["serving"] = told.clone();
    for pod in hpa["pods"]["known"].as_array_mut().into_iter().flatten() {
        pod["containers"][0]["serving"] = told.clone();
    }
}

pub(super) fn event(facts: &mut Value, reason: &str, message: &str, type_: &str) {
    let events = facts["hpas"][0]["events"]["known"].as_array_mut();
    if let Some(events) = events {
        events.push(
            json!({"type": type_, "reason": reason, "message": message, "count": 40,
            "firstSeen": "2026-11-24T09:00:00Z", "lastSeen": "2026-11-24T09:20:00Z"}),
        );
    }
}

/// What was read of the controller, with a lease or without.
pub(super) fn looked_after(facts: &mut Value, lease: &Value) {
    facts["cluster"]["hpaController"] = json!({"known": {"lease": lease, "role": {"known": true},
        "bound": {"known": ["ServiceAccount kube-system/horizontal-pod-autoscaler"]}}});
}

pub(super) fn up_rules(facts: &mut Value, rules: &Value) {
    spec(facts, &json!({"behavior": {"scaleUp": rules}}));
}

pub(super) fn down_rules(facts: &mut Value, rules: &Value) {
    spec(facts, &json!({"behavior": {"scaleDown": rules}}));
}
