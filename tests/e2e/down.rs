//! `down` removes what `up` and `autoscale` made, and nothing else.

mod asked;

use std::process::{Command, Stdio};
use std::sync::MutexGuard;

use serde_json::json;
use tfserve_sandbox::{LINGER_ANNOTATION, MetricsServer};

use crate::adapters;
use crate::between::{Between, Moment, killed_at};
use crate::support::{Ran, apply, field, kubectl, path, sandbox, until, with_metrics_server};

/// `kubectl tfserve up`, without the wait: there is no model behind it.
fn up(namespace: &str, words: &str) {
    let ran = kubectl(&format!(
        "tfserve up {words} --model hostPath:/models/resnet --wait=false -n {namespace}"
    ));
    ran.expect_code(0);
}

/// What `autoscale` writes, applied as it does; no metrics are needed for that.
fn autoscale(namespace: &str, deployment: &str) {
    let hpa = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": deployment, "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "kubectl-tfserve"}},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
            "minReplicas": 1, "maxReplicas": 2}});
    sandbox()
        .run_kubectl(
            &[
                "apply",
                "--server-side",
                "--field-manager=kubectl-tfserve",
                "-f",
                "-",
            ],
            Some(&hpa.to_string()),
        )
        .expect("the HPA applies");
}

fn down(namespace: &str, words: &str) -> Ran {
    kubectl(&format!("tfserve down {words} -n {namespace}"))
}

/// What stays in a namespace, of the kinds that are made.
fn objects(namespace: &str) -> String {
    kubectl(&format!(
        "get hpa,service,configmap,deployment -n {namespace} -o name"
    ))
    .stdout
    .replace("configmap/kube-root-ca.crt\n", "")
}

fn said(ran: &Ran, namespace: &str) -> String {
    ran.said().replace(namespace, "NAMESPACE")
}

/// What a namespace holds is known where every API answers, and an installed metrics-server has a line of its own: both
/// are the whole cluster's state.
fn all_apis_answer() -> (MutexGuard<'static, ()>, MutexGuard<'static, ()>) {
    (with_metrics_server(MetricsServer::Absent), adapters::alone())
}

#[test]
fn what_was_made_goes_and_nothing_else() {
    let _turn = all_apis_answer();
    let namespace = "down-shop";
    up(namespace, "resnet --variant a --create-namespace");
    up(namespace, "resnet --variant b");
    up(namespace, "bert");
    autoscale(namespace, "resnet-a");
    apply(&[json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "notes", "namespace": namespace}})]);
    let before = objects(namespace);

    let nobody = down(namespace, "resnet");
    insta::assert_snapshot!("nobody_can_be_asked", said(&nobody, namespace));
    let client = down(namespace, "resnet --dry-run=client");
    insta::assert_snapshot!("dry_run_client", said(&client, namespace));
    let server = down(namespace, "resnet --variant a --dry-run=server");
    insta::assert_snapshot!("dry_run_server", said(&server, namespace));
    assert_eq!(objects(namespace), before, "nothing has gone");

    let variant = down(namespace, "resnet --variant a --yes");
    insta::assert_snapshot!("one_variant", said(&variant, namespace));
    insta::assert_snapshot!("one_variant_left", objects(namespace));
    let rest = down(namespace, "resnet --yes");
    insta::assert_snapshot!("the_rest", said(&rest, namespace));
    let again = down(namespace, "resnet --yes");
    insta::assert_snapshot!("nothing_left", said(&again, namespace));
    down(namespace, "bert --yes --keep-namespace").expect_code(0);
    assert_eq!(objects(namespace), "configmap/notes\n");

    kubectl(&format!("delete configmap notes -n {namespace}")).expect_code(0);
    let last = down(namespace, "bert --yes");
    insta::assert_snapshot!("the_namespace", said(&last, namespace));
    assert_eq!(kubectl(&format!("get namespace {namespace}")).code, 1);
    let nowhere = down(namespace, "bert --yes");
    insta::assert_snapshot!("no_namespace", said(&nowhere, namespace));
}

/// `GitOps` applied the same manifests, and somebody else made a Deployment behind our Service.
#[test]
fn what_others_made_stays() {
    let _turn = all_apis_answer();
    let namespace = sandbox().namespace("down-others").expect("a namespace");
    up(&namespace, "resnet --variant a");
    let manifests = kubectl(&format!(
        "tfserve up resnet --variant b --model pvc:models/resnet -n {namespace} --dry-run=client -o yaml"
    ));
    let theirs: Vec<&str> = manifests
        .stdout
        .split("---\n")
        .filter(|document| !document.contains("kind: Service\n"))
        .collect();
    sandbox()
        .run_kubectl(
            &[
                "apply",
                "--server-side",
                "--field-manager=argocd-controller",
                "-f",
                "-",
            ],
            Some(&theirs.join("---\n")),
        )
        .expect("the manifests apply");
    autoscale(&namespace, "resnet-b");
    apply(&[
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "theirs", "namespace": &*namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "resnet-a"}, "maxReplicas": 2}}),
    ]);
    let ran = down(&namespace, "resnet --yes");
    insta::assert_snapshot!("others_stay", said(&ran, &namespace));
    insta::assert_snapshot!("others_are_left", objects(&namespace));
    // An HPA may have been made by name, for a Deployment of somebody else.
    autoscale(&namespace, "resnet-b");
    let ran = down(&namespace, "resnet --variant b --yes");
    insta::assert_snapshot!("only_the_hpa", said(&ran, &namespace));
}

