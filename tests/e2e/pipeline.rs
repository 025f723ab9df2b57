//! What stands between the kubelets and the HPA: the `APIService`, its Service, and metrics-server.

use serde_json::{Value, json};
use tfserve_sandbox::{MetricsServer, Release};

use crate::support::{apply, explain, field, kubectl, sandbox, since, type_fix, until, with_metrics_server};

const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')].reason}";
const API: &str = "apiservice/v1beta1.metrics.k8s.io";
const AVAILABLE: &str = "{.status.conditions[?(@.type=='Available')].reason}";

fn workload(namespace: &str, target: &str) -> [Value; 2] {
    [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": "example/app:1",
                    "resources": {"requests": {"cpu": "100m"}}}]}}}}),
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
                "minReplicas": 1, "maxReplicas": 4,
                "metrics": [{"type": "Resource", "resource":
                    {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}}),
    ]
}

/// Breaks the pipeline, waits for the real symptom and returns the first finding, once its title says what is broken.
#[track_caller]
fn broken(namespace: &str, command: &str, reason: &str, words: &str) -> Value {
    kubectl(command).expect_code(0);
    until(&format!("the APIService says {reason}"), || {
        (field("kube-system", API, AVAILABLE) == reason).then_some(())
    });
    until("the HPA has no metrics", || {
        (field(namespace, "hpa/web", ACTIVE) == "FailedGetResourceMetric").then_some(())
    });
    // The APIService tells of the endpoints before the Deployment tells why it has no pods.
    let finding = until(&format!("the explanation says {words}"), || {
        let finding = explain(namespace, "web")["findings"][0].clone();
        finding["title"].as_str()?.contains(words).then_some(finding)
    });
    assert_eq!(finding["code"], "TFS302", "{finding:#}");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    finding
}

#[track_caller]
fn names(finding: &Value, kind: &str) {
    let objects = finding["objects"].to_string();
    assert!(objects.contains(kind), "{finding:#}");
}

#[track_caller]
fn repaired(namespace: &str, finding: &Value) {
    repaired_by(namespace, finding, 0);
}

#[track_caller]
fn repaired_by(namespace: &str, finding: &Value, index: usize) {
    type_fix(finding, index);
    until("the APIService is available", || {
        (field("kube-system", API, AVAILABLE) == "Passed").then_some(())
    });
    until("the HPA has its metric", || {
        (field(namespace, "hpa/web", ACTIVE) == "ValidMetricFound").then_some(())
    });
}

#[test]
fn the_way_to_metrics_server() {
    let spaces: Vec<_> = ["way", "both"]
        .into_iter()
        .map(|name| sandbox().namespace(name).expect("a namespace"))
        .collect();
    let (namespace, both) = (spaces[0].name(), spaces[1].name());
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&workload(namespace, "web"));
    apply(&workload(both, "wbe"));
    until("the HPA has its metric", || {
        (field(namespace, "hpa/web", ACTIVE) == "ValidMetricFound").then_some(())
    });

    let finding = broken(
        namespace,
        r#"patch service metrics-server -n kube-system --type=merge -p {"spec":{"selector":{"app":"metrics"}}}"#,
        "MissingEndpoints",
        "its Service selects none of metrics-server's pods",
    );
    names(&finding, "\"Service\"");
    two_causes(both);
    repaired(namespace, &finding);

    let finding = broken(
        namespace,
        r#"patch service metrics-server -n kube-system --type=json -p [{"op":"replace","path":"/spec/ports/0/targetPort","value":"main-port"}]"#,
        "MissingEndpoints",
        "its Service sends to port main-port",
    );
    repaired(namespace, &finding);

    let finding = broken(
        namespace,
        r#"patch apiservice v1beta1.metrics.k8s.io --type=merge -p {"spec":{"service":{"namespace":"monitoring"}}}"#,
        "ServiceNotFound",
        "Service monitoring/metrics-server, which does not exist",
    );
    repaired(namespace, &finding);

    if since(
        Release::V1_37,
        "in 1.34 the check of an APIService verifies no certificate, and it stays available",
    ) {
        let finding = broken(
            namespace,
            r#"patch apiservice v1beta1.metrics.k8s.io --type=merge -p {"spec":{"insecureSkipTLSVerify":false}}"#,
            "FailedDiscoveryCheck",
            "does not trust the certificate",
        );
        repaired(namespace, &finding);
    }

    let finding = broken(
        namespace,
        "set serviceaccount deployment metrics-server -n kube-system nobody",
        "MissingEndpoints",
        "ServiceAccount nobody does not exist",
    );
    names(&finding, "\"Deployment\"");
    // An account of that name would have no rights: the first repair looks, the second goes back.
    type_fix(&finding, 0);
    repaired_by(namespace, &finding, 1);

    kubectl("delete serviceaccount metrics-server -n kube-system").expect_code(0);
    let finding = broken(
        namespace,
        "delete pods -n kube-system -l k8s-app=metrics-server",
        "MissingEndpoints",
        "ServiceAccount metrics-server does not exist",
    );
    names(&finding, "\"Deployment\"");
    repaired(namespace, &finding);
}

