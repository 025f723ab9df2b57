//! The story of the README, step by step: deploy, autoscale, `<unknown>`, the true cause, the repair, load,
//! scale up, scale down. Every symptom is the real controller's.

use serde_json::Value;
use tfserve_sandbox::{Component, MetricsServer, Usage};

use crate::support::{explain, field, kubectl, metrics_pipeline, sandbox, until};

const WORKLOAD: &str = "image-classifier-resnet101";

fn code(explanation: &Value) -> &str {
    explanation["findings"][0]["code"].as_str().unwrap_or("none")
}

fn scaling_active(namespace: &str) -> String {
    field(
        namespace,
        &format!("hpa/{WORKLOAD}"),
        "{.status.conditions[?(@.type=='ScalingActive')]}",
    )
}

#[test]
fn the_story() {
    let _alone = metrics_pipeline();
    let namespace = sandbox().namespace("story").expect("a namespace");
    let namespace = namespace.name();
    sandbox()
        .metrics_server(MetricsServer::Absent)
        .expect("no metrics-server");

    deploy(namespace);
    without_metrics_api(namespace);
    refused_certificate(namespace);
    repaired(namespace);
    scale_up(namespace);
    scale_down(namespace);
}

fn deploy(namespace: &str) {
    let up = format!(
        "tfserve up image-classifier --variant resnet101 --model-name image_classifier \
         --model hostPath:/home/hoang/Downloads/resnet101 --image tensorflow/serving:2.5.1 --cpu 500m --memory 1Gi \
         --service-type LoadBalancer -n {namespace}"
    );
    let first = kubectl(&up).expect_code(0);
    assert!(
        first
            .stdout
            .contains(&format!("deployment.apps/{WORKLOAD} created")),
        "{}",
        first.stdout
    );
    assert_eq!(
        field(
            namespace,
            &format!("deployment/{WORKLOAD}"),
            "{.status.readyReplicas}"
        ),
        "1"
    );
    let again = kubectl(&up).expect_code(0);
    assert!(
        again
            .stdout
            .contains(&format!("deployment.apps/{WORKLOAD} unchanged")),
        "{}",
        again.stdout
    );
}

fn without_metrics_api(namespace: &str) {
    let refused = kubectl(&format!(
        "tfserve autoscale image-classifier -n {namespace} --cpu 60% --min 1 --max 4"
    ));
    let refused = refused.expect_code(1);
    assert!(
        refused.stdout.contains("TFS301"),
        "{}{}",
        refused.stdout,
        refused.stderr
    );

    kubectl(&format!(
        "autoscale deployment {WORKLOAD} -n {namespace} --cpu=60% --min=1 --max=4"
    ))
    .expect_code(0);
    let symptom = until("the controller says why", || {
        let condition = scaling_active(namespace);
        condition.contains("\"False\"").then_some(condition)
    });
    assert!(
        symptom.contains("the server could not find the requested resource (get pods.metrics.k8s.io)"),
        "{symptom}"
    );
    let table = kubectl(&format!("get hpa -n {namespace}")).stdout;
    assert!(table.contains("<unknown>/60%"), "{table}");

    let answer = explain(namespace, WORKLOAD);
    assert_eq!(code(&answer), "TFS301", "{answer:#}");
    assert_eq!(answer["verdict"], "broken");
    assert_eq!(
        answer["findings"].as_array().map(Vec::len),
        Some(1),
        "the cause stands alone: {answer:#}"
    );
    assert_eq!(answer["findings"][0]["confidence"], "proven");
    kubectl(&format!("tfserve explain-hpa {WORKLOAD} -n {namespace}")).expect_code(1);
    kubectl(&format!("delete hpa {WORKLOAD} -n {namespace}")).expect_code(0);
}

