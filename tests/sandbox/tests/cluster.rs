//! The sandbox is a cluster: everything here is said by real components.
//!
//! One cluster serves all tests of this file. Those that need a state of the metrics API are one test, in the
//! order of the story, because that state is the cluster's.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use tfserve_sandbox::{Component, End, MetricsServer, Namespace, Sandbox, Sidecar, Usage};

const CLASSIFIER: &str = include_str!("data/classifier.yaml");

fn sandbox() -> &'static Sandbox {
    Sandbox::shared().expect("a cluster")
}

fn kubectl(namespace: &str, arguments: &[&str]) -> String {
    let mut all = vec!["--namespace", namespace];
    all.extend(arguments);
    sandbox().run_kubectl(&all, None).expect("kubectl")
}

/// Asks kubectl until the answer satisfies; a refusal is an answer, too.
fn eventually(namespace: &str, arguments: &[&str], satisfied: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + Duration::from_secs(300);
    let all = [&["--namespace", namespace], arguments].concat();
    loop {
        let answer = sandbox().run_kubectl(&all, None);
        let answer = answer.unwrap_or_else(|error| error.to_string());
        if satisfied(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{arguments:?}: {answer}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A Deployment with an HPA, its one pod running.
fn classifier(prefix: &str) -> Namespace<'static> {
    let namespace = sandbox().namespace(prefix).expect("a namespace");
    apply(&namespace, CLASSIFIER);
    eventually(
        &namespace,
        &[
            "get",
            "deployment",
            "classifier",
            "-o=jsonpath={.status.readyReplicas}",
        ],
        |n| n == "1",
    );
    namespace
}

fn apply(namespace: &str, manifests: &str) {
    let arguments = ["--namespace", namespace, "apply", "--server-side", "-f", "-"];
    sandbox()
        .run_kubectl(&arguments, Some(manifests))
        .expect("kubectl apply");
}

fn the_pod(namespace: &str) -> String {
    let names = sandbox().pod_names(namespace, "app=classifier").expect("pods");
    names.into_iter().next().expect("a pod")
}

#[test]
fn the_story_of_the_metrics_api() {
    let sandbox = sandbox();
    let namespace = classifier("story");
    let message = [
        "get",
        "hpa",
        "classifier",
        "-o=jsonpath={.status.conditions[?(@.type=='ScalingActive')].message}",
    ];
    let targets = ["get", "hpa", "classifier", "--no-headers"];

    eventually(&namespace, &message, |said| {
        said.ends_with("the server could not find the requested resource (get pods.metrics.k8s.io)")
    });
    assert!(kubectl(&namespace, &targets).contains("cpu: <unknown>/60%"));

    sandbox
        .metrics_server(MetricsServer::RefusesKubeletCertificate)
        .expect("a metrics-server that refuses");
    let available = [
        "get",
        "apiservice",
        "v1beta1.metrics.k8s.io",
        "-o=jsonpath={.status.conditions[0].reason}",
    ];
    assert_eq!(kubectl(&namespace, &available), "MissingEndpoints");
    let log = kubectl("kube-system", &["logs", "deploy/metrics-server"]);
    assert!(
        log.contains(
            "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs"
        )
    );
    eventually(&namespace, &message, |said| {
        said.ends_with("the server is currently unable to handle the request (get pods.metrics.k8s.io)")
    });

    sandbox
        .metrics_server(MetricsServer::Ready)
        .expect("a metrics-server that is ready");
    // kubectl asks discovery first, which learns of the API a moment later.
    eventually(&namespace, &["top", "nodes", "--no-headers"], |nodes| {
        nodes.contains("sandbox-node-2")
    });
    eventually(&namespace, &targets, |line| line.contains("cpu: 0%/60%"));

    // A sample may be one more or less: 426% of 500m are 2130m to 2134m.
    let load = sandbox.load(&namespace, "app=classifier", Usage::Shared(2132));
    eventually(&namespace, &targets, |line| line.contains("cpu: 426%/60%"));
    eventually(
        &namespace,
        &[
            "get",
            "deployment",
            "classifier",
            "-o=jsonpath={.status.readyReplicas}",
        ],
        |n| n == "4",
    );
    eventually(&namespace, &targets, |line| line.contains("cpu: 106%/60%"));
    drop(load);

    sandbox
        .metrics_server(MetricsServer::Down)
        .expect("a metrics-server without pods");
    assert_eq!(kubectl(&namespace, &available), "MissingEndpoints");
    sandbox
        .metrics_server(MetricsServer::Absent)
        .expect("no metrics-server");
    let missing = sandbox
        .run_kubectl(&["top", "nodes"], None)
        .expect_err("there are no metrics");
    assert!(
        missing.to_string().contains("Metrics API not available"),
        "{missing}"
    );
}

#[test]
fn a_pod_that_fits_nowhere_is_pending() {
    let namespace = sandbox().namespace("pending").expect("a namespace");
    sandbox().hold_pending(&namespace, true).expect("a policy");
    apply(&namespace, CLASSIFIER);
    let condition = [
        "get",
        "pods",
        "-o=jsonpath={.items[*].status.conditions[?(@.type=='PodScheduled')].message}",
    ];
    let said = eventually(&namespace, &condition, |said| !said.is_empty());
    assert!(said.starts_with("0/2 nodes are available: "), "{said}");
    assert!(kubectl(&namespace, &["get", "pods"]).contains("Pending"));

    sandbox().hold_pending(&namespace, false).expect("no policy");
    eventually(&namespace, &["delete", "pods", "--all"], |_| true);
    eventually(
        &namespace,
        &[
            "get",
            "deployment",
            "classifier",
            "-o=jsonpath={.status.readyReplicas}",
        ],
        |n| n == "1",
    );
}

#[test]
fn readiness_age_and_end_stay_as_they_were_set() {
    let namespace = classifier("status");
    let pod = the_pod(&namespace);
    let ready = [
        "get",
        "pods",
        &pod,
        "-o=jsonpath={.status.conditions[?(@.type=='Ready')].status}",
    ];
    sandbox().set_ready(&namespace, &pod, false).expect("not ready");
    eventually(
        &namespace,
        &[
            "get",
            "deployment",
            "classifier",
            "-o=jsonpath={.status.unavailableReplicas}",
        ],
        |n| n == "1",
    );
    assert_eq!(kubectl(&namespace, &ready), "False");
    sandbox().set_ready(&namespace, &pod, true).expect("ready");
    assert_eq!(kubectl(&namespace, &ready), "True");

    let start = ["get", "pods", &pod, "-o=jsonpath={.status.startTime}"];
    let before = kubectl(&namespace, &start);
    assert_eq!(
        sandbox()
            .set_age(&namespace, "app=classifier", Duration::from_secs(3600))
            .expect("old pods"),
        1
    );
    let after = kubectl(&namespace, &start);
    assert!(after < before, "{after} is before {before}");

    let list = ["get", "pods", "--no-headers"];
    for reason in ["CrashLoopBackOff", "ImagePullBackOff"] {
        sandbox()
            .set_waiting(&namespace, &pod, reason, "back-off")
            .expect("a waiting pod");
        std::thread::sleep(Duration::from_secs(1));
        assert!(kubectl(&namespace, &list).contains(reason));
    }

    sandbox()
        .finish(&namespace, &pod, End::Failed)
        .expect("a failed pod");
    eventually(&namespace, &list, |list| {
        list.contains("Error") && list.contains("Running")
    });
}

#[test]
fn a_sidecar_is_in_the_pod_and_not_in_the_template() {
    let namespace = sandbox().namespace("mesh").expect("a namespace");
    let sidecar = Sidecar {
        name: "proxy".to_owned(),
        image: "istio/proxyv2".to_owned(),
        cpu_request: None,
    };
    sandbox().inject_sidecar(&namespace, &sidecar).expect("a policy");
    apply(&namespace, CLASSIFIER);
    let names = ["get", "pods", "-o=jsonpath={.items[*].spec.containers[*].name}"];
    eventually(&namespace, &names, |names| names == "tf-serving proxy");
    let template = [
        "get",
        "deployment",
        "classifier",
        "-o=jsonpath={.spec.template.spec.containers[*].name}",
    ];
    assert_eq!(kubectl(&namespace, &template), "tf-serving");
}

#[test]
fn logs_and_port_forward_reach_what_the_test_gave() {
    let namespace = classifier("streams");
    let pod = the_pod(&namespace);
    sandbox()
        .set_log(&namespace, &pod, &["first", "second"])
        .expect("a log");
    eventually(&namespace, &["logs", &pod], |log| log == "first\nsecond\n");

    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    sandbox()
        .forward_port_in(&namespace, 8501, server.local_addr().expect("an address"))
        .expect("a forward");
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 1024]);
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nmodel");
        }
    });
    let probe = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = probe.local_addr().expect("an address").port();
    drop(probe);
    let mut forward = sandbox()
        .kubectl()
        .args([
            "--namespace",
            &namespace,
            "port-forward",
            &pod,
            &format!("{port}:8501"),
        ])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("kubectl port-forward");
    let deadline = Instant::now() + Duration::from_secs(300);
    let mut answer = String::new();
    while !answer.ends_with("model") && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
        let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else {
            continue;
        };
        stream
            .set_read_timeout(Some(Duration::from_secs(2)))
            .expect("a timeout");
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        // kwok does not pass on that the server closed its end, so the answer's end is what counts.
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).unwrap_or_default();
        answer = String::from_utf8_lossy(&bytes[..read]).into_owned();
    }
    forward.kill().expect("an end");
    forward.wait().expect("an end");
    assert!(answer.ends_with("model"), "{answer}");
}

#[test]
fn a_user_without_rights_is_refused() {
    let namespace = sandbox().namespace("rights").expect("a namespace");
    let kubeconfig = sandbox()
        .kubeconfig_for_user("eve", &["readers", "others"])
        .expect("a kubeconfig");
    let output = sandbox()
        .kubectl()
        .env("KUBECONFIG", kubeconfig)
        .args(["--namespace", &namespace, "get", "pods"])
        .output()
        .expect("kubectl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(r#"User "test:eve" cannot list resource "pods""#),
        "{said}"
    );
}

#[test]
fn the_scheduler_can_be_held_still() {
    let namespace = sandbox().namespace("still").expect("a namespace");
    sandbox().pause(Component::Scheduler).expect("a pause");
    kubectl(&namespace, &["run", "alone", "--image=none", "--restart=Never"]);
    std::thread::sleep(Duration::from_secs(1));
    let node = ["get", "pod", "alone", "-o=jsonpath={.spec.nodeName}"];
    let scheduled = kubectl(&namespace, &node);
    sandbox().resume(Component::Scheduler).expect("a resumption");
    assert_eq!(scheduled, "");
    eventually(&namespace, &node, |node| !node.is_empty());
}