/// The target comes before the metrics, and those are still told.
#[track_caller]
fn two_causes(namespace: &str) {
    until("the controller misses the target", || {
        let able = "{.status.conditions[?(@.type=='AbleToScale')].reason}";
        (field(namespace, "hpa/web", able) == "FailedGetScale").then_some(())
    });
    let answer = explain(namespace, "web");
    let codes: Vec<&str> = answer["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    assert_eq!(codes, ["TFS101", "TFS302"], "{answer:#}");
}

/// The repair whose command holds these words.
#[track_caller]
fn fix<'a>(finding: &'a Value, words: &str) -> &'a str {
    let commands = finding["fix"].as_array().into_iter().flatten();
    let mut commands = commands.filter_map(|fix| fix["command"].as_str());
    commands
        .find(|command| command.contains(words))
        .unwrap_or_else(|| panic!("no command with {words}: {finding:#}"))
}

#[track_caller]
fn has_its_metric(namespace: &str) {
    until("the HPA has its metric", || {
        (field(namespace, "hpa/web", ACTIVE) == "ValidMetricFound").then_some(())
    });
}

#[test]
fn a_registration_is_left_over() {
    let space = sandbox().namespace("leftover").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&workload(namespace, "web"));
    has_its_metric(namespace);
    let finding = broken(
        namespace,
        "delete deployment,service,serviceaccount metrics-server -n kube-system",
        "ServiceNotFound",
        "Service kube-system/metrics-server, which does not exist",
    );
    names(&finding, "\"Service\"");
    // The repair is two commands: the registration goes, and everything is installed anew. What comes next is the
    // kubelets' certificate, as on every cluster like this one.
    let (delete, install) = fix(&finding, "--force-conflicts")
        .split_once(" && ")
        .expect("two commands");
    kubectl(delete.strip_prefix("kubectl ").expect("kubectl")).expect_code(0);
    let installed = kubectl(install.strip_prefix("kubectl ").expect("kubectl")).expect_code(1);
    assert!(
        installed.stdout.contains("TFS303"),
        "{}{}",
        installed.stdout,
        installed.stderr
    );
    let finding = until("the certificate is refused", || {
        let finding = explain(namespace, "web")["findings"][0].clone();
        (finding["code"] == "TFS303").then_some(finding)
    });
    type_fix(&finding, 0);
    has_its_metric(namespace);
}

#[test]
fn metrics_server_may_not_ask_who_asks() {
    let space = sandbox().namespace("delegator").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&workload(namespace, "web"));
    has_its_metric(namespace);
    kubectl("delete clusterrolebinding metrics-server:system:auth-delegator").expect_code(0);
    until("the HPA has no metrics", || {
        (field(namespace, "hpa/web", ACTIVE) == "FailedGetResourceMetric").then_some(())
    });
    let finding = until("TFS310 comes first", || {
        let finding = explain(namespace, "web")["findings"][0].clone();
        (finding["code"] == "TFS310").then_some(finding)
    });
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    let command = fix(&finding, "auth-delegator");
    kubectl(command.strip_prefix("kubectl ").expect("kubectl")).expect_code(0);
    has_its_metric(namespace);
}
