//! HPAs that KEDA writes.

use serde_json::{Value, json};
use tfserve_sandbox::MetricsServer;

use crate::fixtures::{deployment, first, hpa, says};
use crate::support::{apply, explain, field, kubectl, sandbox, type_fix, until, with_metrics_server};

/// The least that a `ScaledObject` needs to be stored; KEDA itself does not run here.
pub(crate) fn scaled_objects() -> Value {
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
pub(crate) fn kept(namespace: &str, scaled_object: &Value) -> Value {
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
