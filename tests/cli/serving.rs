//! A server that finds no model: its log is asked for, once, and nothing secret of it is kept.

use serde_json::{Value, json};

use crate::fixtures::{DEPLOYMENTS, PODS, shop};
use crate::mock::{Fault, World};
use crate::run::{Outcome, Stage};

const LOG: &str = "2026-01-02T03:04:07Z unknown argument: --api_key=a secret\n\
    2026-01-02T03:09:59Z 2026-01-02 03:09:59.1: W file_system_storage_path_source.cc:268] No versions of servable m \
    found under base path gs://jane:secret@models/m. Did you forget to name your leaf directory as a number (eg. '/1/')?\n";

/// A shop whose pods run TensorFlow Serving and have never been ready.
fn silent(names: &[&str]) -> World {
    let mut world = shop(names);
    for deployment in world.collections.get_mut(DEPLOYMENTS).unwrap() {
        serve(&mut deployment["spec"]["template"]["spec"]["containers"][0]);
    }
    let mut logs = Vec::new();
    for pod in world.collections.get_mut(PODS).unwrap() {
        serve(&mut pod["spec"]["containers"][0]);
        pod["status"]["conditions"][0]["status"] = json!("False");
        pod["status"]["containerStatuses"][0]["ready"] = json!(false);
        let name = pod["metadata"]["name"].as_str().unwrap();
        logs.push(format!("{PODS}/{name}/log"));
    }
    for path in logs {
        // Whatever the clock of this machine says, the line is of now.
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let log = LOG.replace("2026-01-02T03:09:59Z", &now);
        world.documents.insert(path, json!(log));
    }
    world
}

fn serve(container: &mut Value) {
    container["image"] = json!("tensorflow/serving:2.16.1");
    container["args"] = json!([
        "--model_base_path=gs://jane:secret@models/m?token=secret",
        "--api_key=a secret"
    ]);
    container["readinessProbe"] = json!({"tcpSocket": {"port": 8500},
        "httpHeaders": [{"name": "Authorization", "value": "a secret"}]});
}

fn ask(stage: &Stage, arguments: &[&str]) -> (Outcome, usize) {
    let outcome = stage.run(&[&["explain-hpa", "--fail-on", "never"], arguments].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    (outcome, stage.mock.requests().len())
}

#[test]
fn the_log_takes_one_request_and_names_the_cause() {
    let stage = Stage::new(silent(&["web"]));
    let (outcome, requests) = ask(&stage, &["web", "-o", "json"]);
    assert_eq!(requests, 8);
    let cause = outcome.json()["items"][0]["findings"][0].clone();
    assert_eq!(cause["code"], "TFS805", "{cause:#}");
    assert_eq!(cause["objects"][1]["name"], "web-5f6d-x");
    let text = cause.to_string();
    assert!(
        text.contains("gs://models/m") && text.contains("--api_key"),
        "{text}"
    );
}

#[test]
fn no_argument_and_no_log_gives_a_secret_away() {
    let stage = Stage::new(silent(&["web"]));
    let (outcome, _) = ask(&stage, &["--save-facts", "-"]);
    assert!(outcome.stdout.contains("gs://models/m"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("secret"), "{}", outcome.stdout);
}

#[test]
fn a_log_that_may_not_be_read_is_named() {
    let mut world = silent(&["web"]);
    world.faults.push(("/log", Fault::Refuse(403)));
    let stage = Stage::new(world);
    let (outcome, _) = ask(&stage, &["web", "-o", "json"]);
    let answer = outcome.json();
    assert_eq!(answer["items"][0]["findings"][0]["code"], "TFS502", "{answer:#}");
    assert_eq!(
        answer["notReadable"][0]["needs"],
        "get pods --subresource=log -n shop"
    );
}

#[test]
fn five_logs_are_all_that_is_read_of_many() {
    let names: Vec<String> = (0..9).map(|index| format!("web{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let stage = Stage::new(silent(&names));
    assert_eq!(ask(&stage, &[]).1, 7 + 5);
}

#[test]
fn a_broken_pipeline_leaves_no_request_for_the_log() {
    let mut world = silent(&["web"]);
    world.faults.push(("metrics.k8s.io/v1beta1", Fault::Refuse(503)));
    let stage = Stage::new(world);
    assert_eq!(ask(&stage, &["web"]).1, 10);
}
