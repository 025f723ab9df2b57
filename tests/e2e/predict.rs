//! `predict` against a server of models on real TensorFlow, through a real API server.
//!
//! Where its packages cannot be downloaded these tests fail and say so; the same cases against fixed answers
//! are in `tests/cli/predict.rs`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tfserve_sandbox::tensorflow::{ModelServer, TensorFlow, host_address};

use crate::support::{Ran, apply, field, kubectl, path, place, sandbox, until};

const SERVICE: &str = "small";

/// A server on an address that the API server's proxy leads to, one version AVAILABLE.
fn server() -> ModelServer {
    let tensorflow = TensorFlow::prepare().unwrap_or_else(|error| panic!("{error}"));
    let host = host_address().unwrap_or_else(|error| panic!("{error}"));
    tensorflow.serve("small_model", host).expect("it starts")
}

/// A Deployment and a Service that this program did not make, whose pod's address is the server's.
fn deploy(namespace: &str, server: &ModelServer) {
    let labels = json!({"app": SERVICE});
    let port = server.address().port();
    apply(&[
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "configs", "namespace": namespace},
            "data": {"MODEL_NAME": "small_model"}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "small-v1", "namespace": namespace},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
                "name": "tf-serving", "image": "tensorflow/serving:2.20.0",
                "args": ["--model_name=$(MODEL_NAME)", format!("--rest_api_port={port}")],
                "envFrom": [{"configMapRef": {"name": "configs"}}],
                "ports": [{"name": "rest", "containerPort": port}]}]}}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE, "namespace": namespace},
            "spec": {"selector": labels, "ports": [{"name": "rest", "port": 8501, "targetPort": "rest"}]}}),
    ]);
    let pod = until("the pod runs", || {
        let pods = sandbox().pod_names(namespace, "app=small").ok()?;
        let pod = pods.first()?.clone();
        (field(namespace, &format!("pod/{pod}"), "{.status.phase}") == "Running").then_some(pod)
    });
    let address = server.address().ip();
    place(namespace, &pod, address);
    until("the Service leads there", || {
        let found = field(
            namespace,
            &format!("endpointslices -l kubernetes.io/service-name={SERVICE}"),
            "{.items[*].endpoints[*].addresses}",
        );
        found.contains(&address.to_string()).then_some(())
    });
}

/// `kubectl tfserve predict …` with a request on stdin.
fn predict(namespace: &str, words: &[&str], request: &str) -> Ran {
    let mut child = Command::new(sandbox().kubectl_directory().join("kubectl"))
        .args(["tfserve", "predict", "-n", namespace, "-f", "-"])
        .args(words)
        .env("PATH", path())
        .env("KUBECONFIG", sandbox().kubeconfig())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl runs");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(request.as_bytes())
        .expect("it reads its request");
    child.wait_with_output().expect("it ends").into()
}

#[track_caller]
fn says(ran: &Ran, words: &[&str]) {
    for words in words {
        assert!(ran.stderr.contains(words), "no `{words}` in\n{}", ran.stderr);
    }
}

#[test]
fn a_real_model_answers_and_refuses() {
    let namespace = sandbox().namespace("predict").expect("a namespace");
    let mut server = server();
    the_port_is_closed_before_the_first_load(&namespace, &server);
    server.add_version(1).expect("a model is written");
    server.wait_until_it_serves().expect("it serves");
    deploy(&namespace, &server);
    it_answers(&namespace);
    it_refuses(&namespace);
    examples_are_understood(&namespace);
    every_way_leads_to_it(&namespace, server.address());
    a_version_that_loads_is_named(&namespace, &server);
    the_deployment_is_a_name_too(&namespace);
}

/// As with the original: until the first version is loaded nobody can ask anything.
fn the_port_is_closed_before_the_first_load(namespace: &str, server: &ModelServer) {
    let log = until("the server says why", || {
        let log = server.log();
        log.contains("No versions of servable small_model found under base path")
            .then_some(log)
    });
    assert!(
        log.contains("Did you forget to name your leaf directory as a number"),
        "{log}"
    );
    let address = format!("http://{}", server.address());
    let ran = predict(namespace, &["small_model", "--address", &address], "{}").expect_code(3);
    says(&ran, &["cannot connect: Connection refused"]);
}

