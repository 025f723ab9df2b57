//! Pods that wait for somebody else: for whoever meets their readiness gate, and for a network that gives no address; and
//! a container that no metric reads. And pods that exist twice while a rolling update goes on.

use std::time::Duration;

use serde_json::{Value, json};
use tfserve_sandbox::{MEMORY_ANNOTATION, MetricsServer};

use crate::fixtures::first;
use crate::support::{
    apply, explain, field, kubectl, patch_status, running, sandbox, type_fix, until, with_metrics_server,
};
use crate::workloads::{container, cpu, deployment, hpa, requested};

const GATE: &str = "target-health.elbv2.k8s.aws/web";
const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')]}";

/// What the kubelet writes where all containers are ready and a gate is not.
fn close_gate(namespace: &str, pod: &str) {
    let message = format!("corresponding condition of pod readiness gate \"{GATE}\" does not exist.");
    let status = json!({"status": {"conditions": [{"type": "Ready", "status": "False",
        "reason": "ReadinessGatesNotReady", "message": message}]}});
    patch_status(namespace, pod, "strategic", &status);
    sandbox()
        .set_age(namespace, "app=gated", Duration::from_secs(3600))
        .expect("it is old");
}

#[test]
fn pods_wait_for_somebody_else() {
    let space = sandbox().namespace("waiting").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let mut gated = deployment(namespace, "gated", &[requested()]);
    gated["spec"]["template"]["spec"]["readinessGates"] = json!([{"conditionType": GATE}]);
    let mut creating = deployment(namespace, "creating", &[requested()]);
    creating["spec"]["replicas"] = json!(3);
    let mut unread = deployment(
        namespace,
        "unread",
        &[
            requested(),
            container("proxy", &json!({"requests": {"cpu": "100m"}})),
        ],
    );
    for (name, usage) in [("app", "150m"), ("proxy", "5m")] {
        unread["spec"]["template"]["metadata"]["annotations"][format!("cpu.sandbox.tfserve.dev/{name}")] =
            json!(usage);
    }
    let of_proxy = json!([{"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "proxy",
        "target": {"type": "Utilization", "averageUtilization": 60}}}]);
    apply(&[
        gated,
        creating,
        unread,
        hpa(namespace, "Deployment", "unread", &of_proxy),
    ]);
    let gated = running(namespace, "gated", 1);
    close_gate(namespace, &gated[0]);
    let pods = running(namespace, "creating", 3);
    sandbox()
        .set_waiting(namespace, &pods[0], "ContainerCreating", "")
        .expect("it waits");
    sandbox()
        .set_age(namespace, "app=creating", Duration::from_secs(600))
        .expect("it is old");
    let mut three = hpa(namespace, "Deployment", "creating", &cpu(60));
    three["spec"]["minReplicas"] = json!(3);
    apply(&[hpa(namespace, "Deployment", "gated", &cpu(60)), three]);

    until("no pod of gated counts", || {
        field(namespace, "hpa/gated", ACTIVE)
            .contains("pods might be unready")
            .then_some(())
    });
    let finding = first(namespace, "gated", "TFS502");
    assert_eq!(finding["severity"], "error", "{finding:#}");
    let title = finding["title"].as_str().unwrap_or_default();
    assert!(title.ends_with(&format!("readiness gate {GATE}")), "{title}");
    sandbox()
        .set_ready(namespace, &gated[0], true)
        .expect("the gate is met");
    until("the HPA computes", || {
        field(namespace, "hpa/gated", ACTIVE)
            .contains("ValidMetricFound")
            .then_some(())
    });

    until("the HPA of creating computes", || {
        field(namespace, "hpa/creating", ACTIVE)
            .contains("ValidMetricFound")
            .then_some(())
    });
    let finding = first(namespace, "creating", "TFS503");
    assert_eq!(finding["severity"], "warning", "{finding:#}");
    assert_eq!(
        finding["objects"][0]["name"],
        Value::from(pods[0].as_str()),
        "{finding:#}"
    );

    let finding = first(namespace, "unread", "TFS613");
    assert_eq!(finding["objects"][0]["container"], "app", "{finding:#}");
    type_fix(&finding, 0);
    until("the HPA sees the busy container", || {
        (field(namespace, "deployment/unread", "{.spec.replicas}") != "1").then_some(())
    });
    until("the finding is gone", || {
        let findings = explain(namespace, "unread")["findings"].to_string();
        (!findings.contains("TFS613")).then_some(())
    });
}

#[test]
fn a_rolling_update_adds_the_memory_of_its_surge() {
    let space = sandbox().namespace("surge").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let mut web = deployment(namespace, "web", &[requested()]);
    web["spec"]["replicas"] = json!(2);
    // Old and new pods stay side by side.
    web["spec"]["minReadySeconds"] = json!(900);
    web["spec"]["progressDeadlineSeconds"] = json!(1800);
    web["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}});
    web["spec"]["template"]["metadata"]["annotations"][MEMORY_ANNOTATION] = json!("42Mi");
    let of_memory = json!([{"type": "Resource", "resource":
        {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}}}]);
    let mut scaler = hpa(namespace, "Deployment", "web", &of_memory);
    scaler["spec"]["minReplicas"] = json!(2);
    apply(&[web, scaler]);
    until("the HPA computes", || {
        field(namespace, "hpa/web", ACTIVE)
            .contains("ValidMetricFound")
            .then_some(())
    });
    assert_eq!(field(namespace, "deployment/web", "{.spec.replicas}"), "2");
    kubectl(&format!("set env deployment web -n {namespace} RELEASE=2")).expect_code(0);
    until("the HPA scales up below its target", || {
        (field(namespace, "deployment/web", "{.spec.replicas}") != "2").then_some(())
    });
    let finding = first(namespace, "web", "TFS617");
    assert_eq!(finding["objects"][0]["kind"], "Deployment", "{finding:#}");
    type_fix(&finding, 0);
    type_fix(&finding, 1);
}
