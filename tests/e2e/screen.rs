//! `top` in a real terminal.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use portable_pty::CommandBuilder;
use serde_json::json;
use tfserve_sandbox::tensorflow::host_address;
use tfserve_sandbox::{MetricsServer, Usage};

use crate::support::{apply, field, kubectl, place, sandbox, until, with_metrics_server};
use crate::terminal::Terminal;
use crate::workloads::{cpu, deployment, hpa, requested};

fn top(arguments: &str, kubeconfig: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kubectl-tfserve"));
    command.args(["top"].into_iter().chain(arguments.split_whitespace()));
    command.env("KUBECONFIG", kubeconfig);
    command.env("TERM", "xterm-256color");
    command.env_remove("NO_COLOR");
    command
}

#[test]
fn a_scale_event_is_seen_as_it_happens() {
    let space = sandbox().namespace("screen").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&[
        deployment(namespace, "web", &[requested()]),
        hpa(namespace, "Deployment", "web", &cpu(60)),
    ]);
    let mut terminal = Terminal::start(
        top(&format!("web -n {namespace}"), sandbox().kubeconfig()),
        80,
        24,
    );
    terminal.wait_for(&format!("{namespace}/web  Deployment/web"));
    // 30m of 60m; a sample may be one more or less.
    until("the usage is shown", || {
        let text = terminal.text();
        ["48%", "50%", "51%", "52%"]
            .iter()
            .any(|share| text.contains(share))
            .then_some(())
    });
    assert!(terminal.is_taken(), "{}", terminal.text());

    let load = sandbox().load(namespace, "app=web", Usage::Shared(200));
    until("the overload has a colour", || {
        terminal.has_colour().then_some(())
    });
    terminal.wait_for("SuccessfulRescale");
    terminal.wait_for("4 replicas (1..4)");
    let replicas = field(namespace, "deployment/web", "{.spec.replicas}");
    assert_eq!(replicas, "4", "{}", terminal.text());

    terminal.press("?");
    terminal.wait_for("explain the chosen HPA");
    terminal.press("x");
    terminal.press("e");
    terminal.wait_for("explain-hpa");
    terminal.press("x");
    terminal.resize(160, 40);
    // A column of the wide table: a key that comes together with the resize waits for the next one.
    terminal.wait_for("SAMPLE");
    terminal.press("/nothing\r");
    terminal.wait_for("nothing has this name");
    terminal.press("\u{1b}");
    terminal.wait_for("SAMPLE");
    drop(load);
    terminal.press("q");
    assert!(terminal.ended(), "{}", terminal.text());
    assert!(!terminal.is_taken(), "the terminal is not given back");
}

#[test]
fn the_terminal_is_given_back_whatever_ends_it() {
    let space = sandbox().namespace("screen-ends").expect("a namespace");
    let namespace = space.name();
    apply(&[deployment(namespace, "web", &[requested()])]);
    let mut command = top(&format!("deployment/web -n {namespace}"), sandbox().kubeconfig());
    command.env("NO_COLOR", "1");
    let start = || {
        let terminal = Terminal::start(command.clone(), 80, 24);
        terminal.wait_for("no HPA");
        assert!(terminal.is_taken());
        assert!(!terminal.has_colour(), "NO_COLOR is set");
        terminal
    };
    let mut interrupted = start();
    interrupted.press("\u{3}");
    assert!(interrupted.ended());
    assert!(!interrupted.is_taken());

    let mut terminated = start();
    let id = terminated.process_id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    assert!(terminated.ended());
    assert!(!terminated.is_taken());
}

