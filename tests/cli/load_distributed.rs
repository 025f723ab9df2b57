//! `load --distributed` against a cluster whose master's log is written here: when the load ends, what is counted, and
//! what is left of it.

use serde_json::{Value, json};

use crate::fixtures::{EVENTS, HPAS, PODS, REVIEWS, review};
use crate::load_cluster::{Shop, until};
use crate::mock::{Fault, World};
use crate::run::Outcome;

const JOBS: &str = "/apis/batch/v1/namespaces/shop/jobs";
/// What every object of a load carries.
const LABEL: &str = "tfserve.dev/load";
/// Short enough for the master's log, which is whole from the beginning, to be all of it.
const SHORT: [&str; 2] = ["--step-every", "2s"];
const LONG: [&str; 2] = ["--step-every", "10m"];

/// A cluster that takes a load, and makes no pods for it.
fn takes_a_load(world: &mut World) {
    world.documents.insert(REVIEWS.to_owned(), review(true));
    world.keeps = true;
}

/// The same, and the master's pod comes into this state.
fn with_master(world: &mut World, mut status: Value) {
    takes_a_load(world);
    status["podIP"] = json!("10.0.0.9");
    let pod = json!({
        "metadata": {"name": "web-load-x", "namespace": "shop", "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {LABEL: "web", "app.kubernetes.io/component": "load-master"},
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "web-load", "uid": "uid-web-load",
                "controller": true}]},
        "spec": {"nodeName": "n1", "containers": [{"name": "locust", "image": "locustio/locust:2.47.0"}]},
        "status": status,
    });
    world.appears.push((PODS, pod));
}

/// The same, and the master has told this so far.
fn with_log(world: &mut World, phase: &str, log: &[String]) {
    with_master(world, json!({"phase": phase}));
    world
        .documents
        .insert(format!("{PODS}/web-load-x/log"), json!(log.join("\n")));
}

/// The master begins to tell.
fn started() -> String {
    r#"tfserve-load {"started":2}"#.to_owned()
}

/// A worker's report.
fn report(second: u32, requests: u32, failed: u32) -> String {
    let what = json!({"second": second, "requests": requests, "failed": failed, "bytes": 10 * requests,
        "times": {"20": requests}, "cpu": 12.5, "errors": [["CatchResponseError('HTTP 503')", failed]]});
    format!("tfserve-load {what}")
}

fn ended(report: &Value) -> (&str, &str) {
    let ended = &report["ended"];
    (ended["reason"].as_str().unwrap(), ended["why"].as_str().unwrap())
}

const FIXED: [&str; 6] = ["--distributed", "2", "--users", "2", "-o", "json"];

fn run(shop: &Shop, more: &[&str]) -> Outcome {
    let body = shop.stage.directory.path().join("request.json");
    let load = ["load", "web", "--yes", "-f", body.to_str().unwrap()];
    shop.run(&[&load, &FIXED[..], more].concat())
}

/// What was said, without what was waited for: that depends on the machine.
fn said(outcome: &Outcome) -> String {
    let lines = outcome.stderr.lines();
    let lines: Vec<_> = lines.filter(|line| !line.starts_with("waiting for ")).collect();
    lines.join("\n")
}

/// What is left of the load in the cluster.
fn left(shop: &Shop) -> Vec<String> {
    shop.stage.mock.world().labelled(LABEL)
}

#[test]
fn failures_end_it() {
    let log: Vec<String> = std::iter::once(started())
        .chain((1..8).map(|report_number| report(3 * report_number, 30, 15)))
        .collect();
    let shop = Shop::open(|world| with_log(world, "Running", &log));
    let outcome = run(&shop, &[&LONG[..], &["--stop-on-error-rate", "20%"]].concat());
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    let report = outcome.json();
    assert_eq!(
        ended(&report),
        (
            "errorRate",
            "50.0% of the requests of the last 10 s failed, more than 20%"
        )
    );
    assert_eq!(report["failures"][0]["status"], 503, "{report:#}");
    assert_eq!(left(&shop), [""; 0]);
}

