//! What has happened, and what its pods do at the moment.

use serde_json::json;

use super::changes::{Change, event, kind, merge, pods, resources, spec};

pub(super) const HEALTHY: &[(&str, Change)] = &[
    ("old warnings about the API", |it| {
        event(
            it,
            "FailedGetResourceMetric",
            "failed to get cpu utilization: unable to get metrics for resource cpu: \
            unable to fetch metrics from resource metrics API: the server is currently unable to handle the request \
            (get pods.metrics.k8s.io)",
            "Warning",
        );
    }),
    ("old warnings about a request", |it| {
        event(
            it,
            "FailedGetResourceMetric",
            "failed to get cpu utilization: missing request for cpu in container app of \
            Pod web-old",
            "Warning",
        );
    }),
    ("old warnings about the target", |it| {
        event(
            it,
            "FailedGetScale",
            "deployments.apps \"web\" not found",
            "Warning",
        );
    }),
    ("an old failed rescale", |it| {
        event(
            it,
            "FailedRescale",
            "New size: 3; reason: cpu resource utilization (percentage of request) above target; \
            error: Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified",
            "Warning",
        );
    }),
    ("it went up and down all day", |it| {
        event(
            it,
            "SuccessfulRescale",
            "New size: 2; reason: cpu resource utilization (percentage of request) above target",
            "Normal",
        );
        event(
            it,
            "SuccessfulRescale",
            "New size: 1; reason: All metrics below target",
            "Normal",
        );
    }),
    ("a manifest with replicas was applied once", |it| {
        let writers =
            json!([{"manager": "argocd-controller", "operation": "Apply", "time": "2026-11-24T09:00:00Z"}]);
        it["hpas"][0]["target"]["known"]["replicasWriters"] = writers;
    }),
    ("limits far above the target", |it| {
        resources(it, &json!({"cpu": "500m"}), &json!({"cpu": "2"}));
    }),
    ("limits equal to requests, target below", |it| {
        resources(it, &json!({"cpu": "500m"}), &json!({"cpu": "500m"}));
    }),
    ("a target of 150% with room below the limit", |it| {
        spec(
            it,
            &json!({"metrics": [{"type": "Resource", "name": "cpu", "target": {"averageUtilization": 150}}]}),
        );
        resources(it, &json!({"cpu": "500m"}), &json!({"cpu": "1"}));
    }),
    ("a paused Deployment that runs", |it| {
        it["hpas"][0]["target"]["known"]["paused"] = json!(true);
    }),
    ("a rollout that does not get on", |it| {
        it["hpas"][0]["target"]["known"]["conditions"] = json!([{"type": "Progressing", "status": "False",
            "reason": "ProgressDeadlineExceeded"}]);
    }),
    ("an evicted pod is left over", |it| {
        let mut evicted = it["hpas"][0]["pods"]["known"][0].clone();
        merge(
            &mut evicted,
            &json!({"name": "web-5f6d7c8b9-gone", "phase": "Failed", "reason": "Evicted"}),
        );
        it["hpas"][0]["pods"]["known"]
            .as_array_mut()
            .into_iter()
            .for_each(|pods| pods.push(evicted.clone()));
    }),
    ("a pod has ended, and changes nothing", |it| {
        pods(it, 2, 300);
        let mut ended = it["hpas"][0]["pods"]["known"][0].clone();
        merge(
            &mut ended,
            &json!({"name": "web-5f6d7c8b9-ended", "phase": "Succeeded", "reason": "Terminated"}),
        );
        let pods = it["hpas"][0]["pods"]["known"].as_array_mut();
        if let Some(pods) = pods {
            pods.push(ended);
        }
    }),
    ("a pod with a finalizer is going", |it| {
        let mut going = it["hpas"][0]["pods"]["known"][0].clone();
        merge(
            &mut going,
            &json!({"name": "web-5f6d7c8b9-going", "deletedAt": "2026-11-24T09:58:00Z", "finalizers": ["example.com/backup"]}),
        );
        let pods = it["hpas"][0]["pods"]["known"].as_array_mut();
        if let Some(pods) = pods {
            pods.push(going);
        }
    }),
    ("a new pod has no sample yet", |it| {
        pods(it, 3, 300);
        let hpa = &mut it["hpas"][0];
        merge(
            &mut hpa["pods"]["known"][2],
            &json!({"startTime": "2026-11-24T09:59:30Z", "createdAt": "2026-11-24T09:59:28Z"}),
        );
        hpa["podMetrics"]["known"]
            .as_array_mut()
            .into_iter()
            .for_each(|samples| samples.truncate(2));
    }),
    ("a StatefulSet creates its pods", |it| {
        kind(it, "apps/v1", "StatefulSet");
        pods(it, 2, 300);
        let hpa = &mut it["hpas"][0];
        hpa["scale"]["known"]["specReplicas"] = json!(3);
        merge(
            &mut hpa["pods"]["known"][1]["conditions"][0],
            &json!({"status": "False", "lastTransitionTime": "2026-11-24T09:59:40Z"}),
        );
        spec(it, &json!({"currentReplicas": 3, "desiredReplicas": 3}));
    }),
    ("rounding keeps a replica", |it| pods(it, 2, 205)),
    (
        "an idle sidecar with a large request, and an idle container",
        |it| {
            let hpa = &mut it["hpas"][0];
            let mut proxy = hpa["pods"]["known"][0]["containers"][0].clone();
            merge(
                &mut proxy,
                &json!({"name": "proxy", "resources": {"requests": {"cpu": "2"}}}),
            );
            let sample = json!({"name": "proxy", "usage": {"cpu": "3m", "memory": "20Mi"}});
            for (list, entry) in [("pods", &proxy), ("podMetrics", &sample)] {
                let containers = hpa[list]["known"][0]["containers"].as_array_mut();
                if let Some(containers) = containers {
                    containers.push(entry.clone());
                }
            }
        },
    ),
    ("a container was restarted", |it| {
        it["hpas"][0]["pods"]["known"][0]["containers"][0]["restarts"] = json!(7);
    }),
    ("the spec changed just now", |it| {
        spec(
            it,
            &json!({"generation": 4, "observedGeneration": 3, "specChangedAt": "2026-11-24T09:59:50Z"}),
        );
    }),
    ("the spec was seen", |it| {
        spec(
            it,
            &json!({"generation": 4, "observedGeneration": 4, "specChangedAt": "2026-11-20T09:59:50Z"}),
        );
    }),
];
