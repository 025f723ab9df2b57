//! `predict`: what is sent, what is printed, and every message that it can end with.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::fixtures::{DEPLOYMENTS, PODS, REVIEWS, review};
use crate::mock::{Fault, World};
use crate::model_server::ModelServer;
use crate::run::{Outcome, Stage, command, file, offline};

const SERVICES: &str = "/api/v1/namespaces/shop/services";
const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";
const PREDICT: &str = "POST /v1/models/resnet:predict";
const STATUS: &str = "GET /v1/models/resnet";
const METADATA: &str = "GET /v1/models/resnet/metadata";
const BODY: &str = r#"{"instances": [[1.0, NaN]]}"#;
const READY: &str = r#"{"model_version_status": [{"version": "2", "state": "LOADING", "status": {"error_code": "OK", "error_message": ""}}, {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]}"#;
const SIGNATURES: &str = r#"{"model_spec": {"name": "resnet", "signature_name": "", "version": "1"}, "metadata": {"signature_def": {"signature_def": {
    "serving_default": {"inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1", "name": ""}, {"size": "3", "name": ""}], "unknown_rank": false}}},
        "outputs": {"y": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": false}}}, "method_name": "tensorflow/serving/predict"},
    "complex": {"inputs": {"z": {"dtype": "DT_COMPLEX64", "tensor_shape": {"dim": [], "unknown_rank": false}}}, "outputs": {}}}}}}"#;

/// Asks a server by its address; what differs from run to run is left out of stderr.
fn ask(answers: &[(&str, u16, &str)], arguments: &[&str]) -> (Outcome, ModelServer) {
    let server = ModelServer::start(answers);
    let fixed = ["predict", "resnet", "--address", &server.url];
    let mut outcome = offline(&[&fixed, arguments].concat());
    outcome.stderr = steady(&outcome.stderr, &[&server.url]);
    (outcome, server)
}

fn steady(stderr: &str, urls: &[&str]) -> String {
    let mut text = stderr.to_owned();
    for url in urls {
        text = text.replace(url, "http://ADDRESS");
    }
    let lines: Vec<String> = text.lines().map(without_time).collect();
    lines.join("\n")
}

/// `HTTP 200 in 12.3 ms` becomes `HTTP 200 in TIME`.
fn without_time(line: &str) -> String {
    match line.split_once(" in ") {
        Some((status, rest)) if status.starts_with("HTTP ") => {
            let (time, rest) = rest.split_once(" ms").unwrap();
            assert!(time.parse::<f64>().is_ok(), "{line}");
            format!("{status} in TIME{rest}")
        }
        _ => line.to_owned(),
    }
}

fn said(code: i32, answers: &[(&str, u16, &str)], arguments: &[&str]) -> String {
    let (outcome, _) = ask(answers, arguments);
    assert_eq!(outcome.code, code, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "", "an error leaves stdout empty");
    outcome.stderr
}

#[test]
fn the_answer_is_printed_as_it_came() {
    let reply = "{\n    \"predictions\": [NaN, -Infinity, 1.50]\n}";
    let (outcome, server) = ask(&[(PREDICT, 200, reply)], &["-d", BODY]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (0, reply),
        "{}",
        outcome.stderr
    );
    insta::assert_snapshot!(outcome.stderr, @"HTTP 200 in TIME, model resnet, through the address http://ADDRESS");
    assert_eq!(server.bodies(), [BODY]);
    assert_eq!(server.asked(), [PREDICT]);
}

#[test]
fn a_request_comes_from_a_file_from_stdin_or_from_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "request.json", BODY);
    for arguments in [["-f", path.as_str()], ["-d", &format!("@{path}")]] {
        let (outcome, server) = ask(&[(PREDICT, 200, "{}")], &arguments);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert_eq!(server.bodies(), [BODY]);
    }
    for arguments in [["-f", "-"], ["-d", "@-"]] {
        let server = ModelServer::start(&[(PREDICT, 200, "{}")]);
        let mut child = command(&["predict", "resnet", "--address", &server.url])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(BODY.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(server.bodies(), [BODY]);
    }
}

