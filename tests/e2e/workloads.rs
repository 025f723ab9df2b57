//! Small workloads and their HPAs, as objects of the API.

use serde_json::{Value, json};
use tfserve_sandbox::{CPU_ANNOTATION, MEMORY_ANNOTATION};

pub(crate) fn container(name: &str, resources: &Value) -> Value {
    json!({"name": name, "image": "example/app:1", "resources": resources})
}

pub(crate) fn requested() -> Value {
    container("app", &json!({"requests": {"cpu": "100m", "memory": "64Mi"}}))
}

/// A template whose pods have the label `app`, and use 30m in each container.
pub(crate) fn template(name: &str, containers: &[Value], spec: &Value) -> Value {
    let mut template = json!({"metadata": {"labels": {"app": name},
        "annotations": {CPU_ANNOTATION: "30m", MEMORY_ANNOTATION: "20Mi"}}, "spec": spec});
    template["spec"]["containers"] = json!(containers);
    template
}

pub(crate) fn workload(namespace: &str, kind: &str, name: &str, template: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}})
}

pub(crate) fn deployment(namespace: &str, name: &str, containers: &[Value]) -> Value {
    workload(
        namespace,
        "Deployment",
        name,
        &template(name, containers, &json!({})),
    )
}

pub(crate) fn cpu(percent: i32) -> Value {
    json!([{"type": "Resource", "resource":
        {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}])
}

pub(crate) fn hpa(namespace: &str, kind: &str, name: &str, metrics: &Value) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name},
            "minReplicas": 1, "maxReplicas": 4, "metrics": metrics}})
}

/// Sets the usage of each pod, and how many there are.
pub(crate) fn usage(workload: &mut Value, cpu: &str, replicas: i32) {
    workload["spec"]["replicas"] = json!(replicas);
    workload["spec"]["template"]["metadata"]["annotations"][CPU_ANNOTATION] = json!(cpu);
}

/// A pod of nobody with the label of a workload and no request.
pub(crate) fn bare(namespace: &str, pod: &str, app: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": pod, "namespace": namespace, "labels": {"app": app}},
        "spec": {"containers": [container("shell", &json!({}))]}})
}
