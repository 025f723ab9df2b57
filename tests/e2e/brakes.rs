//! What keeps an HPA from growing although its metric wants more: a policy whose budget is used up, a direction that is
//! disabled, a window; and a second metric that fails behind one that works.

use serde_json::{Value, json};
use tfserve_sandbox::MetricsServer;

use crate::adapters;
use crate::fixtures::first;
use crate::support::{apply, field, samples_count, sandbox, type_fix, until, with_metrics_server};
use crate::workloads::{cpu, deployment, hpa, requested, usage};

fn reason(namespace: &str, name: &str, condition: &str) -> String {
    let path = format!("{{.status.conditions[?(@.type=='{condition}')].reason}}");
    field(namespace, &format!("hpa/{name}"), &path)
}

#[track_caller]
fn says(namespace: &str, name: &str, condition: &str, wanted: &str) {
    until(&format!("{name} says {wanted}"), || {
        (reason(namespace, name, condition) == wanted).then_some(())
    });
}

fn title(finding: &Value) -> &str {
    finding["title"].as_str().unwrap_or_default()
}

#[track_caller]
fn grows(namespace: &str, name: &str, from: i32) {
    until(&format!("{name} grows"), || {
        let replicas = field(namespace, &format!("deployment/{name}"), "{.spec.replicas}");
        replicas
            .parse()
            .is_ok_and(|replicas: i32| replicas > from)
            .then_some(())
    });
}

#[test]
fn what_keeps_an_hpa_from_growing() {
    let space = sandbox().namespace("brakes").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let _adapters = adapters::alone();
    let names = ["rate", "disabled", "window", "partial"];
    for name in names {
        let mut busy = deployment(namespace, name, &[requested()]);
        let used = if name == "partial" { "60m" } else { "200m" };
        usage(&mut busy, used, 1);
        apply(&[busy]);
    }
    for name in names {
        samples_count(namespace, &format!("app={name}"), 1);
    }
    let behaves = |name: &str, rules: &Value| {
        let mut object = hpa(namespace, "Deployment", name, &cpu(60));
        object["spec"]["behavior"] = json!({ "scaleUp": rules });
        object
    };
    let mut metrics = cpu(60);
    metrics
        .as_array_mut()
        .expect("metrics")
        .push(json!({"type": "External", "external":
        {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "10"}}}));
    let two = hpa(namespace, "Deployment", "partial", &metrics);
    apply(&[
        behaves(
            "rate",
            &json!({"policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}),
        ),
        behaves("disabled", &json!({"selectPolicy": "Disabled"})),
        behaves("window", &json!({"stabilizationWindowSeconds": 600})),
        two,
    ]);
    a_used_up_budget(namespace);
    a_disabled_direction(namespace);
    a_window(namespace);
    a_metric_that_fails_behind_one_that_works(namespace);
}

fn a_used_up_budget(namespace: &str) {
    grows(namespace, "rate", 1);
    says(namespace, "rate", "ScalingLimited", "ScaleUpLimit");
    let finding = until("the used-up budget is told", || {
        let finding = first(namespace, "rate", "TFS606");
        title(&finding)
            .contains("until the period of the policy ends")
            .then_some(finding)
    });
    assert!(
        finding["evidence"].to_string().contains("1 pod in 600 s"),
        "{finding:#}"
    );
    assert_eq!(
        field(namespace, "deployment/rate", "{.spec.replicas}"),
        "2",
        "one pod in ten minutes"
    );
    type_fix(&finding, 0);
    grows(namespace, "rate", 2);
}

fn a_disabled_direction(namespace: &str) {
    says(namespace, "disabled", "ScalingLimited", "ScaleUpLimit");
    let finding = first(namespace, "disabled", "TFS606");
    assert!(title(&finding).contains("scaling up is disabled"), "{finding:#}");
    type_fix(&finding, 0);
    grows(namespace, "disabled", 1);
}

/// A window keeps the lowest recommendation: that of the first look, which is the replicas that there are.
fn a_window(namespace: &str) {
    says(namespace, "window", "AbleToScale", "ScaleUpStabilized");
    let finding = first(namespace, "window", "TFS604");
    assert!(title(&finding).contains("window"), "{finding:#}");
    let command = finding["fix"][0]["command"].as_str().unwrap_or_default();
    assert!(command.contains("scaleUp"), "{finding:#}");
    type_fix(&finding, 0);
    grows(namespace, "window", 1);
}

fn a_metric_that_fails_behind_one_that_works(namespace: &str) {
    says(namespace, "partial", "ScalingActive", "ValidMetricFound");
    until("the controller has tried the other metric", || {
        field(namespace, "events", "{.items[*].reason}")
            .contains("FailedGetExternalMetric")
            .then_some(())
    });
    let finding = first(namespace, "partial", "TFS307");
    assert_eq!(finding["severity"], "warning", "{finding:#}");
    assert_eq!(finding["consequences"][0]["code"], "TFS607", "{finding:#}");
}
