//! `load --distributed`: stock Locust in real pods.

use std::process::{Command, Stdio};

use crate::node::{LOCUST, Swept, namespace, server, tensorflow, turn};
use crate::support::{kubectl, path, sandbox, until};

#[test]
fn locust_makes_the_load_in_the_cluster() {
    let Some(_turn) = turn() else { return };
    let namespace = Swept(namespace("distributed"));
    let n = &namespace.0;
    let model = tensorflow().small_model().expect("a model");
    kubectl(&format!(
        "tfserve up m --model hostPath:{} --image {} --cpu 100m --memory 512Mi --grace-period 1s -n {n}",
        model.display(),
        server()
    ))
    .expect_code(0);
    let request = sandbox().directory().join("small-request.json");
    let example = kubectl(&format!("tfserve predict m -n {n} --example")).expect_code(0);
    std::fs::write(&request, example.stdout).expect("the request is written");
    let load = format!(
        "tfserve load m -n {n} -f {} --distributed 2 --locust-image {LOCUST} --think 50ms --yes",
        request.display()
    );

    let ran = kubectl(&format!("{load} --users 2..4 --step-every 9s -o json")).expect_code(0);
    let report = ran.json();
    assert_eq!(report["ended"]["reason"], "completed", "{report:#}");
    assert_eq!(report["client"]["locustWorkers"], 2, "{report:#}");
    assert_eq!(report["total"]["failed"], 0, "{report:#}");
    assert!(report["total"]["requests"].as_u64() > Some(50), "{report:#}");
    let levels: Vec<u64> = report["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|step| step["level"].as_u64())
        .collect();
    assert_eq!(levels, [2, 4], "{report:#}");
    assert_eq!(left(n), "", "the load removes what it made");

    // Killed, it leaves a load that goes on; the model's own end takes it along.
    let mut killed = Command::new(env!("CARGO_BIN_EXE_kubectl-tfserve"))
        .args(load.split_whitespace().skip(1))
        .args(["--users", "2", "--step-every", "10m"])
        .env("PATH", path())
        .env("KUBECONFIG", sandbox().kubeconfig())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the load starts");
    until("workers run", || {
        let running = kubectl(&format!(
            "get job m-load-workers -n {n} -o jsonpath={{.status.ready}}"
        ));
        (running.stdout == "2").then_some(())
    });
    killed.kill().expect("it runs");
    killed.wait().expect("it ends");
    assert!(left(n).contains("job.batch/m-load-workers"), "{}", left(n));
    kubectl(&format!("tfserve down m -n {n} --yes")).expect_code(0);
    until("nothing of it is left", || left(n).is_empty().then_some(()));
}

/// The objects of a load.
fn left(namespace: &str) -> String {
    kubectl(&format!(
        "get jobs,configmaps,pods -n {namespace} -l tfserve.dev/load -o name"
    ))
    .stdout
}