#[test]
fn version_label_and_signature_are_asked_for() {
    let answers = [
        ("POST /v1/models/a%20b/versions/7:predict", 200, "{}"),
        ("POST /v1/models/resnet/labels/stable:predict", 200, "{}"),
    ];
    let (outcome, server) = ask(
        &answers,
        &["-d", BODY, "--model", "a b", "--version", "7", "--signature", "s"],
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(
        server.bodies(),
        [r#"{"signature_name": "s", "instances": [[1.0, NaN]]}"#]
    );
    let (outcome, _) = ask(&answers, &["-d", BODY, "--label", "stable"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[test]
fn a_wrong_body_is_never_sent() {
    let refused = |arguments: &[&str]| {
        let (outcome, server) = ask(&[], arguments);
        assert_eq!(outcome.code, 2, "{}", outcome.stderr);
        assert_eq!(server.asked(), Vec::<String>::new());
        outcome.stderr
    };
    insta::assert_snapshot!(refused(&["-d", "{\"instances\": [1,]}"]), @"error: cannot send `--data`: it is no JSON: trailing comma at line 1 column 18; nothing was sent");
    insta::assert_snapshot!(refused(&["-d", "[1]"]), @r#"error: cannot send `--data`: it is no JSON object; a request is {"instances": [...]} or {"inputs": ...}; nothing was sent"#);
    insta::assert_snapshot!(refused(&["-f", "/nonexistent.json"]), @"error: cannot read /nonexistent.json: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused(&["-d", r#"{"signature_name": "a"}"#, "--signature", "b"]), @r#"error: cannot send `--data`: it names a signature itself ("a"); leave `--signature` out; nothing was sent"#);
    insta::assert_snapshot!("usage", refused(&[]));
}

#[test]
fn the_servers_errors_keep_their_text_and_gain_a_cause() {
    let unknown = r#"{ "error": "Servable not found for request: Latest(resnet)" }"#;
    let none = r#"{ "error": "Could not find any versions of model resnet" }"#;
    insta::assert_snapshot!(
        "model_unknown",
        said(1, &[(PREDICT, 404, unknown), (STATUS, 404, none)], &["-d", BODY])
    );
    let version = "POST /v1/models/resnet/versions/9:predict";
    let missing = r#"{ "error": "Servable not found for request: Specific(resnet, 9)" }"#;
    insta::assert_snapshot!(
        "version_unknown",
        said(
            1,
            &[(version, 404, missing), (STATUS, 200, READY)],
            &["-d", BODY, "--version", "9"]
        )
    );
    let shapes = r#"{ "error": "Incompatible shapes: [1,2] vs. [3]\n\t [[{{node \u001b[31mmul}}]]" }"#;
    insta::assert_snapshot!(
        "input",
        said(
            1,
            &[(PREDICT, 400, shapes), (METADATA, 200, SIGNATURES)],
            &["-d", BODY]
        )
    );
    let full = r#"{ "error": "The batch scheduling queue to which this task was submitted is full" }"#;
    insta::assert_snapshot!(
        "queue_full",
        said(
            1,
            &[
                (PREDICT, 503, full),
                (
                    STATUS,
                    200,
                    r#"{"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}"#
                )
            ],
            &["-d", BODY]
        )
    );
    insta::assert_snapshot!(
        "loading",
        said(
            1,
            &[
                (PREDICT, 503, r#"{"error": "Unavailable"}"#),
                (STATUS, 200, READY)
            ],
            &["-d", BODY]
        )
    );
    insta::assert_snapshot!(
        "slow",
        said(1, &[(PREDICT, 504, r#"{"error": "Timed out"}"#)], &["-d", BODY])
    );
    insta::assert_snapshot!(
        "internal",
        said(1, &[(PREDICT, 500, r#"{"error": "It broke"}"#)], &["-d", BODY])
    );
    insta::assert_snapshot!(
        "no_json",
        said(1, &[(PREDICT, 502, "<html>Bad Gateway</html>")], &["-d", BODY])
    );
}

#[test]
fn a_server_that_does_not_answer() {
    insta::assert_snapshot!(
        "no_answer",
        said(3, &[(PREDICT, 0, "")], &["-d", BODY, "--timeout", "2s"])
    );
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let outcome = offline(&["predict", "resnet", "--address", &url, "-d", BODY]);
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!(steady(&outcome.stderr, &[&url]), @"error: cannot ask model resnet through the address http://ADDRESS: cannot connect: Connection refused (os error 111)");
    let outcome = offline(&["predict", "resnet", "--address", "https://localhost", "-d", BODY]);
    assert_eq!(outcome.code, 2);
    insta::assert_snapshot!(outcome.stderr, @r#"
error: invalid value 'https://localhost' for '--address <URL>': only http is spoken: TensorFlow Serving's REST port has no TLS

For more information, try '--help'.
"#);
}

#[test]
fn an_example_is_made_from_the_signature_and_can_be_sent() {
    let answers = [(METADATA, 200, SIGNATURES), (PREDICT, 200, "{}")];
    let (outcome, _) = ask(&answers, &["--example"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stdout, @r#"{"instances":[[0.0,0.0,0.0]]}"#);
    insta::assert_snapshot!(outcome.stderr, @"model resnet version 1, serving_default: x DT_FLOAT [-1, 3] -> y DT_FLOAT [-1]");
    let (outcome, _) = ask(&answers, &["-d", &outcome.stdout]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    insta::assert_snapshot!(said(2, &answers, &["--example", "--signature", "other"]), @"error: model resnet: version 1 has no signature other; its signatures: complex, serving_default");
    insta::assert_snapshot!(said(3, &answers, &["--example", "--signature", "complex"]), @"error: cannot make a request for signature complex: input z is DT_COMPLEX64, which has no form in JSON");
    insta::assert_snapshot!(said(3, &[(METADATA, 200, "{}")], &["--example"]), @"error: cannot ask model resnet through the address http://ADDRESS: the answer is no metadata of TensorFlow Serving: missing field `model_spec` at line 1 column 2");
    let unknown = r#"{"error": "Could not find any versions of model resnet"}"#;
    insta::assert_snapshot!(said(1, &[(METADATA, 404, unknown), (STATUS, 404, unknown)], &["--example"]), @r#"
HTTP 404 in TIME, model resnet, through the address http://ADDRESS
error: HTTP 404: Could not find any versions of model resnet
cause    the server has no model resnet; the name is the one in `--model_name`, or in the models' configuration, of the server's arguments
"#);
}

/// A Service of the shop that only the API server's proxy reaches, and its pod.
fn world() -> World {
    let mut world = World::default();
    world.collections.insert(
        SERVICES.to_owned(),
        vec![json!({"metadata": {"name": "shop", "namespace": "shop"},
            "spec": {"type": "LoadBalancer", "clusterIP": "None", "selector": {"app": "shop"},
                "ports": [{"name": "grpc", "port": 8500}, {"name": "http", "port": 8501, "targetPort": "http"}]}})],
    );
    world
        .collections
        .insert(PODS.to_owned(), vec![pod("--model_name=$(MODEL)", true)]);
    world.collections.insert(DEPLOYMENTS.to_owned(), Vec::new());
    world.collections.insert(
        CONFIG_MAPS.to_owned(),
        vec![
            json!({"metadata": {"name": "configs"}, "data": {"MODEL": "resnet",
            "models.config": "model_config_list { config { name: 'a' } config { name: 'b' } }"}}),
        ],
    );
    for (path, body) in [
        (
            "v1/models/shop",
            r#"{"error": "Could not find any versions of model shop"}"#,
        ),
        ("v1/models/resnet", READY),
        ("v1/models/resnet:predict", "{\"predictions\": [NaN]}"),
    ] {
        world
            .documents
            .insert(format!("{SERVICES}/shop:8501/proxy/{path}"), json!(body));
    }
    world.documents.insert(REVIEWS.to_owned(), review(true));
    world
}

fn pod(argument: &str, ready: bool) -> Value {
    json!({"metadata": {"name": "shop-1", "namespace": "shop", "labels": {"app": "shop"}},
        "spec": {"containers": [{"name": "tf-serving", "image": "tensorflow/serving:2.20.0", "args": [argument],
            "ports": [{"name": "http", "containerPort": 8501}],
            "envFrom": [{"configMapRef": {"name": "configs"}}],
            "volumeMounts": [{"name": "configs", "mountPath": "/etc/configs"}]}],
            "volumes": [{"name": "configs", "configMap": {"name": "configs"}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}})
}

fn through(world: World, arguments: &[&str]) -> Outcome {
    let stage = Stage::new(world);
    let mut outcome = stage.run(&[&["predict", "shop"], arguments].concat());
    outcome.stderr = steady(&outcome.stderr, &[&stage.mock.url]);
    outcome
}

#[test]
fn the_model_is_the_one_that_the_pods_serve_and_the_way_is_told() {
    let outcome = through(world(), &["-d", BODY]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (0, "{\"predictions\": [NaN]}"),
        "{}",
        outcome.stderr
    );
    insta::assert_snapshot!(outcome.stderr, @"HTTP 200 in TIME, model resnet, through API server proxy services/shop:8501; not load balancer address: none yet (EXTERNAL-IP <pending>)");
}

/// A `ClusterIP` behind which nobody speaks, as where no kube-proxy is.
#[test]
fn a_silent_address_is_not_waited_for_and_is_told() {
    let silent = ModelServer::start(&[("GET /v1/models/shop", 0, ""), (PREDICT, 0, "")]);
    let (address, port) = silent.url.trim_start_matches("http://").split_once(':').unwrap();
    let mut world = world();
    let service = &mut world.collections.get_mut(SERVICES).unwrap()[0];
    service["spec"]["type"] = json!("ClusterIP");
    service["spec"]["clusterIP"] = json!(address);
    service["spec"]["ports"] =
        json!([{"name": "http", "port": port.parse::<u16>().unwrap(), "targetPort": "http"}]);
    for path in ["v1/models/shop", "v1/models/resnet", "v1/models/resnet:predict"] {
        let body = world.documents[&format!("{SERVICES}/shop:8501/proxy/{path}")].clone();
        world
            .documents
            .insert(format!("{SERVICES}/shop:{port}/proxy/{path}"), body);
    }
    let outcome = through(world, &["-d", BODY]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    insta::assert_snapshot!(outcome.stderr.replace(port, "PORT"), @"HTTP 200 in TIME, model resnet, through API server proxy services/shop:PORT; not ClusterIP http://127.0.0.1:PORT: no answer within 250ms");
    assert_eq!(
        silent.asked(),
        ["GET /v1/models/shop"],
        "the request itself is sent once"
    );
}

#[test]
fn several_models_need_a_choice() {
    let mut world = world();
    world.collections.insert(
        PODS.to_owned(),
        vec![pod("--model_config_file=/etc/configs/models.config", true)],
    );
    let outcome = through(world, &["-d", BODY]);
    assert_eq!(outcome.code, 2);
    insta::assert_snapshot!(outcome.stderr, @"error: Service shop/shop serves several models; choose one with `--model`: a, b");
}

#[test]
fn a_name_that_nothing_has() {
    let stage = Stage::new(world());
    let outcome = stage.run(&["predict", "web", "-d", BODY]);
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!(outcome.stderr, @"error: cannot reach shop/web: there is neither a Service nor a Deployment of that name; Services with a REST port there: shop");
}

#[test]
fn no_way_leads_to_the_model() {
    let mut closed = world();
    closed.faults.push(("/proxy/", Fault::Refuse(503)));
    closed
        .collections
        .insert(PODS.to_owned(), vec![pod("--model_name=resnet", false)]);
    closed.documents.insert(
        format!("{PODS}/shop-1/log"),
        json!("2026-01-02 x.cc:268] No versions of servable resnet found under base path /models/resnet. Did you forget to name your leaf directory as a number (eg. '/1/')?\n"),
    );
    let outcome = through(closed, &["-d", BODY]);
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!("no_way", outcome.stderr);

    let mut forbidden = world();
    forbidden.documents.insert(REVIEWS.to_owned(), review(false));
    forbidden.faults.push(("/portforward", Fault::Refuse(403)));
    let outcome = through(forbidden, &["-d", BODY]);
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!("no_right", outcome.stderr);

    let outcome = through(world(), &["-d", BODY, "--via", "service"]);
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!("not_by_its_address", outcome.stderr);

    let outcome = through(world(), &["-d", BODY, "--port", "80"]);
    assert_eq!(outcome.code, 3);
    insta::assert_snapshot!("no_port", outcome.stderr);
}
