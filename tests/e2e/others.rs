//! Somebody else: other HPAs, what writes an HPA, and who refuses pods.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use tfserve_sandbox::MetricsServer;

use crate::support::{Ran, explain, field, kubectl, sandbox, until, with_metrics_server};

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

/// The least that a `ScaledObject` needs to be stored; KEDA itself does not run here.
fn scaled_objects() -> Value {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "scaledobjects.keda.sh"},
        "spec": {"group": "keda.sh", "scope": "Namespaced",
            "names": {"kind": "ScaledObject", "listKind": "ScaledObjectList", "plural": "scaledobjects",
                "singular": "scaledobject"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object",
                    "properties": {"spec": anything, "status": anything}}}}]}})
}

/// A `ScaledObject` called web, and the HPA that KEDA would write from it.
fn kept(namespace: &str, scaled_object: &Value) -> Value {
    let mut object = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"scaleTargetRef": {"name": "web"}, "maxReplicaCount": 2, "triggers": [{"type": "cpu"}]}});
    for (key, value) in scaled_object.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    until("the ScaledObject can be stored", || {
        sandbox().apply_yaml(&object.to_string()).ok()
    });
    let uid = field(namespace, "scaledobject/web", "{.metadata.uid}");
    let mut hpa = hpa(namespace, "web");
    hpa["metadata"] = json!({"name": "keda-hpa-web", "namespace": namespace,
        "labels": {"app.kubernetes.io/managed-by": "keda-operator"},
        "ownerReferences": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web",
            "uid": uid, "controller": true, "blockOwnerDeletion": true}]});
    hpa["spec"]["maxReplicas"] = json!(2);
    hpa
}

#[test]
fn keda_writes_the_hpa() {
    let busy = sandbox().namespace("keda-busy").expect("a namespace");
    let beside = sandbox().namespace("keda-beside").expect("a namespace");
    let asleep = sandbox().namespace("keda-asleep").expect("a namespace");
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&[scaled_objects()]);
    let usage = json!({ tfserve_sandbox::CPU_ANNOTATION: "200m" });
    for space in [&busy, &beside, &asleep] {
        let namespace = space.name();
        let mut web = deployment(namespace, "web", &json!({"app": "web"}));
        web["spec"]["template"]["metadata"]["annotations"] = usage.clone();
        apply(&[web, kept(namespace, &json!({}))]);
    }
    apply(&[hpa(beside.name(), "web")]);

    at_the_maximum_of_a_scaled_object(busy.name());
    made_by_hand_beside_it(beside.name());
    asleep_at_zero(asleep.name());
}

fn at_the_maximum_of_a_scaled_object(namespace: &str) {
    until("the HPA wants more than it may", || {
        let reason = "{.status.conditions[?(@.type=='ScalingLimited')].reason}";
        (field(namespace, "hpa/keda-hpa-web", reason) == "TooManyReplicas").then_some(())
    });
    let finding = first(namespace, "keda-hpa-web", "TFS602");
    type_fix(&finding, 0);
    let maximum = field(namespace, "scaledobject/web", "{.spec.maxReplicaCount}");
    assert!(
        maximum.parse().is_ok_and(|maximum: i32| maximum > 2),
        "the ScaledObject was changed, not the HPA: {maximum}"
    );
    assert_eq!(field(namespace, "hpa/keda-hpa-web", "{.spec.maxReplicas}"), "2");
}

fn made_by_hand_beside_it(namespace: &str) {
    says(namespace, "keda-hpa-web", "AmbiguousSelector");
    for name in ["web", "keda-hpa-web"] {
        let finding = first(namespace, name, "TFS201");
        let command = finding["fix"][0]["command"].as_str().unwrap_or_default();
        assert_eq!(
            command,
            format!("kubectl delete hpa web -n {namespace}"),
            "{finding:#}"
        );
    }
    type_fix(&first(namespace, "keda-hpa-web", "TFS201"), 0);
    says(namespace, "keda-hpa-web", "ValidMetricFound");
}

fn asleep_at_zero(namespace: &str) {
    kubectl(&format!("scale deployment web -n {namespace} --replicas=0")).expect_code(0);
    says(namespace, "keda-hpa-web", "ScalingDisabled");
    let answer = explain(namespace, "keda-hpa-web");
    assert_eq!(answer["verdict"], "healthy", "{answer:#}");
    assert_eq!(answer["findings"][0]["code"], "TFS605", "{answer:#}");
}
