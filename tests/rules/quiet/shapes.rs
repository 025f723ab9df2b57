//! The target, its limits, its behavior and its metrics.

use serde_json::{Value, json};

use super::changes::{Change, down_rules, kind, pods, reported, resources, spec, up_rules};

pub(super) const HEALTHY: &[(&str, Change)] = &[
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
];
