//! `load NAME`: what is asked before, which HPA is watched, and what is said where none can be.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixtures::{HPAS, hpa, shop};
use crate::mock::{Fault, World};
use crate::model_server::ModelServer;
use crate::run::{Outcome, Stage, command, file};

const SERVICES: &str = "/api/v1/namespaces/shop/services";
const API_SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";
const STATUS: &str = "GET /v1/models/web";
const PREDICT: &str = "POST /v1/models/web:predict";
const BODY: &str = r#"{"instances": [[1.0]]}"#;
const AVAILABLE: &str = r#"{"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}"#;

/// A shop whose Service leads to a server of models on loopback.
pub(crate) struct Shop {
    pub(crate) stage: Stage,
    server: ModelServer,
    body: String,
}

impl Shop {
    pub(crate) fn open(change: impl FnOnce(&mut World)) -> Self {
        let answers = [
            (STATUS, 200, AVAILABLE),
            (PREDICT, 200, r#"{"predictions": [2.0]}"#),
        ];
        Self::with_server(ModelServer::start(&answers), change)
    }

    fn with_server(server: ModelServer, change: impl FnOnce(&mut World)) -> Self {
        let mut world = shop(&["web"]);
        world
            .collections
            .insert(SERVICES.to_owned(), vec![service(&server)]);
        change(&mut world);
        let stage = Stage::new(world);
        let body = file(stage.directory.path(), "request.json", BODY);
        Self { stage, server, body }
    }

    /// Runs a short load; what differs from run to run is left out of stderr.
    pub(crate) fn load(&self, arguments: &[&str]) -> Outcome {
        let fixed = [
            "load",
            "web",
            "-f",
            &self.body,
            "--users",
            "1",
            "--step-every",
            "400ms",
            "--think",
            "20ms",
        ];
        self.run(&[&fixed, arguments].concat())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let mut outcome = self.stage.run(arguments);
        outcome.stderr = self.steady(&outcome.stderr);
        outcome
    }

    /// Starts a load that lasts.
    pub(crate) fn start(&self, arguments: &[&str], said: &Path) -> Child {
        command(&["load", "web", "-f", &self.body, "--yes"])
            .args(arguments)
            .env("KUBECONFIG", self.stage.kubeconfig())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(said).unwrap())
            .spawn()
            .unwrap()
    }

