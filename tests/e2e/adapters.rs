//! Metrics that no kubelet measures: custom, external, and resources of another name.

use serde_json::Value;

use crate::support::{explain, field, kubectl, sandbox, until};

/// A Deployment and its HPA with one metric; no adapter is installed, and none is needed to fail.
fn deploy(namespace: &str, metric: &str) {
    kubectl(&format!(
        "create deployment web -n {namespace} --image=example/web:1"
    ))
    .expect_code(0);
    kubectl(&format!(
        "autoscale deployment web -n {namespace} --cpu=60% --min=1 --max=4"
    ))
    .expect_code(0);
    kubectl(&format!(
        r#"patch hpa web -n {namespace} --type=merge -p {{"spec":{{"metrics":[{metric}]}}}}"#
    ))
    .expect_code(0);
}

/// Waits for the controller's own words, then asks for the cause.
fn after(namespace: &str, words: &str) -> Value {
    until("the controller says why", || {
        let said = field(
            namespace,
            "hpa/web",
            "{.status.conditions[?(@.type=='ScalingActive')].message}",
        );
        said.contains(words).then_some(())
    });
    explain(namespace, "web")
}

#[test]
fn nobody_serves_custom_metrics() {
    let namespace = sandbox().namespace("custom").expect("a namespace");
    let metric = r#"{"type":"Pods","pods":{"metric":{"name":"rps"},"target":{"type":"AverageValue","averageValue":"10"}}}"#;
    deploy(namespace.name(), metric);
    let answer = after(
        namespace.name(),
        "no custom metrics API (custom.metrics.k8s.io) registered",
    );
    let cause = &answer["findings"][0];
    assert_eq!(cause["code"], "TFS307", "{answer:#}");
    assert_eq!(cause["confidence"], "proven");
    assert_eq!(cause["objects"][0]["name"], "v1beta1.custom.metrics.k8s.io");
}

#[test]
fn nobody_serves_external_metrics() {
    let namespace = sandbox().namespace("external").expect("a namespace");
    let metric = r#"{"type":"External","external":{"metric":{"name":"queue"},"target":{"type":"AverageValue","averageValue":"10"}}}"#;
    deploy(namespace.name(), metric);
    let answer = after(namespace.name(), "(get queue.external.metrics.k8s.io)");
    let cause = &answer["findings"][0];
    assert_eq!(cause["code"], "TFS307", "{answer:#}");
    assert_eq!(cause["confidence"], "proven");
    assert_eq!(cause["objects"][0]["name"], "v1beta1.external.metrics.k8s.io");
}
