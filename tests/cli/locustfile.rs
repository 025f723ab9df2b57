//! `load --locustfile`: what is printed, and stock Locust that runs it.

use std::process::Command;

use serde_json::Value;

use crate::model_server::ModelServer;
use crate::run::{file, offline};

const PREDICT: &str = "POST /v1/models/resnet:predict";
const BODY: &str = r#"{"instances": [1.5, "\u00e9"]}"#;

#[test]
fn stock_locust_runs_what_is_printed() {
    let server = ModelServer::start(&[(PREDICT, 200, "{}")]);
    let directory = tempfile::tempdir().unwrap();
    let body = file(directory.path(), "request.json", BODY);
    let url = format!("{}/v1/models/resnet:predict", server.url);
    let words = [
        "load",
        "--url",
        &url,
        "-f",
        &body,
        "--users",
        "1..2",
        "--step-every",
        "2s",
    ];
    let more = ["--think", "20ms..60ms", "-H", "x-team: \"ml\"", "--locustfile"];
    let printed = offline(&[&words[..], &more].concat());
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(printed.stdout.replace(&server.url, "http://ADDRESS"));
    assert_eq!(server.asked(), Vec::<String>::new(), "nothing is sent");

    let locustfile = file(directory.path(), "locustfile.py", &printed.stdout);
    let ran = Command::new(tfserve_sandbox::locust().unwrap())
        .args(["-f", &locustfile, "--headless", "--json"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let stats: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(stats[0]["num_failures"], 0, "{said}");
    let counted = stats[0]["num_requests"].as_u64().unwrap();
    let bodies = server.bodies();
    let came = bodies.len() as u64;
    assert!(
        counted > 20 && (counted..=counted + 2).contains(&came),
        "{counted} of {came}\n{said}"
    );
    assert!(bodies.iter().all(|body| body == BODY), "{bodies:?}");
    assert!(said.contains("2 total users"), "{said}");
}

#[test]
fn an_open_loop_is_refused() {
    let words = [
        "load",
        "--url",
        "http://127.0.0.1:9",
        "--rate",
        "5",
        "--locustfile",
    ];
    let refused = offline(&words);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(refused.stderr, @"error: `--rate` has no Locust file: Locust's users wait for their answers, so it sends nothing while a server stands still; use `--users`");
}
