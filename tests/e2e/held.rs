//! Moments that pass, and faults that would be every test's: the controllers are held still, or a kubelet does not answer.
//! On a cluster of its own.

use std::time::Duration;

use serde_json::{Value, json};
use tfserve_sandbox::{CPU_ANNOTATION, MetricsServer, Options};

use crate::fixtures::{deployment, hpa};
use crate::own::Own;
use crate::support::until;
use crate::workloads::{self, bare, cpu, requested};

#[test]
fn moments_that_pass_and_faults_of_the_whole_cluster() {
    let own = Own::start(&Options::default());
    own.0
        .metrics_server(MetricsServer::Ready)
        .expect("metrics-server");
    let mut web = deployment("default", "web", &json!({"app": "web"}));
    web["spec"]["template"]["metadata"]["annotations"] = json!({ CPU_ANNOTATION: "50m" });
    own.apply(&[web, hpa("default", "web")]);
    own.computes("web");
    replicas_above_the_maximum(&own);
    a_cause_that_has_just_gone(&own);
    the_conversion_of_an_operator_that_is_gone(&own);
    a_kubelet_that_does_not_answer(&own);
}

/// Somebody scales by hand, and the controller has not looked since.
fn replicas_above_the_maximum(own: &Own) {
    let held = own.hold();
    own.sh("kubectl scale deployment web --replicas=9").expect_code(0);
    let finding = own.first("web", "TFS608");
    assert_eq!(finding["objects"][0]["kind"], "Deployment", "{finding:#}");
    assert_eq!(
        finding["title"], "9 replicas, above maxReplicas: the HPA sets 4 in its next sync, within 15 s",
        "{finding:#}"
    );
    assert!(finding["evidence"].to_string().contains("kubectl"), "{finding:#}");
    assert_eq!(own.explain("web")["verdict"], "waiting");
    drop(held);
    until("the controller corrects it, and says why", || {
        own.field("events", "{.items[?(@.reason=='SuccessfulRescale')].message}")
            .contains("New size: 4; reason: Current number of replicas above Spec.MaxReplicas")
            .then_some(())
    });
    own.computes("web");
    assert!(!own.explain("web").to_string().contains("TFS608"));
}

/// A pod without a request stops the HPA, and goes while the controller does not look.
fn a_cause_that_has_just_gone(own: &Own) {
    own.apply(&[bare("default", "shell", "web")]);
    own.says(
        "web",
        "ScalingActive",
        "missing request for cpu in container shell of Pod shell",
    );
    own.first("web", "TFS403");
    let held = own.hold();
    own.sh("kubectl delete pod shell --grace-period=0 --force")
        .expect_code(0);
    let finding = own.first("web", "TFS903");
    assert_eq!(
        finding["objects"][0]["kind"], "HorizontalPodAutoscaler",
        "{finding:#}"
    );
    assert_eq!(finding["confidence"], "likely", "{finding:#}");
    assert!(
        finding["evidence"]
            .to_string()
            .contains("missing request for cpu"),
        "the controller's last words: {finding:#}"
    );
    assert_eq!(own.explain("web")["verdict"], "waiting");
    drop(held);
    let again = finding["fix"][0]["command"].as_str().unwrap_or_default();
    until("the HPA works again, as was said", || {
        (own.sh(again).code == 0).then_some(())
    });
    own.computes("web");
}

