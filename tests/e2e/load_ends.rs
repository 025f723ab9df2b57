//! How a load ends early: Ctrl-C in a real process, and a quota that has no room for one in the cluster.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tfserve_sandbox::{BusyServer, MetricsServer};

use crate::load::{REQUEST, answer, deploy, sizes};
use crate::support::{Ran, field, kubectl, path, sandbox, until, with_metrics_server};

#[test]
fn ctrl_c_ends_a_load_at_once_and_its_report_is_whole() {
    let space = sandbox().namespace("load-ctrl-c").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    deploy(namespace);
    let address = format!("{}:8501", field(namespace, "service/web", "{.spec.clusterIP}"));
    let server = BusyServer::start(&address, Duration::from_millis(8)).expect("it listens");
    let _usage = sandbox().load_of(namespace, "app=web", &server);

    let (ran, page) = interrupted(namespace, "json", || {
        let replicas = field(namespace, "deployment/web", "{.spec.replicas}");
        replicas.parse::<u32>().is_ok_and(|replicas| replicas > 1)
    });
    let report = ran.json();
    let said = sizes(namespace);
    assert_eq!(report["ended"]["reason"], "interrupted", "{:#}", report["ended"]);
    assert!(report["total"]["requests"].as_u64() > Some(0), "{report:#}");
    assert_eq!(report["total"]["failed"], 0, "{:#}", report["failures"]);
    let samples = report["scaling"]["samples"].as_array().expect("samples");
    assert!(
        samples.iter().any(|sample| sample["wanted"].as_i64() > Some(1)),
        "{samples:#?}"
    );
    assert!(answer(&report, "scaled").starts_with("1 → "), "{report:#}");
    let changes = report["scaling"]["changes"].as_array().expect("changes");
    let line: Vec<&Value> = changes.iter().map(|change| &change["to"]).collect();
    assert!(!line.is_empty() && line.len() <= said.len(), "{line:?}, {said:?}");
    for (seen, (_, size)) in line.iter().zip(&said) {
        assert_eq!(**seen, *size, "{said:?}");
    }
    for part in ["interrupted after ", "maxReplicas 4", "<h2>Steps</h2>", "</html>"] {
        assert!(page.contains(part), "no {part}: {page}");
    }

    let (ran, page) = interrupted(namespace, "text", || server.cpu() > Duration::ZERO);
    for part in [
        "interrupted after ",
        "USERS  SECONDS",
        "scaled ",
        "limit ",
        "client ",
    ] {
        assert!(ran.stdout.contains(part), "no {part}: {}", ran.stdout);
    }
    assert!(page.ends_with("</html>\n"), "{page}");
}

/// Starts a load of an hour, and types Ctrl-C when the time has come and it has said something; what came of it, and
/// the page.
fn interrupted(namespace: &str, format: &str, is_time: impl Fn() -> bool) -> (Ran, String) {
    let files = tempfile::tempdir().expect("a directory");
    let (request, page) = (files.path().join("request.json"), files.path().join("load.html"));
    let said = files.path().join("said");
    std::fs::write(&request, REQUEST).expect("it is written");
    let plugin = Command::new(env!("CARGO_BIN_EXE_kubectl-tfserve"))
        .args([
            "load",
            "web",
            "-n",
            namespace,
            "--users",
            "4",
            "--step-every",
            "1h",
            "--think",
            "50ms",
        ])
        .args(["--cool-down", "1h", "--yes", "-o", format, "-f"])
        .arg(request)
        .arg("--report")
        .arg(&page)
        .env("PATH", path())
        .env("KUBECONFIG", sandbox().kubeconfig())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&said).expect("a file"))
        .spawn()
        .expect("the plugin starts");
    until("it is time", || {
        let said = std::fs::read_to_string(&said).expect("a file");
        (said.contains(" req/s ") && is_time()).then_some(())
    });
    let typed = Instant::now();
    let kill = Command::new("kill")
        .args(["-INT", &plugin.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let output = plugin.wait_with_output().expect("it ends");
    // Neither the step nor the cool-down is waited for.
    assert!(typed.elapsed() < Duration::from_secs(10), "{:?}", typed.elapsed());
    let ran = Ran::from(output).expect_code(0);
    (ran, std::fs::read_to_string(page).expect("a page"))
}

#[test]
fn a_quota_without_room_for_the_pods_of_a_load_is_said_and_nothing_is_left() {
    let space = sandbox().namespace("load-quota").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    deploy(namespace);
    let address = format!("{}:8501", field(namespace, "service/web", "{.spec.clusterIP}"));
    let _server = BusyServer::start(&address, Duration::from_millis(1)).expect("it listens");
    kubectl(&format!("create quota few -n {namespace} --hard=pods=1")).expect_code(0);
    until("the quota is counted", || {
        (field(namespace, "quota/few", "{.status.used.pods}") == "1").then_some(())
    });
    let files = tempfile::tempdir().expect("a directory");
    let request = files.path().join("request.json");
    std::fs::write(&request, REQUEST).expect("it is written");
    let ran = kubectl(&format!(
        "tfserve load web -n {namespace} -f {} --users 2 --distributed 1 --yes",
        request.display()
    ))
    .expect_code(3);
    let said = ran.said().replace(namespace, "NAMESPACE");
    insta::assert_snapshot!(without_pod_name(&said));
    until("nothing of it is left", || {
        let left = kubectl(&format!(
            "get jobs,configmaps,pods -n {namespace} -l tfserve.dev/load -o name"
        ));
        left.stdout.is_empty().then_some(())
    });
}

/// The Job's controller names a pod at random.
fn without_pod_name(said: &str) -> String {
    let (before, after) = said.split_once("pods \"web-load-").expect("a pod is named");
    let (_, after) = after.split_once('"').expect("the name ends");
    format!("{before}pods \"web-load-POD\"{after}")
}
