//! References that name nothing, or something that cannot be scaled, and definitions that say too little.

use serde_json::{Value, json};
use tfserve_sandbox::MetricsServer;

use crate::support::{apply, explain, field, kubectl, sandbox, type_fix, until, with_metrics_server};

const ABLE: &str = "{.status.conditions[?(@.type=='AbleToScale')].reason}";
const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')].reason}";
const GROUP: &str = "e2e.example.com";

fn deployment(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "app", "image": "example/app:1",
                "resources": {"requests": {"cpu": "100m"}}}]}}}})
}

/// An HPA called web.
fn hpa(namespace: &str, api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name},
            "minReplicas": 1, "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource":
                {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}})
}

/// Waits for the real symptom, a reason of a condition, and returns the first finding.
#[track_caller]
fn cause(namespace: &str, condition: &str, reason: &str, code: &str) -> Value {
    until(&format!("{namespace} says {reason}"), || {
        (field(namespace, "hpa/web", condition) == reason).then_some(())
    });
    let finding = explain(namespace, "web")["findings"][0].clone();
    assert_eq!(finding["code"], code, "{finding:#}");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    finding
}

/// Waits until the controller reads the scale.
#[track_caller]
fn scale_is_read(namespace: &str) {
    until(&format!("the scale in {namespace} is read"), || {
        let reason = field(namespace, "hpa/web", ABLE);
        (!reason.is_empty() && reason != "FailedGetScale").then_some(())
    });
}

#[test]
fn what_a_reference_may_have_meant() {
    let spaces: Vec<_> = ["typo", "kind", "away", "store", "plural", "gone"]
        .into_iter()
        .map(|name| sandbox().namespace(name).expect("a namespace"))
        .collect();
    let [typo, kind, away, store, plural, gone] = [0, 1, 2, 3, 4, 5].map(|index: usize| spaces[index].name());
    let only_here = format!("only-in-{store}");
    apply(&[
        deployment(typo, "webserver"),
        hpa(typo, "apps/v1", "Deployment", "web-server"),
        deployment(kind, "web"),
        hpa(kind, "apps/v1", "StatefulSet", "web"),
        deployment(store, &only_here),
        hpa(away, "apps/v1", "Deployment", &only_here),
        deployment(plural, "web"),
        hpa(plural, "apps/v1", "Deployments", "web"),
        deployment(gone, "web"),
        hpa(gone, "argoproj.io/v1alpha1", "Rollout", "web"),
    ]);
    for (namespace, code) in [
        (typo, "TFS101"),
        (kind, "TFS101"),
        (plural, "TFS102"),
        (gone, "TFS102"),
    ] {
        let finding = cause(namespace, ABLE, "FailedGetScale", code);
        assert_eq!(
            finding["objects"][0]["kind"], "HorizontalPodAutoscaler",
            "{finding:#}"
        );
        type_fix(&finding, 0);
        scale_is_read(namespace);
    }
    let finding = cause(away, ABLE, "FailedGetScale", "TFS101");
    let title = finding["title"].as_str().unwrap_or_default();
    assert!(title.contains(&format!("namespace {store} has it")), "{title}");
    type_fix(&finding, 0);
    scale_is_read(store);
}

#[test]
fn a_replica_set_of_a_deployment_is_no_target() {
    let space = sandbox().namespace("owned").expect("a namespace");
    let namespace = space.name();
    apply(&[deployment(namespace, "web")]);
    let name = until("the ReplicaSet is there", || {
        let name = field(namespace, "replicasets", "{.items[0].metadata.name}");
        (!name.is_empty()).then_some(name)
    });
    let mut object = hpa(namespace, "apps/v1", "ReplicaSet", &name);
    object["spec"]["minReplicas"] = json!(2);
    apply(&[object]);
    until("the HPA scales it and the Deployment takes it back", || {
        let events = field(namespace, "events", "{.items[*].reason}");
        (events.contains("SuccessfulRescale")
            && field(namespace, "deployment/web", "{.spec.replicas}") == "1")
            .then_some(())
    });
    let finding = explain(namespace, "web")["findings"][0].clone();
    assert_eq!(finding["code"], "TFS107", "{finding:#}");
    type_fix(&finding, 0);
    until("the Deployment has the replicas", || {
        (field(namespace, "deployment/web", "{.spec.replicas}") == "2").then_some(())
    });
}

/// A definition whose scale has these paths; none of them declares no scale.
fn definition(kind: &str, replicas: Option<&str>, selector: Option<&str>) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    let mut version = json!({"name": "v1", "served": true, "storage": true, "subresources": {},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}});
    if let Some(replicas) = replicas {
        version["subresources"]["scale"] =
            json!({"specReplicasPath": replicas, "statusReplicasPath": ".status.replicas"});
        if let Some(selector) = selector {
            version["subresources"]["scale"]["labelSelectorPath"] = json!(selector);
        }
    }
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {"group": GROUP, "scope": "Namespaced", "versions": [version],
            "names": {"plural": plural, "kind": kind, "singular": kind.to_lowercase()}}})
}

fn resource(namespace: &str, kind: &str, selector: &str) -> Value {
    json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind,
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 1}, "status": {"replicas": 1, "selector": selector}})
}

