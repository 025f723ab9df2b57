//! What is read, what could not be read, and facts on disk.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::fixtures::{DEPLOYMENTS, HPAS, hpa, shop};
use crate::mock::{Fault, World};
use crate::run::{Stage, command, file, offline};

fn facts(world: World, arguments: &[&str]) -> Value {
    let stage = Stage::new(world);
    let path = stage.directory.path().join("facts.json");
    let path = path.to_str().unwrap();
    let outcome = stage.run(
        &[
            &["explain-hpa", "--save-facts", path, "--fail-on", "never"],
            arguments,
        ]
        .concat(),
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn everything_that_the_rules_need_is_read() {
    let facts = facts(shop(&["web"]), &["web"]);
    assert_eq!(facts["cluster"]["version"]["known"], "v1.37.2");
    assert_eq!(
        facts["cluster"]["resourceMetricsApi"]["known"]["available"]["status"],
        "True"
    );
    let web = &facts["hpas"][0];
    assert_eq!(web["hpa"]["statusChangedAt"], "2026-01-02T03:10:00Z");
    assert_eq!(web["hpa"]["metrics"][0]["target"]["averageUtilization"], 60);
    assert_eq!(web["target"]["known"]["replicasWriters"][0]["manager"], "kubectl");
    assert_eq!(
        web["target"]["known"]["template"]["containers"][0]["resources"]["requests"]["cpu"],
        "500m"
    );
    assert_eq!(
        web["scale"]["known"],
        json!({"specReplicas": 1, "statusReplicas": 1, "selector": "app=web"})
    );
    assert_eq!(web["pods"]["known"][0]["owner"]["isScaleTarget"], true);
    assert_eq!(web["pods"]["known"][0]["conditions"][0]["type"], "Ready");
    assert_eq!(web["podMetrics"]["known"][0]["windowMillis"], 15_046);
    assert_eq!(
        web["podMetrics"]["known"][0]["containers"][0]["usage"]["cpu"],
        "2130m"
    );
    assert_eq!(web["events"]["known"][0]["count"], 3);
    assert_eq!(web["sameTarget"]["known"], json!([]));
}

#[test]
fn no_environment_and_no_annotation_is_saved() {
    let text = facts(shop(&["web"]), &[]).to_string();
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn many_hpas_get_the_same_facts_as_one() {
    let one = facts(shop(&["web"]), &["web"]);
    let many = facts(shop(&["cart", "web"]), &[]);
    assert_eq!(many["hpas"][0]["hpa"]["name"], "cart");
    assert_eq!(many["hpas"][1], one["hpas"][0]);
}

#[test]
fn hpas_of_one_target_know_each_other() {
    let mut world = shop(&["web"]);
    let mut twin = hpa("twin", "apps/v1", "Deployment");
    twin["spec"]["scaleTargetRef"]["name"] = json!("web");
    world.collections.get_mut(HPAS).unwrap().push(twin);
    assert_eq!(
        facts(world, &["hpa/web"])["hpas"][0]["sameTarget"]["known"],
        json!(["twin"])
    );
}

#[test]
fn what_may_not_be_read_is_named_with_the_right_that_it_takes() {
    let mut world = shop(&["web"]);
    world.faults.push(("/shop/pods", Fault::Refuse(403)));
    world.faults.push(("/apiservices", Fault::Refuse(403)));
    let facts = facts(world, &["web"]);
    assert_eq!(
        facts["hpas"][0]["pods"]["notReadable"]["needs"],
        "list pods -n shop"
    );
    assert_eq!(
        facts["hpas"][0]["podMetrics"]["notReadable"]["needs"],
        "list pods.metrics.k8s.io -n shop"
    );
    assert_eq!(
        facts["cluster"]["resourceMetricsApi"]["notReadable"]["needs"],
        "get apiservices.apiregistration.k8s.io"
    );
}

#[test]
fn a_metrics_api_that_does_not_answer_is_looked_behind() {
    let mut world = shop(&["web"]);
    world.faults.push(("metrics.k8s.io/v1beta1", Fault::Refuse(503)));
    let facts = facts(world, &["web"]);
    let why = facts["hpas"][0]["podMetrics"]["notReadable"]["why"]
        .as_str()
        .unwrap();
    assert_eq!(
        why,
        "the server is currently unable to handle the request (HTTP 503)"
    );
    let server = &facts["cluster"]["metricsServer"]["known"];
    assert_eq!(server["args"], json!(["--secure-port=10250"]));
    assert_eq!(server["log"]["known"].as_array().unwrap().len(), 1);
    assert_eq!(
        server["log"]["known"][0]["text"],
        "E0102 \"Failed to scrape node\" err=\"x509: no\""
    );
}

#[test]
fn a_slow_metrics_api_costs_only_itself() {
    let mut world = shop(&["web"]);
    world.faults.push(("metrics.k8s.io/v1beta1", Fault::Hang));
    let facts = facts(world, &["web", "--request-timeout=3s"]);
    let why = facts["hpas"][0]["podMetrics"]["notReadable"]["why"]
        .as_str()
        .unwrap();
    assert!(why.contains("within 3s"), "{why}");
    assert_eq!(facts["hpas"][0]["pods"]["known"].as_array().unwrap().len(), 1);
}

#[test]
fn a_missing_target_and_a_missing_scale_are_told_apart() {
    let mut world = shop(&["web"]);
    world.collections.insert(DEPLOYMENTS.to_owned(), Vec::new());
    let gone = facts(world, &["web"]);
    assert_eq!(
        (&gone["hpas"][0]["target"], &gone["hpas"][0]["scale"]),
        (&json!("absent"), &json!("absent"))
    );

    let mut world = shop(&["web"]);
    world
        .collections
        .insert(HPAS.to_owned(), vec![hpa("web", "apps/v1", "DaemonSet")]);
    world.collections.insert(
        "/apis/apps/v1/namespaces/shop/daemonsets".to_owned(),
        vec![json!({"metadata": {"name": "web"}, "spec": {}})],
    );
    world.documents.insert(
        "/apis/apps/v1".to_owned(),
        json!({"groupVersion": "apps/v1", "resources": [
            {"name": "daemonsets", "kind": "DaemonSet", "namespaced": true, "singularName": "", "verbs": ["get"]}]}),
    );
    let unscalable = facts(world, &["web"]);
    assert_eq!(unscalable["hpas"][0]["target"]["known"]["kind"], "DaemonSet");
    assert_eq!(unscalable["hpas"][0]["scale"], "absent");
}

#[test]
fn saved_facts_explain_without_a_cluster() {
    let stage = Stage::new(shop(&["web"]));
    for name in ["facts.yaml", "facts.json"] {
        let path = stage.directory.path().join(name).display().to_string();
        let online = stage.run(&[
            "explain-hpa",
            "--save-facts",
            &path,
            "-o",
            "json",
            "--fail-on",
            "never",
        ]);
        assert_eq!(online.code, 0, "{}", online.stderr);
        let saved = offline(&[
            "explain-hpa",
            "--facts",
            &path,
            "-o",
            "json",
            "--fail-on",
            "never",
        ]);
        assert_eq!(saved.stdout, online.stdout);
    }
}

#[test]
fn garbage_is_a_usage_error_that_says_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    for (text, why) in [
        (
            "kind: List\napiVersion: v1\nitems: []\n",
            "there is no HorizontalPodAutoscaler in it",
        ),
        (
            "{\"kind\": \"HpaFacts\", \"apiVersion\": \"tfserve.dev/v9\"}",
            "its apiVersion is `tfserve.dev/v9`",
        ),
        (
            "{\"kind\": \"HpaFacts\", \"apiVersion\": \"tfserve.dev/v1\"}",
            "missing field",
        ),
        ("]]]", "cannot use"),
        ("", "cannot use"),
    ] {
        let path = file(directory.path(), "facts", text);
        let outcome = offline(&["explain-hpa", "--facts", &path]);
        assert_eq!(outcome.code, 2, "{text}: {}", outcome.stderr);
        assert!(outcome.error().contains(why), "{}", outcome.stderr);
    }
    assert_eq!(offline(&["explain-hpa", "--facts", "/nonexistent/facts"]).code, 2);
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let stage = Stage::new(shop(&["web"]));
    let saved = stage
        .run(&["explain-hpa", "--save-facts", "-", "--fail-on", "never"])
        .stdout;
    let mut child = command(&["explain-hpa", "--facts", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(saved.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