/// A server ignores SIGTERM, and the kubelet ends it when the grace period is over.
#[test]
fn the_wait_is_for_the_pods_and_can_be_continued() {
    let namespace = sandbox().namespace("down-wait").expect("a namespace");
    up(&namespace, "bert");
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {LINGER_ANNOTATION: "true"}},
        "spec": {"terminationGracePeriodSeconds": 300, "containers": [{"name": "tf-serving"}]}}}});
    let arguments = [
        "patch",
        "deployment",
        "bert",
        "-n",
        &namespace,
        "-p",
        &patch.to_string(),
    ];
    sandbox().run_kubectl(&arguments, None).expect("the pods linger");
    let pod = until("one pod, and it lingers", || {
        let pods = kubectl(&format!("get pods -n {namespace} -o json")).json();
        let pods = pods["items"].as_array()?.clone();
        let lingers = pods.first()?["metadata"]["annotations"][LINGER_ANNOTATION] == "true";
        let runs = pods.first()?["status"]["phase"] == "Running";
        (pods.len() == 1 && lingers && runs)
            .then(|| pods[0]["metadata"]["name"].as_str().map(str::to_owned))?
    });
    let ran = down(&namespace, "bert --yes --timeout 20s");
    insta::assert_snapshot!("not_in_time", said(&ran, &namespace).replace(&pod, "POD"));
    assert!(
        ran.stderr.contains(&format!(
            "waiting for pod {pod} of Deployment {namespace}/bert: the server ignores SIGTERM"
        )),
        "{}",
        ran.stderr
    );
    let detached = down(&namespace, "bert --yes --wait=false");
    insta::assert_snapshot!("on_its_way", said(&detached, &namespace));
    kubectl(&format!(
        "delete pod {pod} -n {namespace} --grace-period=0 --force"
    ))
    .expect_code(0);
    let ran = down(&namespace, "bert --yes").expect_code(0);
    assert_eq!(objects(&namespace), "", "{}{}", ran.stdout, ran.stderr);
}

/// Runs the plugin by way of something between it and the API server.
fn down_between(between: &Between, namespace: &str, words: &[&str]) -> Ran {
    Command::new(env!("CARGO_BIN_EXE_kubectl-tfserve"))
        // What happens between may take longer than an answer of the API server.
        .args(["down", "-n", namespace, "--yes", "--request-timeout=2m"])
        .args(words)
        .env("PATH", path())
        .env("KUBECONFIG", between.kubeconfig())
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
        .into()
}

#[test]
fn killed_at_any_request_it_can_be_run_again() {
    let namespace = sandbox().namespace("down-killed").expect("a namespace");
    let mut number = 1;
    loop {
        deploy_for_a_kill(&namespace);
        let words = format!("down resnet --yes -n {namespace}");
        if !killed_at(number, Moment::After, &words) {
            break;
        }
        let again = down(&namespace, "resnet --yes").expect_code(0);
        assert_eq!(
            objects(&namespace),
            "",
            "killed at {number}: {}{}",
            again.stdout,
            again.stderr
        );
        number += 1;
    }
    // Those after it only wait.
    assert!(number > 12, "it was killed at {} requests", number - 1);
}

fn deploy_for_a_kill(namespace: &str) {
    up(namespace, "resnet --variant a");
    autoscale(namespace, "resnet-a");
}

#[test]
fn an_object_that_was_made_anew_is_not_hit() {
    let namespace = sandbox().namespace("down-anew").expect("a namespace");
    up(&namespace, "bert");
    let of = namespace.to_string();
    let between = Between::start(None, move |request| {
        let is_removal = request.starts_with("DELETE") && !request.contains("dryRun");
        if is_removal && request.contains("/services/bert") {
            kubectl(&format!("delete service bert -n {of}")).expect_code(0);
            kubectl(&format!("create service clusterip bert --tcp=80 -n {of}")).expect_code(0);
        }
    });
    let ran = down_between(&between, &namespace, &["bert"]);
    insta::assert_snapshot!("made_anew", said(&ran, &namespace));
    assert_eq!(objects(&namespace), "service/bert\n");
    assert_eq!(field(&namespace, "service/bert", "{.spec.ports[0].port}"), "80");
}

#[test]
fn a_refused_removal_removes_nothing() {
    let namespace = sandbox().namespace("down-refused").expect("a namespace");
    up(&namespace, "bert");
    let role = format!(
        "create role readers -n {namespace} --verb=get,list --resource=deployments.apps,services,configmaps,horizontalpodautoscalers.autoscaling"
    );
    kubectl(&role).expect_code(0);
    kubectl(&format!(
        "create rolebinding readers -n {namespace} --role=readers --user=jane"
    ))
    .expect_code(0);
    let before = objects(&namespace);
    let ran = down(&namespace, "bert --yes --as jane");
    insta::assert_snapshot!("no_right", said(&ran, &namespace));
    assert_eq!(objects(&namespace), before);
}
