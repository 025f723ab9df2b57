//! Any object with a scale can be the target.

use serde_json::{Value, json};

use super::{autoscale, ready, said, space, spec, web};
use crate::support::{apply, kubectl, sandbox, until};
use crate::workloads::{requested, template, workload};

pub(super) fn what_it_scales() {
    let namespace = space("autoscale-targets");
    a_stateful_set(namespace);
    a_custom_resource(namespace);
    nothing_of_that_name(namespace);
    scaled_to_zero(namespace);
}

fn a_stateful_set(namespace: &str) {
    let template = template("db", &[requested()], &json!({}));
    apply(&[workload(namespace, "StatefulSet", "db", &template)]);
    ready(namespace, "statefulset/db");
    let ran = autoscale(namespace, "sts/db --cpu 60% --max 4").expect_code(0);
    insta::assert_snapshot!("stateful_set", said(&ran));
    assert_eq!(
        spec(namespace, "db")["scaleTargetRef"],
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"})
    );
}

/// A kind with a scale, whose pods are those of a Deployment.
fn a_custom_resource(namespace: &str) {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let scale = json!({"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector"});
    let version = json!({"name": "v1alpha1", "served": true, "storage": true, "subresources": {"scale": scale},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}}});
    apply(&[
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "fleets.scale.example.com"},
        "spec": {"group": "scale.example.com", "scope": "Namespaced", "versions": [version],
            "names": {"plural": "fleets", "kind": "Fleet", "singular": "fleet", "shortNames": ["flt"]}}}),
    ]);
    let fleet: Value = json!({"apiVersion": "scale.example.com/v1alpha1", "kind": "Fleet",
        "metadata": {"name": "cars", "namespace": namespace},
        "spec": {"replicas": 1}, "status": {"replicas": 1, "selector": "app=web"}});
    until("the kind is served", || {
        sandbox().apply_yaml(&fleet.to_string()).ok()
    });
    web(namespace);
    let target = json!({"apiVersion": "scale.example.com/v1alpha1", "kind": "Fleet", "name": "cars"});
    for word in ["fleet", "fleets", "flt", "Fleet"] {
        let words = format!("{word}.scale.example.com/cars --cpu 60% --max 4");
        let printed = autoscale(namespace, &format!("{words} --dry-run=server -o json")).expect_code(0);
        assert_eq!(printed.json()["spec"]["scaleTargetRef"], target, "{word}");
    }
    autoscale(namespace, "fleet.scale.example.com/cars --cpu 60% --max 4").expect_code(0);
    assert_eq!(spec(namespace, "cars")["scaleTargetRef"], target);
    kubectl(&format!("delete hpa cars -n {namespace}")).expect_code(0);
    let unknown = autoscale(namespace, "boat.scale.example.com/cars --cpu 60% --max 4").expect_code(3);
    insta::assert_snapshot!("unknown_kind", said(&unknown));
    let unknown = autoscale(namespace, "fleet.example.net/cars --cpu 60% --max 4").expect_code(3);
    insta::assert_snapshot!("unknown_group", said(&unknown));
}

fn nothing_of_that_name(namespace: &str) {
    let missing = autoscale(namespace, "nothing --cpu 60% --max 4").expect_code(3);
    insta::assert_snapshot!("no_deployment", said(&missing));
    let missing = autoscale(namespace, "statefulset/web --cpu 60% --max 4").expect_code(1);
    insta::assert_snapshot!("no_stateful_set", said(&missing));
}

/// An HPA does not wake it: no waiting helps.
fn scaled_to_zero(namespace: &str) {
    kubectl(&format!("scale deployment web -n {namespace} --replicas=0")).expect_code(0);
    until("its pods are gone", || {
        let pods = kubectl(&format!("get pods -l app=web -n {namespace} -o name"));
        pods.stdout.is_empty().then_some(())
    });
    let ran = autoscale(namespace, "web --cpu 60% --max 4").expect_code(1);
    let talk = said(&ran);
    assert!(talk.contains("TFS605"), "{talk}");
    assert!(
        talk.contains(
            "error: HorizontalPodAutoscaler autoscale-targets/web is written and cannot have a metric yet"
        ),
        "{talk}"
    );
}
