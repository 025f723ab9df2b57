//! A Deployment, its HPA, and what is waited for.

use serde_json::{Value, json};

use crate::support::{explain, field, until};

/// The reason of the condition `ScalingActive`.
pub(crate) const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')].reason}";

/// A Deployment of one pod whose selector and template have these labels.
pub(crate) fn deployment(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "app", "image": "example/app:1",
                "resources": {"requests": {"cpu": "100m"}}}]}}}})
}

/// An HPA of the Deployment of its own name.
pub(crate) fn hpa(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1, "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource":
                {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}})
}

/// Waits for the reason of the condition `ScalingActive`.
#[track_caller]
pub(crate) fn says(namespace: &str, hpa: &str, wanted: &str) {
    until(&format!("{namespace}/{hpa} says {wanted}"), || {
        (field(namespace, &format!("hpa/{hpa}"), ACTIVE) == wanted).then_some(())
    });
}

/// Waits until the explanation has the code first, and returns that finding.
#[track_caller]
pub(crate) fn first(namespace: &str, hpa: &str, code: &str) -> Value {
    until(&format!("{code} comes first for {namespace}/{hpa}"), || {
        let finding = explain(namespace, hpa)["findings"][0].clone();
        (finding["code"] == code).then_some(finding)
    })
}
