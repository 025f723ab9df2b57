//! `load` makes a real HPA scale: the CPU that a server really used is the usage of its pods.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tfserve_sandbox::{BusyServer, MetricsServer};

use crate::support::{apply, field, kubectl, sandbox, with_metrics_server};
use crate::workloads::{container, cpu, deployment, hpa};

pub(crate) const REQUEST: &str = r#"{"instances": [[1.0]]}"#;

/// A Deployment, its HPA, and a Service at whose address nobody listens yet.
pub(crate) fn deploy(namespace: &str) {
    // So little that a busy machine gives it too.
    let mut server = container("app", &json!({"requests": {"cpu": "20m"}}));
    server["ports"] = json!([{"containerPort": 8501}]);
    let mut scaler = hpa(namespace, "Deployment", "web", &cpu(60));
    scaler["spec"]["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": 5}});
    apply(&[
        deployment(namespace, "web", &[server]),
        scaler,
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 8501}]}}),
    ]);
    kubectl(&format!(
        "rollout status deployment/web -n {namespace} --timeout=60s"
    ))
    .expect_code(0);
}

/// The sizes that the controller's own events name, in their order, with their times.
pub(crate) fn sizes(namespace: &str) -> Vec<(DateTime<Utc>, i64)> {
    let events = kubectl(&format!(
        "get events -n {namespace} --field-selector involvedObject.kind=HorizontalPodAutoscaler,reason=SuccessfulRescale -o json"
    ))
    .json();
    let mut sizes: Vec<_> = events["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| {
            let message = event["message"].as_str().expect("a message");
            let size = message
                .strip_prefix("New size: ")
                .and_then(|rest| rest.split(';').next());
            let time = event["lastTimestamp"].as_str().expect("a time");
            (
                time.parse().expect("a time"),
                size.expect("a size").parse().expect("a number"),
            )
        })
        .collect();
    sizes.sort_unstable();
    sizes
}

pub(crate) fn answer<'a>(report: &'a Value, question: &str) -> &'a str {
    let answers = report["answers"].as_array().expect("answers");
    let found = answers.iter().find(|answer| answer["question"] == question);
    found.and_then(|answer| answer["answer"].as_str()).unwrap_or("")
}

#[test]
fn a_load_scales_up_and_its_end_scales_down() {
    let space = sandbox().namespace("load").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    deploy(namespace);
    // In the place of kube-proxy the server listens at the Service's address.
    let address = format!("{}:8501", field(namespace, "service/web", "{.spec.clusterIP}"));
    let server = BusyServer::start(&address, Duration::from_millis(8)).expect("it listens");
    let _usage = sandbox().load_of(namespace, "app=web", &server);
    let files = tempfile::tempdir().expect("a directory");
    let path = |name: &str| files.path().join(name).display().to_string();
    std::fs::write(path("request.json"), REQUEST).expect("it is written");

    let ran = kubectl(&format!(
        "tfserve load web -n {namespace} -f {} --users 1..8 --step-every 30s --think 50ms --until-max-replicas \
         --cool-down 3m --yes -o json --csv {} --report {}",
        path("request.json"),
        path("load.csv"),
        path("load.html")
    ))
    .expect_code(0);
    assert!(
        ran.stderr.contains("through ClusterIP http://127."),
        "{}",
        ran.stderr
    );
    let report = ran.json();
    keep(&path("load.html"), &ran.stderr);
    assert_eq!(report["ended"]["reason"], "maxReplicas", "{:#}", report["ended"]);
    assert_eq!(report["total"]["failed"], 0, "{:#}", report["failures"]);
    its_replicas_are_the_controllers(&report, &sizes(namespace));
    assert!(
        answer(&report, "coolDown").starts_with("back at 1 replica "),
        "{report:#}"
    );
    assert!(
        answer(&report, "timeToReady").starts_with("cpu was seen at "),
        "{report:#}"
    );

    let csv = std::fs::read_to_string(path("load.csv")).expect("a file");
    let replicas: Vec<&str> = csv
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').nth(13))
        .collect();
    assert!(replicas.contains(&"4") && replicas.last() == Some(&"1"), "{csv}");
    let page = std::fs::read_to_string(path("load.html")).expect("a file");
    assert!(page.contains("SuccessfulRescale: New size: 4"), "{page}");
}

