//! What kubectl printed explains what the cluster explains.

use serde_json::{Value, json};
use tfserve_sandbox::{CPU_ANNOTATION, MetricsServer};

use crate::support::{explain, field, kubectl, sandbox, until, with_metrics_server};

const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')].reason}";

fn web(namespace: &str, requests: &Value) -> String {
    let objects = [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}, "annotations": {CPU_ANNOTATION: "200m"}},
                "spec": {"containers": [{"name": "app", "image": "example/app:1",
                    "resources": {"requests": requests}}]}}}}),
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 1, "maxReplicas": 2, "metrics": [{"type": "Resource", "resource":
                    {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}}),
    ];
    objects.map(|object| object.to_string()).join("\n---\n")
}

#[test]
fn a_dump_has_the_cause_of_the_live_cluster() {
    let (missing, limited) = (
        sandbox().namespace("dumpa").expect("a namespace"),
        sandbox().namespace("dumpb").expect("a namespace"),
    );
    let _turn = with_metrics_server(MetricsServer::Ready);
    for (namespace, requests) in [(&missing, json!({})), (&limited, json!({"cpu": "100m"}))] {
        sandbox()
            .apply_yaml(&web(namespace.name(), &requests))
            .expect("the manifests apply");
    }
    until("the controller misses the request", || {
        (field(missing.name(), "hpa/web", ACTIVE) == "FailedGetResourceMetric").then_some(())
    });
    until("the other HPA is at its maximum", || {
        (field(limited.name(), "deployment/web", "{.spec.replicas}") == "2").then_some(())
    });
    for (namespace, code) in [(missing.name(), "TFS401"), (limited.name(), "TFS602")] {
        until(&format!("{code} comes first live"), || {
            (explain(namespace, "web")["findings"][0]["code"] == code).then_some(())
        });
        same_cause(namespace, code);
    }
}

fn same_cause(namespace: &str, code: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let print = |name: &str, words: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, kubectl(words).expect_code(0).stdout).expect("the dump is written");
        format!(" --facts {}", path.display())
    };
    let objects = print(
        "objects",
        &format!("get hpa,deployments,replicasets,pods,events -n {namespace} -o yaml"),
    );
    let usage = print(
        "usage",
        &format!("get --raw /apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"),
    );
    let others = print("apis", "get apiservices -o json") + &print("version", "version -o yaml");
    let whole = kubectl(&format!("tfserve explain-hpa -o json{objects}{usage}{others}")).explanation();
    assert_eq!(whole["findings"][0]["code"], code, "{whole:#}");
    assert_eq!(
        whole["findings"][0]["objects"],
        explain(namespace, "web")["findings"][0]["objects"]
    );

    let part = print("part", &format!("get hpa,deployments -n {namespace} -o yaml"));
    let part = kubectl(&format!("tfserve explain-hpa -o json --fail-on never{part}"))
        .expect_code(0)
        .json();
    let missing = part["notReadable"].to_string();
    assert!(
        missing.contains(&format!("`kubectl get pods -n {namespace} -o yaml` in the dump")),
        "{missing}"
    );
}
