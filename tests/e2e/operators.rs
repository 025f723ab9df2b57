//! A custom resource whose operator does not act on what the HPA writes.

use serde_json::json;
use tfserve_sandbox::{CPU_ANNOTATION, MetricsServer};

use crate::fixtures::first;
use crate::support::{apply, explain, field, kubectl, sandbox, until, with_metrics_server};
use crate::workloads::{cpu, hpa, requested, template, workload};

const GROUP: &str = "operators.example.com";

#[test]
fn an_operator_creates_no_pods() {
    let space = sandbox().namespace("operator-gone").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("searchclusters.{GROUP}")},
        "spec": {"group": GROUP, "scope": "Namespaced",
            "names": {"plural": "searchclusters", "kind": "SearchCluster", "singular": "searchcluster"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                    "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    // What the operator made before it went.
    let mut nodes = workload(
        namespace,
        "StatefulSet",
        "nodes",
        &template("web", &[requested()], &json!({})),
    );
    nodes["spec"]["selector"]["matchLabels"] = json!({"app": "web"});
    nodes["spec"]["template"]["metadata"]["annotations"][CPU_ANNOTATION] = json!("95m");
    apply(&[definition, nodes]);
    let cluster = json!({"apiVersion": format!("{GROUP}/v1"), "kind": "SearchCluster",
        "metadata": {"name": "web", "namespace": namespace}, "spec": {"replicas": 1}});
    until("SearchCluster is served", || {
        sandbox().apply_yaml(&cluster.to_string()).ok()
    });
    let reports = |replicas: i32| {
        let status = json!({"status": {"replicas": replicas, "selector": "app=web"}});
        kubectl(&format!(
            "patch searchcluster web -n {namespace} --subresource=status --type=merge -p {status}"
        ))
        .expect_code(0);
    };
    reports(1);
    let mut scaler = hpa(namespace, "SearchCluster", "web", &cpu(60));
    scaler["spec"]["scaleTargetRef"]["apiVersion"] = json!(format!("{GROUP}/v1"));
    apply(&[scaler]);

    until("the HPA asks for more", || {
        (field(namespace, "searchcluster/web", "{.spec.replicas}") == "2").then_some(())
    });
    let finding = first(namespace, "web", "TFS711");
    assert_eq!(finding["objects"][0]["kind"], "SearchCluster", "{finding:#}");
    assert_eq!(finding["confidence"], "likely", "{finding:#}");

    // The operator is back, and does its work.
    kubectl(&format!("scale statefulset nodes -n {namespace} --replicas=2")).expect_code(0);
    reports(2);
    until("the finding is gone", || {
        let findings = explain(namespace, "web")["findings"].to_string();
        (!findings.contains("TFS711")).then_some(())
    });
    kubectl(&format!("delete crd searchclusters.{GROUP} --wait=false")).expect_code(0);
}