fn it_answers(namespace: &str) {
    let ran = predict(
        namespace,
        &[SERVICE],
        r#"{"instances": [[1.0, 2.0, 5.0], [NaN, 0, 0]]}"#,
    )
    .expect_code(0);
    assert_eq!(
        ran.stdout,
        "{\n    \"predictions\": [\n        6.0,\n        NaN\n    ]\n}"
    );
    says(
        &ran,
        &[
            "HTTP 200 in ",
            "model small_model, through API server proxy services/small:8501",
            "; not ClusterIP http://127.",
            "Connection refused",
        ],
    );
    let root = predict(
        namespace,
        &[SERVICE, "--signature", "root"],
        r#"{"inputs": [4, -1]}"#,
    )
    .expect_code(0);
    assert_eq!(
        root.stdout,
        "{\n    \"outputs\": [\n        2.0,\n        NaN\n    ]\n}"
    );
    let text = predict(
        namespace,
        &[SERVICE, "--signature", "text"],
        r#"{"instances": ["größer"]}"#,
    )
    .expect_code(0);
    let answer = &text.json()["predictions"][0];
    assert_eq!(
        (&answer["length"], &answer["text_bytes"]["b64"]),
        (&json!(8), &json!("Z3LDtsOfZXI="))
    );
}

fn it_refuses(namespace: &str) {
    let request = r#"{"instances": [[1.0, 2.0]]}"#;
    let input = predict(namespace, &[SERVICE], request).expect_code(1);
    says(
        &input,
        &[
            "error: HTTP 400: ",
            "Matrix size-incompatible: In[0]: [1,2], In[1]: [3,1]",
            "expects  serving_default: x DT_FLOAT [-1, 3] -> y DT_FLOAT [-1]",
            "sent     instances: 1 row of [2] numbers",
        ],
    );
    assert_eq!(input.stdout, "");
    let kind = predict(namespace, &[SERVICE], r#"{"instances": [["a", "b", "c"]]}"#).expect_code(1);
    says(
        &kind,
        &[
            "is not of expected type: float",
            "sent     instances: 1 row of [3] strings",
        ],
    );
    let model = predict(namespace, &[SERVICE, "--model", "large_model"], request).expect_code(1);
    says(
        &model,
        &[
            "error: HTTP 404: Servable not found for request: Latest(large_model)",
            "the server has no model large_model; the pods were told to serve small_model",
            "`--model small_model`",
        ],
    );
    let version = predict(namespace, &[SERVICE, "--version", "7"], request).expect_code(1);
    says(
        &version,
        &[
            "error: HTTP 404: Servable not found for request: Specific(small_model, 7)",
            "`--version` with one that is AVAILABLE: 1",
        ],
    );
    let signature = predict(namespace, &[SERVICE, "--signature", "product"], request).expect_code(1);
    says(&signature, &["its signatures: root, serving_default, text"]);
    let json = predict(namespace, &[SERVICE], r#"{"instances": [[1.0,]]}"#).expect_code(2);
    says(&json, &["nothing was sent"]);
}

fn examples_are_understood(namespace: &str) {
    for (signature, part) in [
        ("serving_default", "[[0.0,0.0,0.0]]"),
        ("text", r#"[{"b64":"#),
        ("root", "[0.0]"),
    ] {
        let printed = kubectl(&format!(
            "tfserve predict {SERVICE} -n {namespace} --example --signature {signature}"
        ))
        .expect_code(0);
        assert!(printed.stdout.contains(part), "{}", printed.stdout);
        predict(namespace, &[SERVICE], &printed.stdout).expect_code(0);
    }
}

/// The Service's own address, and a port-forward to its pod.
fn every_way_leads_to_it(namespace: &str, server: SocketAddr) {
    let request = r#"{"instances": [[0, 0, 0]]}"#;
    let pod_port = server.port();
    sandbox()
        .forward_port_in(namespace, pod_port, server)
        .expect("the port-forward leads to the server");
    let forward = until("the port-forward answers", || {
        let ran = predict(namespace, &[SERVICE, "--via", "port-forward"], request);
        (ran.code == 0).then_some(ran)
    });
    says(&forward, &["through port-forward to port "]);

    let cluster_ip = field(namespace, &format!("service/{SERVICE}"), "{.spec.clusterIP}");
    let front = relay(&format!("{cluster_ip}:8501"), server);
    let direct = predict(namespace, &[SERVICE], request).expect_code(0);
    says(&direct, &[&format!("through ClusterIP http://{front}")]);
    assert!(!direct.stderr.contains("; not "), "{}", direct.stderr);
    let proxy = predict(namespace, &[SERVICE, "--via", "proxy"], request).expect_code(0);
    says(&proxy, &["through API server proxy services/small:8501"]);
    assert_eq!(direct.stdout, proxy.stdout);
    assert_eq!(direct.stdout, forward.stdout);
}

/// In the place of kube-proxy: what comes to an address goes on to a server.
fn relay(from: &str, to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(from).expect("the ClusterIP is on loopback");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(to) else {
                return;
            };
            let copy = |mut from: TcpStream, mut to: TcpStream| {
                std::thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    while let Ok(count @ 1..) = from.read(&mut bytes) {
                        if to.write_all(&bytes[..count]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            };
            let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else {
                return;
            };
            copy(client, server);
            copy(server_too, client_too);
        }
    });
    address
}

fn a_version_that_loads_is_named(namespace: &str, server: &ModelServer) {
    let request = r#"{"instances": [[1.0, 2.0, 5.0]]}"#;
    let held = server.add_held_version(2).expect("a version is held");
    let loading = until("version 2 is LOADING", || {
        let ran = predict(namespace, &[SERVICE, "--version", "2"], request).expect_code(1);
        ran.stderr.contains("LOADING").then_some(ran)
    });
    says(
        &loading,
        &[
            "Servable not found for request: Specific(small_model, 2)",
            "cause    version 2 of model small_model is LOADING",
            "AVAILABLE: 1",
        ],
    );
    predict(namespace, &[SERVICE], request).expect_code(0);
    held.release().expect("the load goes on");
    let failed = until("version 2 has failed", || {
        let ran = predict(namespace, &[SERVICE, "--version", "2"], request).expect_code(1);
        ran.stderr.contains("is END").then_some(ran)
    });
    says(&failed, &["(NOT_FOUND: Could not find SavedModel .pb or .pbtxt"]);
    server.add_version(3).expect("a model is written");
    let newest: Value = until("version 3 answers", || {
        let ran = predict(namespace, &[SERVICE, "--version", "3"], request);
        (ran.code == 0).then(|| ran.json())
    });
    assert_eq!(newest["predictions"][0], 14.0);
}

/// Its pods are all that the Service selects, so the Service is the way.
fn the_deployment_is_a_name_too(namespace: &str) {
    let ran = predict(
        namespace,
        &["small-v1", "--via", "proxy"],
        r#"{"instances": [[0, 0, 0]]}"#,
    )
    .expect_code(0);
    says(
        &ran,
        &["model small_model, through API server proxy services/small:8501"],
    );
    kubectl(&format!("delete service {SERVICE} -n {namespace}")).expect_code(0);
    let ran = predict(namespace, &["small-v1"], r#"{"instances": [[0, 0, 0]]}"#).expect_code(0);
    says(&ran, &["through pod address http://"]);
    let ran = predict(
        namespace,
        &["small-v1", "--via", "proxy"],
        r#"{"instances": [[0, 0, 0]]}"#,
    )
    .expect_code(0);
    says(&ran, &["through API server proxy pods/small-v1-"]);
    let ran = predict(namespace, &[SERVICE], "{}").expect_code(3);
    says(
        &ran,
        &["there is neither a Service nor a Deployment of that name"],
    );
}