/// An operator that converted its resources was uninstalled: its `CustomResourceDefinition` still names its webhook.
fn the_conversion_of_an_operator_that_is_gone(own: &Own) {
    let version = |name: &str, storage: bool| {
        json!({"name": name, "served": true, "storage": storage,
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}},
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}})
    };
    let indices = "indices.operators.example.com";
    own.apply(&[
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": indices}, "spec": {"group": "operators.example.com", "scope": "Namespaced",
                "names": {"plural": "indices", "kind": "Index", "singular": "index"},
                "versions": [version("v1beta1", true), version("v1", false)]}}),
    ]);
    let index = json!({"apiVersion": "operators.example.com/v1beta1", "kind": "Index",
        "metadata": {"name": "search", "namespace": "default"}, "spec": {"replicas": 1}});
    until("Index is served", || own.0.apply_yaml(&index.to_string()).ok());
    let status = r#"{"status":{"replicas":1,"selector":"app=search"}}"#;
    own.sh(&format!(
        "kubectl patch {indices} search --subresource=status --type=merge -p '{status}'"
    ))
    .expect_code(0);
    let mut pod = bare("default", "search-0", "search");
    pod["spec"]["containers"] = json!([requested()]);
    let mut scaler = workloads::hpa("default", "Index", "search", &cpu(60));
    scaler["spec"]["scaleTargetRef"]["apiVersion"] = json!("operators.example.com/v1");
    own.apply(&[pod, scaler]);
    own.computes("search");

    let convert = |conversion: &Value| {
        let patch = json!([{"op": "replace", "path": "/spec/conversion", "value": conversion}]);
        own.sh(&format!("kubectl patch crd {indices} --type=json -p '{patch}'"))
            .expect_code(0);
    };
    let service = json!({"namespace": "default", "name": "index-operator", "path": "/convert"});
    convert(&json!({"strategy": "Webhook",
        "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"service": service}}}));
    let words = "conversion webhook for operators.example.com/v1beta1, Kind=Index failed";
    own.says("search", "AbleToScale", words);
    // As long as it lasts, the resource cannot be read by anybody.
    let finding = own.first("search", "TFS108");
    assert_eq!(finding["severity"], "error", "{finding:#}");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert!(finding["evidence"].to_string().contains(words), "{finding:#}");
    for (place, name) in [(0, indices), (1, "index-operator")] {
        assert_eq!(finding["objects"][place]["name"], name, "{finding:#}");
    }
    own.type_fix(&finding, 1);
    own.computes("search");
}

/// A node whose kubelet is not where the node says, and all pods of an HPA are there.
fn a_kubelet_that_does_not_answer(own: &Own) {
    let port = "/status/daemonEndpoints/kubeletEndpoint/Port";
    let mut node = own
        .sh("kubectl get node sandbox-node-1 -o json")
        .expect_code(0)
        .json();
    let right = node.pointer(port).cloned().expect("a port");
    let mut metadata = json!({"name": "silent", "labels": node["metadata"]["labels"],
        "annotations": node["metadata"]["annotations"]});
    metadata["labels"]["kubernetes.io/hostname"] = json!("silent");
    metadata["annotations"]["metrics.k8s.io/resource-metrics-path"] =
        json!("/metrics/nodes/silent/metrics/resource");
    node["metadata"] = metadata;
    node["spec"] = json!({});
    // Nothing listens there.
    *node.pointer_mut(port).expect("a port") = json!(1);
    let status = node["status"].take();
    own.apply(&[node]);
    let set_status = |status: &Value| {
        let patch = json!({ "status": status });
        own.sh(&format!(
            "kubectl patch node silent --subresource=status --type=merge -p '{patch}'"
        ))
        .expect_code(0);
    };
    set_status(&status);
    let mut far = deployment("default", "far", &json!({"app": "far"}));
    far["spec"]["template"]["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": "silent"});
    own.apply(&[far]);
    until("the pod runs", || {
        (own.field("deployment/far", "{.status.readyReplicas}") == "1").then_some(())
    });
    // What has just started has no sample yet.
    for (namespace, selector) in [("default", "app=far"), ("kube-system", "k8s-app=metrics-server")] {
        own.0
            .set_age(namespace, selector, Duration::from_secs(600))
            .expect("they are old");
    }
    own.apply(&[hpa("default", "far")]);
    own.says(
        "far",
        "ScalingActive",
        "no metrics returned from resource metrics API",
    );
    // metrics-server writes at its next scrape that this one failed.
    let finding = until("the log of metrics-server proves it", || {
        let finding = own.first("far", "TFS304");
        (finding["confidence"] == "proven").then_some(finding)
    });
    assert_eq!(finding["severity"], "error", "{finding:#}");
    let named = finding["objects"].to_string();
    assert!(
        named.contains("\"silent\"") && named.contains("\"metrics-server\""),
        "{finding:#}"
    );
    assert!(
        finding["evidence"].to_string().contains("connection refused"),
        "the words of metrics-server: {finding:#}"
    );
    own.type_fix(&finding, 0);
    set_status(&json!({"daemonEndpoints": {"kubeletEndpoint": {"Port": right}}}));
    own.computes("far");
    assert!(!own.explain("far").to_string().contains("TFS304"));
}
