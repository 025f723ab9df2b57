//! A target of `Value` is one for the whole: the replicas of now are multiplied, by the pods that are ready.

use std::time::Duration;

use serde_json::json;
use tfserve_sandbox::Answer;
use tfserve_sandbox::MetricsGroup::{Custom, External};

use super::{adapter, alone, deploy, namespaces, of_object, of_queue};
use crate::fixtures::first;
use crate::support::{explain, field, kubectl, sandbox, type_fix, until};

#[track_caller]
fn replicas(namespace: &str, wanted: &str) {
    until(&format!("{namespace} has {wanted} replicas"), || {
        (field(namespace, "deployment/web", "{.spec.replicas}") == wanted).then_some(())
    });
}

/// Lets the HPA scale down at once, and so far.
fn limits(namespace: &str, maximum: i32) {
    let spec = json!({"spec": {"maxReplicas": maximum, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}});
    kubectl(&format!("patch hpa web -n {namespace} --type=merge -p {spec}")).expect_code(0);
}

fn set_ready(namespace: &str, ready: bool) {
    for pod in sandbox().pod_names(namespace, "app=web").expect("pods") {
        // It may have gone since.
        let _ = sandbox().set_ready(namespace, &pod, ready);
    }
}

#[track_caller]
fn is_gone(namespace: &str, code: &str) {
    until(&format!("{code} is gone"), || {
        let findings = explain(namespace, "web")["findings"].to_string();
        (!findings.contains(code)).then_some(())
    });
}

#[test]
fn a_value_for_the_whole_multiplies_the_ready_pods() {
    let _turn = alone();
    let [peak, queue] = namespaces(["peak", "queue"]);
    let adapter = adapter(&peak, &[Custom, External]);
    adapter.answer(Custom, "services/requests", Answer::Value("20".to_owned()));
    adapter.answer(External, "depth", Answer::Value("7".to_owned()));
    let target = |value: &str| json!({"type": "Value", "value": value});
    deploy(&queue, &json!([of_queue("depth", &target("6"))]));
    limits(&queue, 8);
    deploy(&peak, &json!([of_object("Service", "requests", &target("10"))]));
    limits(&peak, 4);

    // Twice the target and nobody ready: the HPA takes replicas away.
    replicas(&peak, "4");
    until("all pods are ready", || {
        (field(&peak, "deployment/web", "{.status.readyReplicas}") == "4").then_some(())
    });
    // Pods that have just started may become ready.
    sandbox()
        .set_age(&peak, "app=web", Duration::from_secs(3600))
        .expect("they are old");
    until("the HPA scales down", || {
        set_ready(&peak, false);
        (field(&peak, "deployment/web", "{.spec.replicas}") == "2").then_some(())
    });
    let finding = until("TFS510 comes first", || {
        // Those that come in the place of others would be ready.
        set_ready(&peak, false);
        let finding = explain(&peak, "web")["findings"][0].clone();
        (finding["code"] == "TFS510").then_some(finding)
    });
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert_eq!(finding["objects"][0]["kind"], "Pod", "{finding:#}");
    set_ready(&peak, true);
    replicas(&peak, "4");
    is_gone(&peak, "TFS510");

    // A queue of seven that stays: one more, and one more, to the maximum.
    replicas(&queue, "8");
    let finding = first(&queue, "web", "TFS616");
    assert_eq!(finding["confidence"], "likely", "{finding:#}");
    type_fix(&finding, 0);
    replicas(&queue, "2");
    is_gone(&queue, "TFS616");
}
