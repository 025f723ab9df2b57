//! Objects of a small shop, as an API server would serve them.

use serde_json::{Value, json};

use crate::mock::World;

/// Where the HPAs of a namespace are.
pub(crate) const HPAS: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers";
/// Where its pods are.
pub(crate) const PODS: &str = "/api/v1/namespaces/shop/pods";
/// Where their usage is.
pub(crate) const USAGE: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";
/// Where its Deployments are.
pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
/// Where its events are.
pub(crate) const EVENTS: &str = "/api/v1/namespaces/shop/events";
/// Where it is asked who may do what.
pub(crate) const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const API_SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";

/// An HPA that scales a target of its own name at 60 % cpu.
pub(crate) fn hpa(name: &str, api_version: &str, kind: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid-{name}"),
            "labels": {"app": name}, "creationTimestamp": "2026-01-02T03:04:05Z",
            "managedFields": [{"manager": "kube-controller-manager", "operation": "Update",
                "subresource": "status", "time": "2026-01-02T03:10:00Z"}],
        },
        "spec": {
            "scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name},
            "minReplicas": 1, "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource":
                {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}],
        },
        "status": {"currentReplicas": 1, "desiredReplicas": 1, "conditions": [
            {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale",
                "message": "recommended size matches current size", "lastTransitionTime": "2026-01-02T03:05:00Z"},
            {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound",
                "message": "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
                "lastTransitionTime": "2026-01-02T03:05:00Z"},
        ]},
    })
}

/// A Deployment of one container that requests 500m.
pub(crate) fn deployment(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-deployment-{name}"), "generation": 2,
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "time": "2026-01-02T03:04:00Z",
                "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container()]}},
        },
        "status": {"replicas": 1, "observedGeneration": 2,
            "conditions": [{"type": "Available", "status": "True"}]},
    })
}

fn container() -> Value {
    json!({
        "name": "web", "image": "web:1", "resources": {"requests": {"cpu": "500m"}},
        "env": [{"name": "TOKEN", "value": "a secret of the shop"}],
    })
}

/// A running pod of a Deployment.
pub(crate) fn pod(name: &str) -> Value {
    json!({
        "metadata": {
            "name": format!("{name}-5f6d-x"), "namespace": "shop", "labels": {"app": name, "pod-template-hash": "5f6d"},
            "creationTimestamp": "2026-01-02T03:04:05Z", "annotations": {"note": "another secret of the shop"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{name}-5f6d"),
                "uid": "r", "controller": true}],
        },
        "spec": {"nodeName": "n1", "containers": [container()]},
        "status": {"phase": "Running", "startTime": "2026-01-02T03:04:06Z",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:16Z"}],
            "containerStatuses": [{"name": "web", "ready": true, "restartCount": 0, "image": "", "imageID": "",
                "state": {"running": {}}}]},
    })
}

/// What metrics.k8s.io says of that pod.
pub(crate) fn usage(name: &str) -> Value {
    json!({
        "metadata": {"name": format!("{name}-5f6d-x"), "namespace": "shop", "labels": {"app": name}},
        "timestamp": "2026-01-02T03:10:00Z", "window": "15.046s",
        "containers": [{"name": "web", "usage": {"cpu": "2130m", "memory": "64Mi"}}],
    })
}

/// An event about an HPA.
pub(crate) fn event(name: &str) -> Value {
    json!({
        "metadata": {"name": format!("{name}.1"), "namespace": "shop"},
        "involvedObject": {"kind": "HorizontalPodAutoscaler", "name": name, "uid": format!("uid-{name}")},
        "type": "Warning", "reason": "FailedGetResourceMetric", "message": "missing request for cpu", "count": 3,
        "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:05:05Z",
    })
}

/// The API server's word on whether whoever asks may do something.
pub(crate) fn review(allowed: bool) -> Value {
    json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {},
        "status": {"allowed": allowed}})
}

/// A healthy shop: workloads with an HPA each, and a metrics API that answers.
pub(crate) fn shop(names: &[&str]) -> World {
    let mut world = World::default();
    let all = |make: fn(&str) -> Value| names.iter().map(|name| make(name)).collect::<Vec<_>>();
    world
        .collections
        .insert(HPAS.to_owned(), all(|name| hpa(name, "apps/v1", "Deployment")));
    world.collections.insert(DEPLOYMENTS.to_owned(), all(deployment));
    world.collections.insert(PODS.to_owned(), all(pod));
    world.collections.insert(USAGE.to_owned(), all(usage));
    world.collections.insert(EVENTS.to_owned(), all(event));
    world.collections.insert(
        API_SERVICES.to_owned(),
        vec![json!({
            "metadata": {"name": "v1beta1.metrics.k8s.io", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100,
                "versionPriority": 100, "service": {"namespace": "kube-system", "name": "metrics-server", "port": 443}},
            "status": {"conditions": [{"type": "Available", "status": "True", "reason": "Passed"}]},
        })],
    );
    world.documents.insert(
        "/version".to_owned(),
        json!({"major": "1", "minor": "37", "gitVersion": "v1.37.2", "gitCommit": "", "gitTreeState": "",
            "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
    );
    add_metrics_server(&mut world);
    world
}

fn add_metrics_server(world: &mut World) {
    world.collections.insert(
        "/api/v1/namespaces/kube-system/services".to_owned(),
        vec![json!({"metadata": {"name": "metrics-server"}, "spec": {"selector": {"k8s-app": "metrics-server"}}})],
    );
    world.collections.insert(
        "/api/v1/namespaces/kube-system/pods".to_owned(),
        vec![json!({
            "metadata": {"name": "metrics-server-1", "namespace": "kube-system",
                "labels": {"k8s-app": "metrics-server"}},
            "spec": {"containers": [{"name": "metrics-server", "args": ["--secure-port=10250"]}]},
            "status": {"phase": "Running"},
        })],
    );
    world.documents.insert(
        "/api/v1/namespaces/kube-system/pods/metrics-server-1/log".to_owned(),
        json!("2026-01-02T03:04:05Z I0102 serving\n2026-01-02T03:04:06Z E0102 \"Failed to scrape node\" err=\"x509: no\"\n"),
    );
}
