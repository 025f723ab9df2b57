//! Releases of Kubernetes, and TensorFlow Serving.

use serde_json::json;

use super::changes::{Change, looked_after, merge, pods, reported, resources, serving, spec};

pub(super) const HEALTHY: &[(&str, Change)] = &[
    ("Kubernetes 1.28", |it| {
        it["cluster"]["version"]["known"] = json!("v1.28.3-gke.100");
    }),
    ("Kubernetes 1.25", |it| {
        it["cluster"]["version"]["known"] = json!("v1.25.16");
    }),
    ("TensorFlow Serving", |it| serving(it, &json!({}))),
    ("TensorFlow Serving with an HTTP probe", |it| {
        serving(
            it,
            &json!({"readiness": {"kind": "httpGet", "path": "/v1/models/m", "port": 8501, "periodSeconds": 5,
                "failureThreshold": 3}}),
        );
    }),
    ("TensorFlow Serving with a cpu limit", |it| {
        serving(it, &json!({}));
        resources(it, &json!({"cpu": "500m"}), &json!({"cpu": "1"}));
    }),
    ("TensorFlow Serving on a GPU", |it| {
        serving(it, &json!({}));
        resources(
            it,
            &json!({"nvidia.com/gpu": "1"}),
            &json!({"nvidia.com/gpu": "1"}),
        );
    }),
    (
        "TensorFlow Serving whose model is a directory of its node",
        |it| {
            serving(
                it,
                &json!({"hostPaths": [{"mount": "/models/m", "path": "/srv/m"}]}),
            );
            pods(it, 3, 300);
            it["hpas"][0]["pods"]["known"][1]["node"] = json!("node-2");
        },
    ),
    ("TensorFlow Serving with a long grace period", |it| {
        serving(it, &json!({}));
        it["hpas"][0]["target"]["known"]["template"]["terminationGracePeriodSeconds"] = json!(300);
    }),
    ("a server of TensorFlow that is scaled down", |it| {
        serving(it, &json!({}));
        pods(it, 2, 300);
        let mut ending = it["hpas"][0]["pods"]["known"][0].clone();
        merge(
            &mut ending,
            &json!({"name": "web-5f6d7c8b9-gone", "deletedAt": "2026-11-24T10:02:00Z",
                "deletionGracePeriodSeconds": 300}),
        );
        it["hpas"][0]["pods"]["known"]
            .as_array_mut()
            .into_iter()
            .for_each(|pods| pods.push(ending.clone()));
    }),
    ("usage that moved a moment ago, after a long rest", |it| {
        pods(it, 2, 300);
        spec(it, &json!({"statusChangedAt": "2026-11-24T09:00:00Z"}));
        it["hpas"][0]["hpa"]["currentMetrics"][0]["current"] =
            json!({"averageUtilization": 58, "averageValue": "290m"});
        looked_after(
            it,
            &json!({"known": {"holder": "a", "renewedAt": "2026-11-24T09:59:59Z"}}),
        );
    }),
    (
        "the same beside a lease that was left over from another control plane",
        |it| {
            pods(it, 2, 300);
            spec(it, &json!({"statusChangedAt": "2026-11-24T09:58:00Z"}));
            it["hpas"][0]["hpa"]["currentMetrics"][0]["current"] =
                json!({"averageUtilization": 58, "averageValue": "290m"});
            looked_after(
                it,
                &json!({"known": {"holder": "a", "renewedAt": "2026-11-01T09:00:00Z"}}),
            );
        },
    ),
    ("the same on a cluster without leader election", |it| {
        pods(it, 2, 300);
        spec(it, &json!({"statusChangedAt": "2026-11-24T09:00:00Z"}));
        it["hpas"][0]["hpa"]["currentMetrics"][0]["current"] =
            json!({"averageUtilization": 58, "averageValue": "290m"});
        looked_after(it, &json!("absent"));
    }),
    ("a long queue", |it| {
        let metric = json!({"type": "External", "name": "queue_length", "target": {"averageValue": "5"}});
        reported(it, &metric, &json!({"averageValue": "4"}));
    }),
    ("few requests, and a target for many", |it| {
        let metric =
            json!({"type": "Pods", "name": "http_requests_per_second", "target": {"averageValue": "100"}});
        reported(it, &metric, &json!({"averageValue": "16m"}));
    }),
    ("a short duration, far below its target", |it| {
        let metric = json!({"type": "External", "name": "http_request_duration_seconds_p99",
            "target": {"value": "500m"}});
        reported(it, &metric, &json!({"value": "2m"}));
    }),
    ("a duration in milliseconds", |it| {
        let metric =
            json!({"type": "Pods", "name": "request_duration_ms", "target": {"averageValue": "500"}});
        reported(it, &metric, &json!({"averageValue": "1500m"}));
    }),
    ("a percentage of a GPU that has nothing to do", |it| {
        let metric =
            json!({"type": "Pods", "name": "DCGM_FI_DEV_GPU_UTIL", "target": {"averageValue": "70"}});
        reported(it, &metric, &json!({"averageValue": "500m"}));
    }),
    ("nobody wrote a metric, and cpu is fine", |it| {
        spec(it, &json!({"metricsDefaulted": true}));
    }),
    ("the events could not be read", |it| {
        it["hpas"][0]["events"] =
            json!({"notReadable": {"what": "events", "why": "forbidden", "needs": "list events"}});
    }),
];
