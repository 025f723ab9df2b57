//! When a load on an address ends before its last step.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::load_server::{After, GOOD, Server, failure, load};
use crate::run::command;

#[test]
fn a_server_that_dies_in_the_middle_leaves_a_whole_report() {
    let server = Server::start(|_| (GOOD, After::Stay));
    let arguments = [
        "load",
        "--url",
        &server.url,
        "-o",
        "json",
        "--users",
        "2",
        "--step-every",
        "1500ms",
    ];
    let child = command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(|| server.requests() > 50);
    server.die();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ended"]["reason"], "completed");
    assert!(
        report["total"]["failed"].as_u64().unwrap() > 0,
        "{:#}",
        report["failures"]
    );
    assert!(failure(&report, "refused") > 0, "{:#}", report["failures"]);
    assert!(report["total"]["latencyMs"]["p50"].is_number());
}

#[test]
fn too_many_errors_end_it() {
    let server = Server::start(|request| {
        if request % 4 == 0 {
            (
                b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
                After::Stay,
            )
        } else {
            (GOOD, After::Stay)
        }
    });
    let arguments = [
        "--users",
        "2",
        "--step-every",
        "15s",
        "--think",
        "5ms",
        "--stop-on-error-rate",
        "5%",
    ];
    let started = Instant::now();
    let outcome = load(&server, &arguments);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(outcome.code, 1);
    let report = outcome.json();
    assert_eq!(report["ended"]["reason"], "errorRate", "{:#}", report["ended"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_at_once_and_the_report_is_written() {
    let server = Server::start(|_| (b"".as_slice(), After::Hang));
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("load.html");
    let child = command(&[
        "load",
        "--url",
        &server.url,
        "-o",
        "json",
        "--users",
        "3",
        "--report",
    ])
    .arg(&page)
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    wait_for(|| server.requests() == 3);
    let started = Instant::now();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ended"]["reason"], "interrupted");
    assert_eq!(report["client"]["unfinished"], 3);
    assert!(std::fs::read_to_string(page).unwrap().contains("</html>"));
}

fn wait_for(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "it did not happen within 20 s");
        thread::sleep(Duration::from_millis(5));
    }
}
