//! Targets that a controller keeps at zero on purpose: Flagger, Argo Rollouts, and what sleeps at night.

use serde_json::{Value, json};

use crate::fixtures::says;
use crate::support::{apply, explain, field, kubectl, running, sandbox, type_fix, until};
use crate::workloads::{cpu, deployment, hpa, requested};

/// As the controllers that are called so would do.
fn scaled_to_zero(namespace: &str, manager: &str) {
    let zero = json!({"spec": {"replicas": 0}});
    kubectl(&format!(
        "patch deployment web -n {namespace} --field-manager={manager} --type=merge -p {zero}"
    ))
    .expect_code(0);
}

fn at_zero(namespace: &str) -> Value {
    says(namespace, "web", "ScalingDisabled");
    let answer = explain(namespace, "web");
    let findings = answer["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["code"] == "TFS605");
    found.unwrap_or_else(|| panic!("{answer:#}")).clone()
}

#[test]
fn a_rollout_has_taken_over() {
    let space = sandbox().namespace("taken-over").expect("a namespace");
    let namespace = space.name();
    apply(&[
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {"group": "argoproj.io", "scope": "Namespaced",
            "names": {"plural": "rollouts", "kind": "Rollout", "singular": "rollout"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true,
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                    "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}),
        deployment(namespace, "web", &[requested()]),
        hpa(namespace, "Deployment", "web", &cpu(60)),
    ]);
    running(namespace, "web", 1);
    let rollout = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "web-rollout", "namespace": namespace},
        "spec": {"replicas": 1, "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
    until("Rollout is served", || {
        sandbox().apply_yaml(&rollout.to_string()).ok()
    });
    scaled_to_zero(namespace, "rollouts-controller");
    let finding = at_zero(namespace);
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    type_fix(&finding, 0);
    let scaled = field(
        namespace,
        "hpa/web",
        "{.spec.scaleTargetRef.kind}/{.spec.scaleTargetRef.name}",
    );
    assert_eq!(scaled, "Rollout/web-rollout");
    kubectl("delete crd rollouts.argoproj.io --wait=false").expect_code(0);
}

#[test]
fn flagger_rests() {
    let space = sandbox().namespace("flagger").expect("a namespace");
    let namespace = space.name();
    apply(&[
        deployment(namespace, "web", &[requested()]),
        deployment(namespace, "web-primary", &[requested()]),
        hpa(namespace, "Deployment", "web", &cpu(60)),
    ]);
    running(namespace, "web", 1);
    scaled_to_zero(namespace, "flagger");
    let finding = at_zero(namespace);
    assert_eq!(finding["severity"], "info", "{finding:#}");
    assert!(
        finding["title"]
            .as_str()
            .is_some_and(|title| title.contains("Deployment/web-primary serves")),
        "{finding:#}"
    );
}

#[test]
fn asleep_by_the_clock() {
    let space = sandbox().namespace("asleep").expect("a namespace");
    let namespace = space.name();
    apply(&[
        deployment(namespace, "web", &[requested()]),
        hpa(namespace, "Deployment", "web", &cpu(60)),
    ]);
    running(namespace, "web", 1);
    kubectl(&format!(
        "annotate deployment web -n {namespace} downscaler/original-replicas=1"
    ))
    .expect_code(0);
    // Its client library calls itself something else.
    scaled_to_zero(namespace, "pykube-ng");
    let finding = at_zero(namespace);
    assert_eq!(finding["severity"], "info", "{finding:#}");
}