#[test]
fn what_cannot_be_followed_is_said_in_words() {
    let space = sandbox().namespace("screen-rights").expect("a namespace");
    let namespace = space.name();
    apply(&[
        deployment(namespace, "web", &[requested()]),
        hpa(namespace, "Deployment", "web", &cpu(60)),
    ]);
    kubectl(&format!(
        "create role reader -n {namespace} --verb=get,list \
         --resource=horizontalpodautoscalers.autoscaling,deployments.apps,pods,events"
    ))
    .expect_code(0);
    kubectl(&format!(
        "create rolebinding reader -n {namespace} --role=reader --user=test:screen-reader"
    ))
    .expect_code(0);
    until("the controller has looked", || {
        let conditions = field(namespace, "hpa/web", "{.status.conditions}");
        conditions.contains("ScalingActive").then_some(())
    });
    let kubeconfig = sandbox()
        .kubeconfig_for_user("screen-reader", &[])
        .expect("a kubeconfig");
    let mut terminal = Terminal::start(top(&format!("web -n {namespace}"), &kubeconfig), 160, 30);
    terminal.wait_for("cannot be followed");
    terminal.wait_for("usage cannot be read");
    terminal.press("q");
    assert!(terminal.ended());
}

/// Answers as TensorFlow Serving's monitoring does after so many requests, 20 of them a second.
fn monitoring() -> SocketAddr {
    let listener = TcpListener::bind((host_address().expect("an address"), 0)).expect("a port");
    let address = listener.local_addr().expect("a port");
    std::thread::spawn(move || {
        let started = Instant::now();
        for stream in listener.incoming() {
            let mut request = [0; 2048];
            // Whoever asked may have given up.
            let Ok(mut stream) = stream else { continue };
            let Ok(length) = stream.read(&mut request) else {
                continue;
            };
            let asked = String::from_utf8_lossy(&request[..length]).into_owned();
            let count = started.elapsed().as_millis() / 50;
            let (status, body) = if asked.starts_with("GET /monitoring/prometheus/metrics ") {
                let labels = "{model_name=\"m\",API=\"predict\",entrypoint=\"REST\"";
                let name = ":tensorflow:serving:request_latency";
                let bucket = format!("{name}_bucket{labels},le=\"40000\"}} {count}\n");
                ("200 OK", format!("{bucket}{name}_count{labels}}} {count}\n"))
            } else {
                ("404 Not Found", String::new())
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}",
                body.len()
            );
            let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
        }
    });
    address
}

#[test]
fn the_servers_own_numbers_stand_beside_the_usage() {
    let space = sandbox().namespace("screen-serving").expect("a namespace");
    let namespace = space.name();
    let address = monitoring();
    let mut server = requested();
    server["image"] = json!("tensorflow/serving:2.20.0");
    server["args"] = json!([
        format!("--rest_api_port={}", address.port()),
        "--monitoring_config_file=/etc/monitoring"
    ]);
    apply(&[
        deployment(namespace, "web", &[server]),
        hpa(namespace, "Deployment", "web", &cpu(60)),
    ]);
    let pod = until("the pod runs", || {
        let pod = sandbox().pod_names(namespace, "app=web").ok()?.first()?.clone();
        (field(namespace, &format!("pod/{pod}"), "{.status.phase}") == "Running").then_some(pod)
    });
    place(namespace, &pod, address.ip());
    let command = top(&format!("web -n {namespace}"), sandbox().kubeconfig());
    let mut terminal = Terminal::start(command, 160, 30);
    terminal.wait_for("REQ/S");
    // On a busy machine the answer to one look may come late, and the rate of that time is another one.
    let (text, row) = until("the rate is the server's", || {
        let text = terminal.text();
        let row = text.lines().find(|line| line.contains(&pod))?.to_owned();
        let rate = row.split_whitespace().find_map(|word| word.parse::<f64>().ok())?;
        (18.0..22.0).contains(&rate).then_some((text, row))
    });
    // All requests are in one bucket up to 40 ms.
    assert!(row.contains("20ms") && row.contains("38ms"), "{text}");
    terminal.press("q");
    assert!(terminal.ended());
}

/// Not a test of its own: it is run by the next one, in a terminal.
#[test]
#[ignore = "run by a_panic_gives_the_terminal_back"]
fn panics_in_a_terminal() {
    let _terminal = ratatui::try_init().expect("a terminal");
    panic!("on purpose");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "screen::panics_in_a_terminal",
        "--ignored",
        "--nocapture",
    ]);
    command.env("RUST_BACKTRACE", "0");
    let mut terminal = Terminal::start(command, 80, 24);
    assert!(!terminal.ended());
    terminal.wait_for("on purpose");
    assert!(!terminal.is_taken(), "{}", terminal.text());
}
