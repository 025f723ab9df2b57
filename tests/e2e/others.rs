//! Somebody else: other HPAs, what writes an HPA, and who refuses pods.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Ran, explain, field, sandbox, until};

const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')].reason}";

fn apply(objects: &[Value]) {
    let mut manifests = String::new();
    for object in objects {
        write!(manifests, "---\n{object}\n").expect("a String takes all");
    }
    sandbox().apply_yaml(&manifests).expect("the manifests apply");
}

/// A Deployment of one pod whose selector and template have these labels.
fn deployment(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "app", "image": "example/app:1",
                "resources": {"requests": {"cpu": "100m"}}}]}}}})
}

/// An HPA of the Deployment of its own name.
fn hpa(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1, "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource":
                {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}})
}

/// Waits for the reason of the condition `ScalingActive`.
#[track_caller]
fn says(namespace: &str, hpa: &str, wanted: &str) {
    until(&format!("{namespace}/{hpa} says {wanted}"), || {
        (field(namespace, &format!("hpa/{hpa}"), ACTIVE) == wanted).then_some(())
    });
}

/// Waits until the explanation has the code first, and returns that finding.
#[track_caller]
fn first(namespace: &str, hpa: &str, code: &str) -> Value {
    until(&format!("{code} comes first for {namespace}/{hpa}"), || {
        let finding = explain(namespace, hpa)["findings"][0].clone();
        (finding["code"] == code).then_some(finding)
    })
}

/// Types a repair as a person would, pipes and all.
#[track_caller]
fn type_fix(finding: &Value, index: usize) {
    let command = finding["fix"][index]["command"]
        .as_str()
        .unwrap_or_else(|| panic!("no command: {finding:#}"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::iter::once(sandbox().kubectl_directory()).chain(std::env::split_paths(&path));
    let ran: Ran = Command::new("sh")
        .args(["-c", command])
        .env("PATH", std::env::join_paths(directories).expect("a path"))
        .env("KUBECONFIG", sandbox().kubeconfig())
        .output()
        .expect("sh runs")
        .into();
    ran.expect_code(0);
}

#[test]
fn selectors_of_two_targets_overlap() {
    let space = sandbox().namespace("overlap").expect("a namespace");
    let namespace = space.name();
    apply(&[
        deployment(namespace, "web", &json!({"app": "web"})),
        deployment(namespace, "canary", &json!({"app": "web", "track": "canary"})),
        hpa(namespace, "web"),
        hpa(namespace, "canary"),
    ]);
    for (name, other) in [("web", "canary"), ("canary", "web")] {
        says(namespace, name, "AmbiguousSelector");
        let finding = first(namespace, name, "TFS201");
        let at_fault = &finding["objects"][0];
        assert_eq!(at_fault["kind"], "Deployment", "{finding:#}");
        assert_eq!(at_fault["name"], "web", "{finding:#}");
        assert_eq!(finding["objects"][2]["name"], other, "{finding:#}");
        let proof = finding["evidence"].to_string();
        assert!(
            proof.contains("\"app=web,track=canary\"") && proof.contains("canary-"),
            "both selectors and the pod in common are proved: {proof}"
        );
    }
    type_fix(&first(namespace, "web", "TFS201"), 0);
    // No metrics are served in this test: what is left is another cause.
    for name in ["web", "canary"] {
        until("the selectors are apart", || {
            let reason = field(namespace, &format!("hpa/{name}"), ACTIVE);
            (!reason.is_empty() && reason != "AmbiguousSelector").then_some(())
        });
        assert_ne!(explain(namespace, name)["findings"][0]["code"], "TFS201");
    }
}
