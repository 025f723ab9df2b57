//! Many shapes of a healthy HPA, and nothing to warn of in any of them.

use kubectl_tfserve::diagnosis::{Severity, diagnose};
use kubectl_tfserve::facts::{Fact, Facts};
use serde_json::{Value, json};

use super::{read, root, text};

/// A change of the facts of an idle HPA that leaves it healthy.
type Change = fn(&mut Value);

fn merge(into: &mut Value, patch: &Value) {
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
fn spec(facts: &mut Value, patch: &Value) {
    merge(&mut facts["hpas"][0]["hpa"], patch);
}

/// Another kind of target, that owns its pods itself.
fn kind(facts: &mut Value, api_version: &str, kind: &str) {
    let target = json!({"apiVersion": api_version, "kind": kind});
    spec(facts, &json!({ "target": target }));
    merge(&mut facts["hpas"][0]["target"]["known"], &target);
    merge(
        &mut facts["hpas"][0]["pods"]["known"][0]["owner"],
        &json!({"kind": kind, "name": "web"}),
    );
}

/// As many equal pods as given, with a usage in thousandths of a cpu.
fn pods(facts: &mut Value, number: i32, cpu: i32) {
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

fn limited(facts: &mut Value, status: &str, reason: &str, message: &str) {
    merge(
        &mut facts["hpas"][0]["hpa"]["conditions"][2],
        &json!({"status": status, "reason": reason, "message": message}),
    );
}

/// A metric whose value only the status tells.
fn reported(facts: &mut Value, metric: &Value, current: &Value) {
    let mut status = json!({"type": metric["type"], "name": metric["name"]});
    status["current"] = current.clone();
    spec(facts, &json!({"metrics": [metric], "currentMetrics": [status]}));
}

fn resources(facts: &mut Value, requests: &Value, limits: &Value) {
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
fn serving(facts: &mut Value, patch: &Value) {
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

fn event(facts: &mut Value, reason: &str, message: &str, type_: &str) {
    let events = facts["hpas"][0]["events"]["known"].as_array_mut();
    if let Some(events) = events {
        events.push(
            json!({"type": type_, "reason": reason, "message": message, "count": 40,
            "firstSeen": "2026-11-24T09:00:00Z", "lastSeen": "2026-11-24T09:20:00Z"}),
        );
    }
}

/// What was read of the controller, with a lease or without.
fn looked_after(facts: &mut Value, lease: &Value) {
    facts["cluster"]["hpaController"] = json!({"known": {"lease": lease, "role": {"known": true},
        "bound": {"known": ["ServiceAccount kube-system/horizontal-pod-autoscaler"]}}});
}

fn up_rules(facts: &mut Value, rules: &Value) {
    spec(facts, &json!({"behavior": {"scaleUp": rules}}));
}

fn down_rules(facts: &mut Value, rules: &Value) {
    spec(facts, &json!({"behavior": {"scaleDown": rules}}));
}

const HEALTHY: &[(&str, Change)] = &[
    ("idle", |_| {}),
    ("stateful set", |it| kind(it, "apps/v1", "StatefulSet")),
    ("replica set", |it| kind(it, "apps/v1", "ReplicaSet")),
    ("replication controller", |it| {
        kind(it, "v1", "ReplicationController");
    }),
    ("custom kind", |it| kind(it, "argoproj.io/v1alpha1", "Rollout")),
    ("custom kind without a template", |it| {
        kind(it, "example.com/v1", "Widget");
        it["hpas"][0]["target"]["known"]["template"] = Value::Null;
    }),
    ("old version of the group", |it| {
        spec(it, &json!({"target": {"apiVersion": "apps/v1beta2"}}));
    }),
    ("kind in lower case", |it| {
        spec(it, &json!({"target": {"kind": "deployment"}}));
    }),
    ("at target, 2 pods", |it| pods(it, 2, 300)),
    ("a little above target", |it| pods(it, 2, 320)),
    ("a little below target", |it| pods(it, 3, 280)),
    ("at the maximum and content", |it| pods(it, 4, 300)),
    ("minimum is maximum, idle", |it| {
        spec(it, &json!({"minReplicas": 3, "maxReplicas": 3}));
        pods(it, 3, 1);
    }),
    ("minimum is maximum is one", |it| {
        spec(it, &json!({"minReplicas": 1, "maxReplicas": 1}));
    }),
    ("no minimum given", |it| spec(it, &json!({"minReplicas": null}))),
    ("scaling down later", |it| pods(it, 3, 100)),
    ("scaling up now", |it| pods(it, 2, 500)),
    ("scaling down is switched off, idle", |it| {
        down_rules(it, &json!({"selectPolicy": "Disabled"}));
        pods(it, 3, 5);
    }),
    ("scaling up is switched off, idle", |it| {
        up_rules(it, &json!({"selectPolicy": "Disabled"}));
    }),
    ("slow policies, at target", |it| {
        up_rules(
            it,
            &json!({"policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}),
        );
        pods(it, 2, 300);
    }),
    ("slow policies, on the way up", |it| {
        up_rules(
            it,
            &json!({"policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}),
        );
        pods(it, 2, 500);
    }),
    ("no window for scaling down", |it| {
        down_rules(it, &json!({"stabilizationWindowSeconds": 0}));
    }),
    ("a window for scaling up", |it| {
        up_rules(it, &json!({"stabilizationWindowSeconds": 300}));
        pods(it, 2, 450);
    }),
    ("a tolerance of its own", |it| {
        up_rules(it, &json!({"tolerance": "200m"}));
        pods(it, 2, 350);
    }),
    ("memory as a percentage", |it| {
        resources(it, &json!({"memory": "128Mi"}), &json!({}));
        it["hpas"][0]["podMetrics"]["known"][0]["containers"][0]["usage"]["memory"] = json!("64Mi");
        reported(
            it,
            &json!({"type": "Resource", "name": "memory", "target": {"averageUtilization": 70}}),
            &json!({"averageUtilization": 50, "averageValue": "64Mi"}),
        );
    }),
    ("memory as a value, without a request", |it| {
        it["hpas"][0]["podMetrics"]["known"][0]["containers"][0]["usage"]["memory"] = json!("64Mi");
        reported(
            it,
            &json!({"type": "Resource", "name": "memory", "target": {"averageValue": "100Mi"}}),
            &json!({"averageValue": "64Mi"}),
        );
    }),
    ("one container's cpu", |it| {
        reported(
            it,
            &json!({"type": "ContainerResource", "name": "cpu", "container": "app", "target": {"averageUtilization": 60}}),
            &json!({"averageUtilization": 0, "averageValue": "2m"}),
        );
    }),
    ("an external metric", |it| {
        reported(
            it,
            &json!({"type": "External", "name": "queue", "target": {"averageValue": "10"}}),
            &json!({"averageValue": "4"}),
        );
    }),
    ("KEDA owns it", |it| {
        reported(
            it,
            &json!({"type": "External", "name": "s0-rabbitmq-jobs", "selector": "scaledobject.keda.sh/name=web",
                "target": {"averageValue": "5"}}),
            &json!({"averageValue": "2"}),
        );
        spec(it, &json!({"name": "keda-hpa-web"}));
    }),
    ("an object metric", |it| {
        reported(
            it,
            &json!({"type": "Object", "name": "hits", "object": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                "name": "web"}, "target": {"value": "100"}}),
            &json!({"value": "20"}),
        );
    }),
    ("a pods metric", |it| {
        reported(
            it,
            &json!({"type": "Pods", "name": "rps", "target": {"averageValue": "50"}}),
            &json!({"averageValue": "20"}),
        );
    }),
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

#[test]
fn no_healthy_shape_is_warned_of() {
    assert!(HEALTHY.len() >= 60, "{}", HEALTHY.len());
    let idle = read(&root().join("TFS601/fires.yaml"));
    let idle = serde_json::to_value(&idle).expect("facts have a form in JSON");
    let mut noisy = Vec::new();
    for (name, change) in HEALTHY {
        let mut facts = idle.clone();
        change(&mut facts);
        let facts: Facts = serde_json::from_value(facts).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(facts.hpas[0].pods, Fact::Known(_)), "{name}");
        let answer = diagnose(&facts);
        let quiet = answer.items[0]
            .findings
            .iter()
            .all(|finding| finding.severity == Severity::Info);
        if !quiet {
            noisy.push(format!("{name}\n{}", text(&answer)));
        }
    }
    assert!(noisy.is_empty(), "{}", noisy.join("\n"));
}