/// Where a person asks for it, the page stays for them to look at.
fn keep(page: &str, said: &str) {
    if let Some(directory) = std::env::var_os("KEEP_LOAD_REPORT") {
        let to = std::path::Path::new(&directory);
        std::fs::copy(page, to.join("load.html")).expect("it is copied");
        std::fs::write(to.join("load.stderr"), said).expect("it is written");
    }
}

fn its_replicas_are_the_controllers(report: &Value, sizes: &[(DateTime<Utc>, i64)]) {
    let changes = report["scaling"]["changes"].as_array().expect("changes");
    let line: Vec<i64> = changes
        .iter()
        .map(|change| change["to"].as_i64().expect("a number"))
        .collect();
    let said: Vec<i64> = sizes.iter().map(|(_, size)| *size).collect();
    assert_eq!(line, said, "{report:#}");
    assert!(line.contains(&4) && line.last() == Some(&1), "{line:?}");
    let started: DateTime<Utc> = report["startedAt"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    for (change, (time, _)) in changes.iter().zip(sizes) {
        let second = change["second"].as_f64().expect("a number");
        // Times of events are whole seconds; the report looks once a second, on a machine that may be busy.
        let said = (*time - started).as_seconds_f64();
        assert!(
            (-2.5..10.0).contains(&(second - said)),
            "{second} s, and the event at {said} s: {report:#}"
        );
    }
    let marks: Vec<&Value> = report["scaling"]["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter(|event| event["reason"] == "SuccessfulRescale")
        .collect();
    assert_eq!(marks.len(), said.len(), "{marks:#?}");
    let (first, last) = (&changes[0], &changes[changes.len() - 1]);
    assert!(
        first["level"].as_u64() > Some(0) && first["readyAfterSeconds"].is_number(),
        "{first:#}"
    );
    assert_eq!(last["level"], 0, "it fell after the load: {last:#}");
}

#[test]
fn where_no_address_answers_a_port_forward_to_every_ready_pod_does() {
    let space = sandbox().namespace("load-forward").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    deploy(namespace);
    let server = BusyServer::start("127.0.0.1:0", Duration::from_millis(1)).expect("it listens");
    sandbox()
        .forward_port_in(namespace, 8501, server.address())
        .expect("the port-forward leads to the server");
    let files = tempfile::tempdir().expect("a directory");
    let request = files.path().join("request.json");
    std::fs::write(&request, REQUEST).expect("it is written");
    let load = format!(
        "tfserve load web -n {namespace} -f {} --users 4 --step-every 3s --think 50ms --yes -o json",
        request.display()
    );
    let ran = crate::support::until("the port-forward answers", || {
        let ran = kubectl(&load);
        (ran.code == 0).then_some(ran)
    });
    assert!(
        ran.stderr.contains("not      ClusterIP http://127."),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("not      API server proxy: not tried"),
        "{}",
        ran.stderr
    );
    let report = ran.json();
    let from = report["target"]["measuredFrom"].as_str().expect("a text");
    assert!(
        from.starts_with("this machine, through port-forwards to the ready pods"),
        "{from}"
    );
    assert_eq!(report["total"]["failed"], 0, "{:#}", report["failures"]);
    assert_eq!(report["client"]["connections"], 4, "one a user");
    // So the connections are used again.
    assert!(
        report["total"]["requests"].as_u64() > Some(8),
        "{:#}",
        report["total"]
    );
    assert_eq!(report["scaling"]["hpa"], "web");
}