#[test]
fn as_many_pods_as_may_be_end_it() {
    let log = [started(), report(3, 30, 0)];
    let shop = Shop::open(|world| {
        with_log(world, "Running", &log);
        world.collections.get_mut(HPAS).unwrap()[0]["spec"]["maxReplicas"] = json!(1);
    });
    let outcome = run(&shop, &[&LONG[..], &["--until-max-replicas"]].concat());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let report = outcome.json();
    assert_eq!(
        ended(&report),
        ("maxReplicas", "1 of at most 1 replicas were ready")
    );
    assert_eq!(left(&shop), [""; 0]);
}

#[test]
fn a_master_that_ends_early_is_said_and_what_it_told_is_kept() {
    let log = [started(), report(3, 30, 0), "Killed".to_owned()];
    let shop = Shop::open(|world| with_log(world, "Failed", &log));
    let outcome = run(&shop, &LONG);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let report = outcome.json();
    assert_eq!(
        ended(&report),
        (
            "failed",
            "Locust's master ended early; the last lines of its log: Killed"
        )
    );
    assert_eq!(report["total"]["requests"], 30, "{report:#}");
    assert_eq!(left(&shop), [""; 0]);
}

#[test]
fn what_a_lost_worker_told_counts_and_the_others_go_on() {
    let talk = "[2026-01-02 03:04:05,000] web-load-x/INFO/locust.runners: Worker web-load-workers-y_1 failed to send heartbeat, setting state to missing.";
    let log = [
        started(),
        report(1, 30, 0),
        report(1, 28, 0),
        talk.to_owned(),
        report(2, 31, 0),
    ];
    let shop = Shop::open(|world| with_log(world, "Succeeded", &log));
    let outcome = run(&shop, &SHORT);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let report = outcome.json();
    assert_eq!(ended(&report).0, "completed");
    assert_eq!(report["total"]["requests"], 89, "{report:#}");
    let client = &report["client"];
    assert_eq!(
        (&client["locustWorkers"], &client["lostWorkers"]),
        (&json!(2), &json!(1))
    );
    let lost = "a Locust worker was lost: its users may be missing until the next step";
    assert!(outcome.stderr.contains(lost), "{}", outcome.stderr);
    assert_eq!(left(&shop), [""; 0]);
}

#[test]
fn a_quota_that_refuses_the_pods_is_said() {
    let shop = Shop::open(|world| {
        takes_a_load(world);
        world.collections.get_mut(EVENTS).unwrap().push(json!({
            "metadata": {"name": "web-load.1", "namespace": "shop"},
            "involvedObject": {"kind": "Job", "name": "web-load", "uid": "uid-web-load"},
            "type": "Warning", "reason": "FailedCreate",
            "message": "Error creating: pods \"web-load-\" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1",
        }));
    });
    let outcome = run(&shop, &LONG);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    insta::assert_snapshot!(said(&outcome));
    assert_eq!(left(&shop), [""; 0]);
}

#[test]
fn an_image_that_is_not_there_is_said() {
    let shop = Shop::open(|world| {
        let why = "failed to pull and unpack image \"docker.io/locustio/locust:2.47.0\": docker.io/locustio/locust:2.47.0: not found";
        with_master(
            world,
            json!({"phase": "Pending", "containerStatuses": [{"name": "locust", "ready": false, "restartCount": 0,
                "image": "locustio/locust:2.47.0", "imageID": "",
                "state": {"waiting": {"reason": "ErrImagePull", "message": why}}}]}),
        );
    });
    let outcome = run(&shop, &LONG);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    insta::assert_snapshot!(said(&outcome));
    assert_eq!(left(&shop), [""; 0]);
}

