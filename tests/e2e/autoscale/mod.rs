//! `autoscale`: what it writes, what it refuses, and what it says at its end.

mod adapter;
mod behavior;
mod checks;
mod install;
mod interrupted;
mod metrics;
mod ownership;
mod targets;
mod waiting;

use serde_json::Value;
use tfserve_sandbox::MetricsServer;

use crate::support::{Ran, apply, kubectl, until, with_metrics_server};
use crate::workloads::{deployment, requested};

#[test]
fn autoscale_where_metrics_are_served() {
    let _turn = with_metrics_server(MetricsServer::Ready);
    let parts: [fn(); 8] = [
        adapter::what_an_adapter_serves,
        behavior::how_fast_it_scales,
        checks::what_stands_in_the_way,
        interrupted::killed_at_every_request,
        metrics::what_it_scales_by,
        ownership::what_belongs_to_others,
        targets::what_it_scales,
        waiting::when_no_metric_comes,
    ];
    std::thread::scope(|scope| {
        for part in parts {
            scope.spawn(part);
        }
    });
}

/// A namespace of this very name: it is a part of the messages that are compared.
fn space(name: &'static str) -> &'static str {
    kubectl(&format!("create namespace {name}")).expect_code(0);
    until("pods can be created", || {
        let account = kubectl(&format!("get serviceaccount default -n {name}"));
        (account.code == 0).then_some(())
    });
    name
}

/// A Deployment called web with a request, whose pod is ready.
fn web(namespace: &str) {
    apply(&[deployment(namespace, "web", &[requested()])]);
    ready(namespace, "deployment/web");
}

fn ready(namespace: &str, object: &str) {
    until(&format!("{object} is ready"), || {
        let replicas = kubectl(&format!(
            "get {object} -n {namespace} -o jsonpath={{.status.readyReplicas}}"
        ));
        (replicas.stdout == "1").then_some(())
    });
}

/// `kubectl tfserve autoscale`, with the time that a busy machine needs where none is given.
fn autoscale(namespace: &str, words: &str) -> Ran {
    let time = if words.contains("--timeout") {
        ""
    } else {
        "--timeout 5m"
    };
    kubectl(&format!("tfserve autoscale {words} {time} -n {namespace}"))
}

/// `spec` of an HPA.
fn spec(namespace: &str, name: &str) -> Value {
    let object = kubectl(&format!("get hpa {name} -n {namespace} -o json")).json();
    object["spec"].clone()
}

/// Everything that the command said. A sample of 30m may be one more or less.
fn said(ran: &Ran) -> String {
    ran.said().replace("29%", "30%").replace("31%", "30%")
}
