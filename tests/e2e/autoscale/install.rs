//! `--install-metrics-server`: every way that it ends.

use tfserve_sandbox::MetricsServer;

use super::{autoscale, said, space, spec, web};
use crate::support::{Ran, field, kubectl, sandbox, with_metrics_server};

const WORDS: &str = "web --cpu 60% --max 4 --install-metrics-server";
const ARGUMENTS: &str = "{.spec.template.spec.containers[0].args}";

#[test]
fn autoscale_installs_metrics_server() {
    let _turn = with_metrics_server(MetricsServer::Absent);
    let namespace = space("autoscale-install");
    web(namespace);
    a_dry_run_installs_nothing(namespace);
    certificates_are_refused(namespace);
    certificates_are_not_looked_at(namespace);
    somebody_elses_works(namespace);
    somebody_elses_does_not_work(namespace);
}

fn arguments() -> String {
    field("kube-system", "deployment/metrics-server", ARGUMENTS)
}

/// What the sandbox's own addresses add is left out.
fn steady(ran: &Ran) -> String {
    let lines: Vec<String> = said(ran)
        .lines()
        .map(|line| match line.split_once("127.") {
            Some((before, _)) => format!("{before}…"),
            None => line.to_owned(),
        })
        .collect();
    lines.join("\n")
}

fn a_dry_run_installs_nothing(namespace: &str) {
    let ran = autoscale(namespace, &format!("{WORDS} --dry-run=server"));
    let outcomes: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.ends_with("(server dry run)"))
        .collect();
    insta::assert_snapshot!("installed_in_a_dry_run", outcomes.join("\n"));
    assert_eq!(arguments(), "");
    assert_eq!(kubectl(&format!("get hpa -n {namespace} -o name")).stdout, "");
}

/// As on a cluster whose kubelets sign their own certificates: kubeadm's default, minikube, kind.
fn certificates_are_refused(namespace: &str) {
    let ran = autoscale(namespace, WORDS).expect_code(1);
    // The log's age and the address differ from run to run.
    for part in [
        "TFS303",
        "metrics-server refuses the kubelets' certificates",
        "contain any IP SANs",
        "on a test cluster: metrics-server rolls",
        "error: metrics-server is installed and has no data",
    ] {
        assert!(ran.said().contains(part), "{part}: {}", ran.said());
    }
    assert_eq!(kubectl(&format!("get hpa -n {namespace} -o name")).stdout, "");
}

fn certificates_are_not_looked_at(namespace: &str) {
    let ran = autoscale(namespace, &format!("{WORDS} --kubelet-insecure-tls")).expect_code(0);
    insta::assert_snapshot!("installed", said(&ran));
    assert_eq!(spec(namespace, "web")["maxReplicas"], 4);
    // Without the flag the argument stays: it is the cluster that needs it, not this command.
    let again = autoscale(namespace, WORDS).expect_code(0);
    insta::assert_snapshot!("installed_again", said(&again));
    assert!(arguments().contains("--kubelet-insecure-tls"), "{}", arguments());
    // It stands alone, and finds the HPA.
    let alone = autoscale(namespace, "web --install-metrics-server").expect_code(0);
    insta::assert_snapshot!("installed_alone", said(&alone));
}

fn somebody_elses_works(namespace: &str) {
    for state in [MetricsServer::Absent, MetricsServer::Ready] {
        sandbox().metrics_server(state).expect("another metrics-server");
    }
    let before = arguments();
    let ran = autoscale(namespace, WORDS).expect_code(0);
    insta::assert_snapshot!("another_one_works", said(&ran));
    assert_eq!(arguments(), before);
}

fn somebody_elses_does_not_work(namespace: &str) {
    sandbox()
        .metrics_server(MetricsServer::RefusesKubeletCertificate)
        .expect("another metrics-server");
    let before = arguments();
    let ran = autoscale(namespace, WORDS).expect_code(3);
    insta::assert_snapshot!("another_one_fails", steady(&ran));
    let ran = autoscale(namespace, &format!("{WORDS} --kubelet-insecure-tls")).expect_code(3);
    insta::assert_snapshot!("another_one_needs_the_flag", steady(&ran));
    assert_eq!(arguments(), before, "it is never written over");
}
