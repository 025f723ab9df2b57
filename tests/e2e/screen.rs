//! `top` in a real terminal.

use std::path::Path;
use std::process::Command;

use portable_pty::CommandBuilder;
use tfserve_sandbox::{MetricsServer, Usage};

use crate::support::{apply, field, kubectl, sandbox, until, with_metrics_server};
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
    terminal.wait_for("50%");
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
    terminal.wait_for("REQUEST%");
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
