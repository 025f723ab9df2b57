//! A custom resource whose operator does not act on what the HPA writes.

use serde_json::{Value, json};
use tfserve_sandbox::{CPU_ANNOTATION, MetricsServer};

use crate::fixtures::{first, says};
use crate::support::{apply, explain, field, kubectl, sandbox, type_fix, until, with_metrics_server};
use crate::workloads::{cpu, hpa, requested, template, workload};

const GROUP: &str = "operators.example.com";

/// A resource called web of a kind of its own, as soon as the API server serves it.
fn create(namespace: &str, kind: &str) {
    let singular = kind.to_lowercase();
    apply(&[
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{singular}s.{GROUP}")},
        "spec": {"group": GROUP, "scope": "Namespaced",
            "names": {"plural": format!("{singular}s"), "kind": kind, "singular": singular},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                    "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}),
    ]);
    let resource = json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind,
        "metadata": {"name": "web", "namespace": namespace}, "spec": {"replicas": 1}});
    until(&format!("{kind} is served"), || {
        sandbox().apply_yaml(&resource.to_string()).ok()
    });
}

/// What its operator writes of it.
fn reports(namespace: &str, kind: &str, replicas: i32) {
    let status = json!({"status": {"replicas": replicas, "selector": "app=web"}});
    kubectl(&format!(
        "patch {} web -n {namespace} --subresource=status --type=merge -p {status}",
        kind.to_lowercase()
    ))
    .expect_code(0);
}

fn scaler(namespace: &str, kind: &str) -> Value {
    let mut scaler = hpa(namespace, kind, "web", &cpu(60));
    scaler["spec"]["scaleTargetRef"]["apiVersion"] = json!(format!("{GROUP}/v1"));
    scaler
}

/// It was never there, or is late: the resource has a selector, and nothing that it selects.
#[test]
fn an_operator_has_created_nothing_yet() {
    let space = sandbox().namespace("no-pods").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    create(namespace, "Crawler");
    reports(namespace, "Crawler", 0);
    apply(&[scaler(namespace, "Crawler")]);
    until("the controller gets no metrics", || {
        let message = "{.status.conditions[?(@.type=='ScalingActive')].message}";
        field(namespace, "hpa/web", message)
            .contains("no metrics returned from resource metrics API")
            .then_some(())
    });
    let finding = first(namespace, "web", "TFS504");
    assert_eq!(finding["severity"], "error", "{finding:#}");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert_eq!(finding["objects"][0]["kind"], "Crawler", "{finding:#}");
    type_fix(&finding, 0);

    // The operator does its work.
    let mut pods = workload(
        namespace,
        "StatefulSet",
        "web",
        &template("web", &[requested()], &json!({})),
    );
    pods["spec"]["selector"]["matchLabels"] = json!({"app": "web"});
    apply(&[pods]);
    reports(namespace, "Crawler", 1);
    says(namespace, "web", "ValidMetricFound");
    kubectl(&format!("delete crd crawlers.{GROUP} --wait=false")).expect_code(0);
}

#[test]
fn an_operator_creates_no_pods() {
    let space = sandbox().namespace("operator-gone").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    // What the operator made before it went.
    let mut nodes = workload(
        namespace,
        "StatefulSet",
        "nodes",
        &template("web", &[requested()], &json!({})),
    );
    nodes["spec"]["selector"]["matchLabels"] = json!({"app": "web"});
    nodes["spec"]["template"]["metadata"]["annotations"][CPU_ANNOTATION] = json!("95m");
    apply(&[nodes]);
    create(namespace, "SearchCluster");
    reports(namespace, "SearchCluster", 1);
    apply(&[scaler(namespace, "SearchCluster")]);

    until("the HPA asks for more", || {
        (field(namespace, "searchcluster/web", "{.spec.replicas}") == "2").then_some(())
    });
    let finding = first(namespace, "web", "TFS711");
    assert_eq!(finding["objects"][0]["kind"], "SearchCluster", "{finding:#}");
    assert_eq!(finding["confidence"], "likely", "{finding:#}");

    // The operator is back, and does its work.
    kubectl(&format!("scale statefulset nodes -n {namespace} --replicas=2")).expect_code(0);
    reports(namespace, "SearchCluster", 2);
    until("the finding is gone", || {
        let findings = explain(namespace, "web")["findings"].to_string();
        (!findings.contains("TFS711")).then_some(())
    });
    kubectl(&format!("delete crd searchclusters.{GROUP} --wait=false")).expect_code(0);
}
