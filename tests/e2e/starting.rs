//! Pods that have just started: left out while they are not ready, and counted with all that a start uses once they are.

use std::time::Duration;

use serde_json::json;
use tfserve_sandbox::{CPU_ANNOTATION, MetricsServer};

use crate::support::{apply, explain, field, kubectl, running, sandbox, until, with_metrics_server};
use crate::workloads::{cpu, deployment, hpa, requested};

const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')]}";

#[test]
fn pods_that_have_just_started() {
    let space = sandbox().namespace("starting").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let mut warm = deployment(namespace, "warm", &[requested()]);
    apply(&[deployment(namespace, "young", &[requested()]), warm.clone()]);
    let young = running(namespace, "young", 1);
    sandbox()
        .set_ready(namespace, &young[0], false)
        .expect("it is not ready yet");
    let old = running(namespace, "warm", 1);
    sandbox()
        .set_age(namespace, "app=warm", Duration::from_secs(3600))
        .expect("it is old");
    warm["spec"]["replicas"] = json!(3);
    apply(&[warm]);
    for pod in running(namespace, "warm", 3).iter().filter(|pod| **pod != old[0]) {
        kubectl(&format!(
            "annotate pod {pod} -n {namespace} --overwrite {CPU_ANNOTATION}=200m"
        ))
        .expect_code(0);
    }
    apply(&[
        hpa(namespace, "Deployment", "young", &cpu(60)),
        hpa(namespace, "Deployment", "warm", &cpu(60)),
    ]);
    left_out(namespace, &young[0]);
    counted(namespace);
}

/// The controller waits for it, and so does the explanation; ready, it counts.
fn left_out(namespace: &str, pod: &str) {
    until("the controller finds no pod that counts", || {
        field(namespace, "hpa/young", ACTIVE)
            .contains("pods might be unready")
            .then_some(())
    });
    let explanation = explain(namespace, "young");
    let finding = &explanation["findings"][0];
    assert_eq!(finding["code"], "TFS501", "{explanation:#}");
    assert_eq!(explanation["verdict"], "waiting", "{explanation:#}");
    sandbox().set_ready(namespace, pod, true).expect("it is ready");
    until("the HPA computes", || {
        field(namespace, "hpa/young", ACTIVE)
            .contains("ValidMetricFound")
            .then_some(())
    });
}

/// The usage of a start makes the HPA grow, though the pod that has long been there is idle.
fn counted(namespace: &str) {
    until("the HPA grows", || {
        let replicas = field(namespace, "hpa/warm", "{.status.desiredReplicas}");
        replicas
            .parse()
            .is_ok_and(|replicas: i32| replicas > 3)
            .then_some(())
    });
    let told = until("the starts are told", || {
        let explanation = explain(namespace, "warm");
        let findings = explanation["findings"].as_array()?.clone();
        findings.into_iter().find(|finding| finding["code"] == "TFS507")
    });
    assert_eq!(told["confidence"], "likely", "{told:#}");
}