fn refused_certificate(namespace: &str) {
    let autoscale = kubectl(&format!(
        "tfserve autoscale image-classifier -n {namespace} --cpu 60% --min 1 --max 4 --install-metrics-server --timeout 40s"
    ))
    .expect_code(1);
    assert!(
        autoscale.stdout.contains("TFS303"),
        "{}{}",
        autoscale.stdout,
        autoscale.stderr
    );
    assert!(
        autoscale.stdout.contains("--kubelet-insecure-tls"),
        "the fix names the flag: {}",
        autoscale.stdout
    );
    let log = kubectl("logs -n kube-system deployment/metrics-server").stdout;
    assert!(log.contains("x509:"), "the real reason is in the log: {log}");
    let available = field(
        "kube-system",
        "apiservice/v1beta1.metrics.k8s.io",
        "{.status.conditions[0].status}",
    );
    assert_eq!(available, "False");
}

fn repaired(namespace: &str) {
    let autoscale = format!(
        "tfserve autoscale image-classifier -n {namespace} --cpu 60% --min 1 --max 4 --install-metrics-server \
         --kubelet-insecure-tls --scale-down-window 20s"
    );
    let repaired = kubectl(&autoscale).expect_code(0);
    assert!(
        repaired.stderr.contains("--kubelet-insecure-tls"),
        "what it gives up is said: {}",
        repaired.stderr
    );
    let table = kubectl(&format!("get hpa -n {namespace}")).stdout;
    assert!(table.contains("0%/60%"), "{table}");
    let answer = explain(namespace, WORKLOAD);
    assert_eq!(answer["verdict"], "healthy", "{answer:#}");
    kubectl(&format!("tfserve explain-hpa {WORKLOAD} -n {namespace}")).expect_code(0);
}

fn scale_up(namespace: &str) {
    sandbox()
        .pause(Component::ControllerManager)
        .expect("the controller is held still");
    let load = sandbox().load(namespace, "app=image-classifier", Usage::Shared(2130));
    until("metrics-server has seen it", || {
        kubectl(&format!("top pods -n {namespace}"))
            .stdout
            .contains("2130m")
            .then_some(())
    });
    let answer = explain(namespace, WORKLOAD);
    sandbox()
        .resume(Component::ControllerManager)
        .expect("the controller goes on");
    let recommendation = &answer["recommendation"];
    assert_eq!(recommendation["desiredReplicas"], 4, "{answer:#}");
    assert_eq!(recommendation["limitedBy"], "maxReplicas");
    assert_eq!(recommendation["metrics"][0]["current"], "426%");
    assert_eq!(recommendation["metrics"][0]["proposal"], 8);
    assert_eq!(recommendation["metrics"][0]["pods"][0]["usage"], "2130m");

    until("the controller decides the same", || {
        (field(namespace, &format!("deployment/{WORKLOAD}"), "{.spec.replicas}") == "4").then_some(())
    });
    until("four pods are ready", || {
        (field(
            namespace,
            &format!("deployment/{WORKLOAD}"),
            "{.status.readyReplicas}",
        ) == "4")
            .then_some(())
    });
    drop(load);
}

fn scale_down(namespace: &str) {
    sandbox()
        .set_cpu(namespace, "app=image-classifier", "0m")
        .expect("the pods rest");
    let answer = until("the stabilization window holds the replicas", || {
        let answer = explain(namespace, WORKLOAD);
        (code(&answer) == "TFS604").then_some(answer)
    });
    assert_eq!(answer["verdict"], "waiting", "{answer:#}");
    let summary = answer["findings"][0].to_string();
    assert!(summary.contains("left"), "the time left is said: {summary}");
    until("one replica is left", || {
        (field(namespace, &format!("deployment/{WORKLOAD}"), "{.spec.replicas}") == "1").then_some(())
    });
    let answer = until("the HPA rests", || {
        let answer = explain(namespace, WORKLOAD);
        (answer["verdict"] == "healthy").then_some(answer)
    });
    assert!(
        answer["findings"]
            .as_array()
            .is_some_and(|found| found.iter().all(|one| one["severity"] == "info"))
    );
}
