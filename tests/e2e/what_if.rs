//! What `--what-if` says is what the controller does once it is so.

use serde_json::json;
use tfserve_sandbox::{CPU_ANNOTATION, MetricsServer};

use crate::support::{field, kubectl, sandbox, until, with_metrics_server};

const ASSUMED: &str = "--what-if target=10% --what-if max=3";

#[test]
fn the_controller_decides_what_was_foretold() {
    let namespace = sandbox().namespace("whatif").expect("a namespace");
    let namespace = namespace.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let objects = [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}, "annotations": {CPU_ANNOTATION: "30m"}},
                "spec": {"containers": [{"name": "app", "image": "example/app:1",
                    "resources": {"requests": {"cpu": "100m"}}}]}}}}),
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 1, "maxReplicas": 2, "metrics": [{"type": "Resource", "resource":
                    {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}}),
    ];
    sandbox()
        .apply_yaml(&objects.map(|object| object.to_string()).join("\n---\n"))
        .expect("the manifests apply");
    let foretold = until("the next decision is computed on a counted pod", || {
        let answer = kubectl(&format!(
            "tfserve explain-hpa web -n {namespace} -o json {ASSUMED}"
        ));
        let item = answer.explanation();
        let now = item["recommendation"]["desiredReplicas"].as_i64()?;
        assert_eq!(now, 1, "30% of 60%: {item:#}");
        item["whatIf"]["recommendation"]["desiredReplicas"].as_i64()
    });
    assert_eq!(foretold, 3, "30% of 10% × 1 pod");
    let patch = r#"[{"op":"replace","path":"/spec/maxReplicas","value":3},{"op":"replace","path":"/spec/metrics/0/resource/target/averageUtilization","value":10}]"#;
    kubectl(&format!("patch hpa web -n {namespace} --type=json -p={patch}")).expect_code(0);
    until("the HPA scales at all", || {
        (field(namespace, "deployment/web", "{.spec.replicas}") != "1").then_some(())
    });
    assert_eq!(
        field(namespace, "deployment/web", "{.spec.replicas}"),
        foretold.to_string()
    );
}