#[test]
fn definitions_that_say_too_little() {
    let kinds = ["Bare", "Astray", "Blind", "Garbled"];
    let spaces: Vec<_> = kinds
        .into_iter()
        .map(|name| sandbox().namespace(&name.to_lowercase()).expect("a namespace"))
        .collect();
    let [bare, astray, blind, garbled] = [0, 1, 2, 3].map(|index: usize| spaces[index].name());
    let status = Some(".status.selector");
    apply(&[
        definition("Bare", None, None),
        definition("Astray", Some(".spec.size"), status),
        definition("Blind", Some(".spec.replicas"), None),
        definition("Garbled", Some(".spec.replicas"), status),
    ]);
    for (kind, space) in kinds.iter().zip(&spaces) {
        let selector = if *kind == "Garbled" {
            r#"{"matchLabels":{"app":"web"}}"#
        } else {
            "app=web"
        };
        let object = resource(space.name(), kind, selector);
        until(&format!("{kind} is served"), || {
            sandbox().apply_yaml(&object.to_string()).ok()
        });
        apply(&[hpa(space.name(), &format!("{GROUP}/v1"), kind, "web")]);
    }
    let at_fault = |finding: &Value, kind: &str| {
        let named = finding["objects"].to_string();
        assert!(named.contains(kind), "{finding:#}");
    };
    // A kind that is new to the controller is unknown to it for up to half a minute.
    for (namespace, words) in [
        (bare, "bares.e2e.example.com \"web\" not found"),
        (astray, "the spec replicas field"),
        (blind, "missing a selector"),
        (garbled, "failed to parse target selector"),
    ] {
        until(&format!("{namespace} says {words}"), || {
            field(namespace, "hpa/web", "{.status.conditions[*].message}")
                .contains(words)
                .then_some(())
        });
    }
    let finding = cause(bare, ABLE, "FailedGetScale", "TFS103");
    at_fault(&finding, "CustomResourceDefinition");
    type_fix(&finding, 0);
    let finding = cause(astray, ABLE, "FailedGetScale", "TFS105");
    at_fault(&finding, "CustomResourceDefinition");
    type_fix(&finding, 0);
    let finding = cause(blind, ACTIVE, "InvalidSelector", "TFS202");
    at_fault(&finding, "CustomResourceDefinition");
    type_fix(&finding, 0);
    let finding = cause(garbled, ABLE, "FailedGetScale", "TFS203");
    at_fault(&finding, "Garbled");
    type_fix(&finding, 0);
    for namespace in [bare, astray, garbled] {
        scale_is_read(namespace);
    }
    until("the selector is read", || {
        (field(blind, "hpa/web", ACTIVE) != "InvalidSelector").then_some(())
    });
    for kind in kinds {
        sandbox()
            .run_kubectl(
                &[
                    "delete",
                    "crd",
                    &format!("{}s.{GROUP}", kind.to_lowercase()),
                    "--wait=false",
                ],
                None,
            )
            .expect("the definition is deleted");
    }
}

/// A kind of the very name in another group, as operators bring one: the HPA names the built-in one, which has no such object.
#[test]
fn the_same_kind_of_another_group() {
    let space = sandbox().namespace("stand-in").expect("a namespace");
    let namespace = space.name();
    apply(&[definition(
        "StatefulSet",
        Some(".spec.replicas"),
        Some(".status.selector"),
    )]);
    let object = resource(namespace, "StatefulSet", "app=web");
    until("the custom StatefulSet is served", || {
        sandbox().apply_yaml(&object.to_string()).ok()
    });
    apply(&[hpa(namespace, "apps/v1", "StatefulSet", "web")]);
    let finding = cause(namespace, ABLE, "FailedGetScale", "TFS101");
    let title = finding["title"].as_str().unwrap_or_default();
    assert!(title.contains(GROUP), "{title}");
    type_fix(&finding, 0);
    scale_is_read(namespace);
    kubectl(&format!("delete crd statefulsets.{GROUP} --wait=false")).expect_code(0);
}

/// An operator that writes a selector with a slip: the pods that it speaks of are not found.
#[test]
fn a_selector_that_matches_nothing() {
    let space = sandbox().namespace("slip").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&[definition(
        "Slip",
        Some(".spec.replicas"),
        Some(".status.selector"),
    )]);
    let object = resource(namespace, "Slip", "app=wbe");
    until("Slip is served", || {
        sandbox().apply_yaml(&object.to_string()).ok()
    });
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web-0", "namespace": namespace, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "example/app:1",
            "resources": {"requests": {"cpu": "100m"}}}]}});
    apply(&[pod, hpa(namespace, &format!("{GROUP}/v1"), "Slip", "web")]);
    until("the controller gets no metrics", || {
        field(namespace, "hpa/web", "{.status.conditions[*].message}")
            .contains("no metrics returned from resource metrics API")
            .then_some(())
    });
    let finding = explain(namespace, "web")["findings"][0].clone();
    assert_eq!(finding["code"], "TFS204", "{finding:#}");
    assert!(finding["objects"].to_string().contains("Slip"), "{finding:#}");
    // What the operator would do: the repair is advice.
    let selector = r#"{"status":{"selector":"app=web"}}"#;
    kubectl(&format!(
        "patch slips.{GROUP} web -n {namespace} --type=merge -p {selector}"
    ))
    .expect_code(0);
    until("the HPA computes", || {
        (field(namespace, "hpa/web", ACTIVE) == "ValidMetricFound").then_some(())
    });
    kubectl(&format!("delete crd slips.{GROUP} --wait=false")).expect_code(0);
}