    pub(crate) fn steady(&self, text: &str) -> String {
        text.replace(&self.server.url, "http://MODEL")
            .replace(&self.stage.mock.url, "http://CLUSTER")
            .lines()
            .filter(|line| !line.contains(" req/s  "))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn service(server: &ModelServer) -> Value {
    let port: u16 = server.url.rsplit(':').next().unwrap().parse().unwrap();
    json!({
        "metadata": {"name": "web", "namespace": "shop",
            "managedFields": [{"manager": "helm", "operation": "Update"}]},
        "spec": {"type": "ClusterIP", "clusterIP": "127.0.0.1", "selector": {"app": "web"}, "ports": [{"port": port}]},
    })
}

fn answer<'a>(report: &'a Value, question: &str) -> &'a str {
    report["answers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|answer| answer["question"] == question)
        .and_then(|answer| answer["answer"].as_str())
        .unwrap_or("")
}

#[test]
fn the_hpa_is_watched_beside_the_load() {
    let shop = Shop::open(|_| {});
    let outcome = shop.load(&["--yes", "-o", "json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr);
    let report = outcome.json();
    let scaling = &report["scaling"];
    assert_eq!(
        (&scaling["hpa"], &scaling["target"]),
        (&json!("web"), &json!("Deployment/web"))
    );
    assert_eq!(
        (&scaling["maxReplicas"], &scaling["targetPercent"]),
        (&json!(4), &json!(60))
    );
    let first = &scaling["samples"][0];
    assert_eq!(
        (
            &first["usagePercent"],
            &first["wanted"],
            &first["ready"],
            &first["next"]
        ),
        (&json!(426), &json!(1), &json!(1), &json!(4)),
        "{scaling:#}"
    );
    assert_eq!(
        scaling["events"],
        json!([]),
        "what was said before is not the load's"
    );
    assert_eq!(scaling["notes"], json!([]));
    assert_eq!(
        answer(&report, "scaled"),
        "it did not scale: 1 replica all the time"
    );
    assert!(
        answer(&report, "timeToReady")
            .starts_with("cpu was seen at 426% of 60% at 0 s; the controller did not"),
        "{report:#}"
    );
    let sent = report["total"]["requests"].as_u64().unwrap();
    assert_eq!(
        shop.server.bodies().len() as u64,
        sent + 1,
        "one was tried before"
    );
    assert_eq!(
        report["target"]["url"],
        format!("{}/v1/models/web:predict", shop.server.url)
    );
}

#[test]
fn what_up_did_not_make_is_asked_for() {
    let shop = Shop::open(|_| {});
    let outcome = shop.load(&[]);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr);
    assert_eq!(shop.server.bodies(), [""; 0], "nothing was sent");

    let own = Shop::open(|world| {
        let service = &mut world.collections.get_mut(SERVICES).unwrap()[0];
        service["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "kubectl-tfserve"});
        service["metadata"]["managedFields"] = json!([{"manager": "kubectl-tfserve", "operation": "Apply"}]);
    });
    let outcome = own.load(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[test]
fn a_load_goes_on_without_an_hpa() {
    let none = Shop::open(|world| {
        world.collections.insert(HPAS.to_owned(), Vec::new());
    });
    let forbidden = Shop::open(|world| {
        world
            .faults
            .push(("horizontalpodautoscalers", Fault::Refuse(403)));
    });
    for (name, shop) in [("no_hpa", &none), ("no_right_to_read_hpas", &forbidden)] {
        let outcome = shop.load(&["--yes", "-o", "json"]);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        insta::assert_snapshot!(name, outcome.stderr);
        let report = outcome.json();
        assert_eq!(report["scaling"], Value::Null);
        assert!(
            answer(&report, "scaled").starts_with("not watched: "),
            "{report:#}"
        );
        assert_eq!(
            answer(&report, "limit"),
            "nothing that was seen: neither errors nor this client"
        );
        let refused = shop.load(&["--yes", "--until-max-replicas"]);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        insta::assert_snapshot!(format!("{name}_but_its_maximum_is_wanted"), refused.stderr);
    }
}

#[test]
fn of_two_hpas_one_is_chosen() {
    let shop = Shop::open(|world| {
        let mut other = hpa("web", "apps/v1", "Deployment");
        other["metadata"]["name"] = json!("web-too");
        other["metadata"]["uid"] = json!("uid-web-too");
        world.collections.get_mut(HPAS).unwrap().push(other);
    });
    let outcome = shop.load(&["--yes"]);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr);
    let outcome = shop.load(&["--yes", "--hpa", "web-too", "-o", "json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.json()["scaling"]["hpa"], "web-too");
}

#[test]
fn an_hpa_that_does_not_work_is_said_before_the_load_and_after_it() {
    let shop = Shop::open(|world| {
        world.faults.push(("metrics.k8s.io", Fault::Refuse(404)));
        world.collections.insert(API_SERVICES.to_owned(), Vec::new());
        let hpa = &mut world.collections.get_mut(HPAS).unwrap()[0];
        hpa["status"]["conditions"][1] = json!({"type": "ScalingActive", "status": "False",
            "reason": "FailedGetResourceMetric", "lastTransitionTime": "2026-01-02T03:05:00Z",
            "message": "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for \
                resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested \
                resource (get pods.metrics.k8s.io)"});
    });
    let outcome = shop.load(&["--yes", "-o", "json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr);
    let report = outcome.json();
    insta::assert_snapshot!("broken_limit", answer(&report, "limit"));
    assert!(
        answer(&report, "scaled").contains("explain-hpa web -n shop"),
        "{report:#}"
    );
    assert_eq!(report["scaling"]["samples"][0]["usagePercent"], Value::Null);
    assert_eq!(
        report["scaling"]["notes"],
        json!(["cpu usage: no value of it was seen"])
    );
}

#[test]
fn the_proxy_is_no_benchmark_and_a_request_is_needed() {
    let shop = Shop::open(|_| {});
    let proxy = shop.load(&["--yes", "--via", "proxy"]);
    assert_eq!(proxy.code, 2);
    insta::assert_snapshot!("via_proxy", proxy.stderr);
    let nothing = shop.run(&["load", "web", "--yes"]);
    assert_eq!(nothing.code, 2);
    insta::assert_snapshot!("no_request", nothing.stderr);
    let nobody = shop.run(&["load", "--users", "1"]);
    assert_eq!(nobody.code, 2, "{}", nobody.stderr);
    let both = shop.run(&["load", "web", "--url", "http://127.0.0.1:1/"]);
    assert_eq!(both.code, 2, "{}", both.stderr);
}

#[test]
fn what_the_model_refuses_makes_no_load() {
    let shapes = r#"{ "error": "Incompatible shapes: [1,2] vs. [3]" }"#;
    let answers = [(STATUS, 200, AVAILABLE), (PREDICT, 400, shapes)];
    let shop = Shop::with_server(ModelServer::start(&answers), |_| {});
    let outcome = shop.load(&["--yes"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("Incompatible shapes"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.ends_with("so no load was made"),
        "{}",
        outcome.stderr
    );
    assert_eq!(shop.server.bodies(), [BODY]);
}

#[test]
fn an_hpa_is_watched_beside_an_address_too() {
    let shop = Shop::open(|_| {});
    let url = format!("{}/v1/models/web:predict", shop.server.url);
    let short = [
        "--users",
        "1",
        "--step-every",
        "300ms",
        "--think",
        "20ms",
        "-o",
        "json",
    ];
    let outcome = shop.run(
        &[
            &["load", "--url", &url, "-f", &shop.body, "--hpa", "web"],
            &short[..],
        ]
        .concat(),
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.json()["scaling"]["hpa"], "web");
    let missing = shop.run(
        &[
            &["load", "--url", &url, "-f", &shop.body, "--hpa", "cart"],
            &short[..],
        ]
        .concat(),
    );
    assert_eq!(missing.code, 3, "{}", missing.stderr);
    insta::assert_snapshot!("no_such_hpa", missing.stderr);
    let unasked = shop.run(
        &[
            &["load", "--url", &url, "-f", &shop.body, "--cool-down", "1m"],
            &short[..],
        ]
        .concat(),
    );
    assert_eq!(unasked.code, 2, "{}", unasked.stderr);
    insta::assert_snapshot!("no_hpa_named", unasked.stderr);
}

#[test]
fn the_hpa_is_watched_after_the_load_until_it_is_back_or_the_time_is_over() {
    let shop = Shop::open(|_| {});
    let outcome = shop.load(&["--yes", "--cool-down", "3s", "-o", "json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let report = outcome.json();
    let samples = report["scaling"]["samples"].as_array().unwrap();
    let last = samples.last().unwrap()["second"].as_f64().unwrap();
    assert!((3.0..5.0).contains(&last), "{last}");
    assert_eq!(
        answer(&report, "coolDown"),
        "1 replica all the time after the load"
    );
}

/// Waits, and not for ever.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Types Ctrl-C.
#[cfg(unix)]
pub(crate) fn interrupt(child: &Child) {
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_report_with_the_hpa() {
    let shop = Shop::open(|_| {});
    let directory = shop.stage.directory.path();
    let (page, said) = (directory.join("load.html"), directory.join("said"));
    let arguments = [
        "--users",
        "2",
        "--think",
        "5ms",
        "-o",
        "json",
        "--cool-down",
        "1m",
        "--report",
        page.to_str().unwrap(),
    ];
    let child = shop.start(&arguments, &said);
    until("requests are sent", || shop.server.bodies().len() >= 20);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ended"]["reason"], "interrupted");
    assert_eq!(report["scaling"]["samples"][0]["ready"], 1);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains("Replicas") && page.contains("maxReplicas 4"),
        "{page}"
    );
}
