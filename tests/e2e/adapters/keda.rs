//! KEDA is the adapter of external metrics, and keeps the HPA.

use serde_json::{Value, json};
use tfserve_sandbox::Answer;
use tfserve_sandbox::MetricsGroup::External;

use super::{ACTIVE, MESSAGE, adapter, alone, average, namespaces, of_queue};
use crate::fixtures::{deployment, first};
use crate::keda;
use crate::support::{apply, explain, field, kubectl, sandbox, type_fix, until};

#[test]
fn external_metrics_belong_to_another_adapter() {
    let _turn = alone();
    let [space] = namespaces(["robbed"]);
    kubectl("create namespace keda").expect_code(0);
    let of_keda = sandbox()
        .adapter("keda", "keda-operator-metrics-apiserver", &[])
        .expect("an adapter");
    of_keda.answer(External, "s0-queue", Answer::Value("20".to_owned()));
    let other = adapter(&space, &[External]);
    other.answer(External, "depth", Answer::Value("20".to_owned()));
    apply(&[
        keda::scaled_objects(),
        deployment(&space, "web", &json!({"app": "web"})),
    ]);
    let mut object = keda::kept(&space, &json!({}));
    object["spec"]["metrics"] = json!([of_queue("s0-queue", &average("10"))]);
    apply(&[object]);
    until("the controller is refused", || {
        let message = field(&space, "hpa/keda-hpa-web", MESSAGE);
        message
            .contains("could not find the metric s0-queue")
            .then_some(())
    });
    let finding = first(&space, "keda-hpa-web", "TFS311");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert_eq!(finding["objects"][0]["name"], "v1beta1.external.metrics.k8s.io");
    type_fix(&finding, 0);
    until("KEDA's metric has a value", || {
        (field(&space, "hpa/keda-hpa-web", ACTIVE) == "True").then_some(())
    });
    kubectl("delete namespace keda --wait=false").expect_code(0);
}

/// A finding of a code, wherever it stands.
fn finding(namespace: &str, code: &str) -> Value {
    until(&format!("{namespace} has {code}"), || {
        let answer = explain(namespace, "keda-hpa-web");
        let findings = answer["findings"].as_array()?;
        findings.iter().find(|finding| finding["code"] == code).cloned()
    })
}

/// What KEDA would write into the status of its object; it does not run here.
fn condition(namespace: &str, type_: &str, status: &str) {
    let conditions = json!([{"type": type_, "status": status, "reason": "ScaledObjectCheckFailed",
        "message": "the queue cannot be asked"}]);
    let patch = json!({"status": {"conditions": conditions}}).to_string();
    let words = [
        "patch",
        "scaledobject",
        "web",
        "-n",
        namespace,
        "--type=merge",
        "-p",
        &patch,
    ];
    sandbox()
        .run_kubectl(&words, None)
        .expect("the status is written");
}

#[test]
fn the_scaled_object_says_why() {
    let _turn = alone();
    let [unready, falling, paused] = namespaces(["keda-unready", "keda-falls-back", "keda-paused"]);
    let adapter = sandbox()
        .adapter(&unready, "keda-operator-metrics-apiserver", &[External])
        .expect("an adapter");
    adapter.answer(External, "s0-silent", Answer::Fails);
    adapter.answer(External, "s0-queue", Answer::Value("20".to_owned()));
    apply(&[keda::scaled_objects()]);
    for (namespace, metric, object) in [
        (&unready, "s0-silent", json!({})),
        (&falling, "s0-queue", json!({})),
        (
            &paused,
            "s0-queue",
            json!({"metadata": {"name": "web", "namespace": paused.to_string(),
                "annotations": {"autoscaling.keda.sh/paused-replicas": "1"}}}),
        ),
    ] {
        apply(&[deployment(namespace, "web", &json!({"app": "web"}))]);
        let mut hpa = keda::kept(namespace, &object);
        hpa["spec"]["metrics"] = json!([of_queue(metric, &average("10"))]);
        apply(&[hpa]);
    }
    condition(&unready, "Ready", "False");
    condition(&falling, "Fallback", "True");

    until("the controller is refused", || {
        let message = field(&unready, "hpa/keda-hpa-web", MESSAGE);
        message
            .contains("unable to fetch metrics from external metrics API")
            .then_some(())
    });
    let not_ready = first(&unready, "keda-hpa-web", "TFS704");
    assert_eq!(not_ready["severity"], "error", "{not_ready:#}");
    assert_eq!(not_ready["objects"][0]["name"], "web", "{not_ready:#}");
    type_fix(&not_ready, 0);
    adapter.answer(External, "s0-silent", Answer::Value("10".to_owned()));
    condition(&unready, "Ready", "True");

    for namespace in [&falling, &paused] {
        until("the HPA has a value", || {
            (field(namespace, "hpa/keda-hpa-web", ACTIVE) == "True").then_some(())
        });
    }
    type_fix(&finding(&falling, "TFS705"), 0);
    condition(&falling, "Fallback", "False");
    type_fix(&finding(&paused, "TFS706"), 0);
    assert_eq!(field(&paused, "scaledobject/web", "{.metadata.annotations}"), "");

    for (namespace, code) in [(&unready, "TFS704"), (&falling, "TFS705"), (&paused, "TFS706")] {
        until(&format!("{code} is gone"), || {
            let findings = explain(namespace, "keda-hpa-web")["findings"].to_string();
            let active = field(namespace, "hpa/keda-hpa-web", ACTIVE) == "True";
            (active && !findings.contains(code)).then_some(())
        });
    }
}
