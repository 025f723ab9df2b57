//! `load` on an address: steps, rates, what is counted, what is written.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::load_server::{After, GOOD, Server, load};
use crate::run::{command, file, offline};

#[test]
fn users_rise_and_every_answer_is_counted_once() {
    let server = Server::start(|_| (GOOD, After::Stay));
    let directory = tempfile::tempdir().unwrap();
    let body = file(directory.path(), "request.json", "{\"instances\": [[1.0]]}");
    let outcome = load(
        &server,
        &[
            "-f",
            &body,
            "--users",
            "1..4",
            "--step-every",
            "500ms",
            "--think",
            "1ms..5ms",
        ],
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let report = outcome.json();
    assert_eq!(report["kind"], "LoadReport");
    assert_eq!(report["target"]["method"], "POST");
    assert_eq!(report["ended"]["reason"], "completed");
    assert_eq!(report["plan"]["levels"], json!([1, 2, 4]));
    assert_eq!(
        report["total"]["requests"].as_u64().unwrap(),
        server.requests() as u64
    );
    assert_eq!(report["total"]["failed"], 0);
    let steps = report["steps"].as_array().unwrap();
    let sum: u64 = steps.iter().map(|step| step["requests"].as_u64().unwrap()).sum();
    assert_eq!(report["total"]["requests"], sum);
    assert_eq!(server.connections.load(Ordering::SeqCst), 4, "one a user");
    assert_eq!(report["client"]["connections"], 4);
}

#[test]
fn the_warm_up_counts_for_nothing() {
    let server = Server::start(|_| (GOOD, After::Stay));
    let arguments = [
        "--users",
        "1",
        "--step-every",
        "500ms",
        "--warm-up",
        "500ms",
        "--think",
        "5ms",
    ];
    let report = load(&server, &arguments).json();
    let counted = report["total"]["requests"].as_u64().unwrap();
    assert!(counted > 0 && counted < server.requests() as u64, "{counted}");
    assert!((report["total"]["seconds"].as_f64().unwrap() - 0.5).abs() < 0.01);
}

#[test]
fn a_slow_answer_delays_the_requests_that_were_due_meanwhile() {
    // One connection; the tenth answer takes 500 ms, in which 49 requests more are due.
    let server = Server::start(|request| {
        if request == 9 {
            thread::sleep(Duration::from_millis(500));
        }
        (GOOD, After::Stay)
    });
    let arguments = ["--rate", "100", "--step-every", "1s", "--connections", "1"];
    let report = load(&server, &arguments).json();
    assert_eq!(report["total"]["requests"], 100);
    assert_eq!(server.requests(), 100);
    let p90 = report["total"]["latencyMs"]["p90"].as_f64().unwrap();
    assert!(
        p90 > 250.0,
        "the wait of those behind is part of their latency: {p90}"
    );
}

#[test]
fn the_page_and_the_csv_are_whole_and_the_page_loads_nothing() {
    let server = Server::start(|_| (GOOD, After::Stay));
    let directory = tempfile::tempdir().unwrap();
    let (page, csv) = (
        directory.path().join("load.html"),
        directory.path().join("load.csv"),
    );
    let arguments = [
        "load",
        "--url",
        &server.url,
        "--users",
        "1..2",
        "--step-every",
        "300ms",
        "--think",
        "5ms",
    ];
    let written = crate::run::outcome(
        command(&arguments)
            .arg("--report")
            .arg(&page)
            .arg("--csv")
            .arg(&csv),
    );
    assert_eq!(written.code, 0, "{}", written.stderr);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(
        !html.contains("<script") && !html.contains("src=") && !html.contains("href="),
        "{html}"
    );
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("<svg"));
    let csv = std::fs::read_to_string(csv).unwrap();
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().count() > 3);
    assert!(
        csv.lines().all(|line| line.split(',').count() == columns),
        "{csv}"
    );
}

#[test]
fn a_load_beyond_the_bound_or_on_another_machine_is_meant_on_purpose() {
    let over = offline(&["load", "--url", "http://127.0.0.1:9/", "--rate", "5000"]);
    assert_eq!(over.code, 2);
    assert!(over.error().contains("--limit 5000"), "{}", over.stderr);
    let far = offline(&[
        "load",
        "--url",
        "http://192.0.2.1/",
        "--users",
        "1",
        "--step-every",
        "1s",
    ]);
    assert_eq!(far.code, 2);
    assert!(far.error().contains("--yes"), "{}", far.stderr);
}