#[test]
fn what_cannot_be_removed_is_said_beside_the_report() {
    let log = [started(), report(1, 30, 0)];
    let shop = Shop::open(|world| {
        with_log(world, "Succeeded", &log);
        world.faults.push(("DELETE /apis/batch", Fault::Refuse(403)));
    });
    let outcome = run(&shop, &SHORT);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.json()["total"]["requests"], 30);
    insta::assert_snapshot!(said(&outcome));
    let left = left(&shop);
    assert!(left.contains(&"jobs/web-load".to_owned()), "{left:?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_report_and_nothing_in_the_cluster() {
    let log = [started(), report(3, 30, 0)];
    let shop = Shop::open(|world| with_log(world, "Running", &log));
    let directory = shop.stage.directory.path();
    let (page, said) = (directory.join("load.html"), directory.join("said"));
    let page_name = page.to_str().unwrap();
    let child = shop.start(
        &[&FIXED[..], &LONG, &["--report", page_name, "--cool-down", "10m"]].concat(),
        &said,
    );
    follows_the_log(&shop);
    crate::load_cluster::interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let said = std::fs::read_to_string(said).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(ended(&report), ("interrupted", "Ctrl-C"));
    assert_eq!(report["total"]["requests"], 30, "{report:#}");
    assert_eq!(report["scaling"]["samples"][0]["ready"], 1, "{report:#}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains("interrupted after ") && page.ends_with("</html>\n"),
        "{page}"
    );
    assert_eq!(left(&shop), [""; 0]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_before_the_first_request_leaves_nothing() {
    let shop = Shop::open(takes_a_load);
    let said = shop.stage.directory.path().join("said");
    let child = shop.start(&[&FIXED[..], &LONG].concat(), &said);
    until("the Job is made", || {
        left(&shop).contains(&"jobs/web-load".to_owned())
    });
    crate::load_cluster::interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let said = std::fs::read_to_string(said).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.ends_with("error: interrupted before the first request\n"),
        "{said}"
    );
    assert_eq!(left(&shop), [""; 0]);
}

/// Killed, the command leaves what ends, and is removed, by itself, or by the same command.
#[test]
fn what_a_killed_load_leaves_ends_by_itself_and_the_same_command_removes_it() {
    let log = [started(), report(1, 30, 0)];
    let shop = Shop::open(|world| with_log(world, "Running", &log));
    let said = shop.stage.directory.path().join("said");
    let mut child = shop.start(&[&FIXED[..], &LONG].concat(), &said);
    follows_the_log(&shop);
    child.kill().unwrap();
    child.wait().unwrap();
    let world = shop.stage.mock.world();
    let [master, workers] = &world.collections[JOBS][..] else {
        panic!("{:#?}", world.collections[JOBS]);
    };
    for job in [master, workers] {
        assert_eq!(job["spec"]["ttlSecondsAfterFinished"], 300);
        assert_eq!(job["spec"]["activeDeadlineSeconds"], 10 * 60 + 10 * 60);
    }
    assert_eq!(workers["metadata"]["ownerReferences"][0]["uid"], "uid-web-load");

    // The next master is quicker.
    let mut next = World::clone(&world);
    next.appears[0].1["status"]["phase"] = json!("Succeeded");
    shop.stage.mock.becomes(next);
    let body = shop.stage.directory.path().join("request.json");
    let asked = shop.run(&["load", "web", "-f", body.to_str().unwrap(), "--distributed", "2"]);
    assert_eq!(asked.code, 2, "{}", asked.stderr);
    assert!(
        asked.stderr.contains("a load of shop/web runs already, since "),
        "{}",
        asked.stderr
    );
    let outcome = run(&shop, &SHORT);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.json()["total"]["requests"], 30);
    assert_eq!(left(&shop), [""; 0]);
}

fn follows_the_log(shop: &Shop) {
    let asked = || {
        let requests = shop.stage.mock.requests();
        requests
            .iter()
            .filter(|seen| seen.target.contains("/log?"))
            .count()
    };
    until("the log is read twice", || asked() > 1);
}
