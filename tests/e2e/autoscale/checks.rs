//! What the checks find before an HPA is written. Warnings block nothing; errors do.

use serde_json::{Value, json};

use super::{autoscale, ready, said, space, web};
use crate::support::{apply, field, kubectl, until, unwrapped};
use crate::workloads::{bare, container, deployment, requested};

/// What a device plugin would tell of.
const DEVICE: &str = "example.com/device";

pub(super) fn what_stands_in_the_way() {
    a_quota();
    the_nodes();
    pods_of_somebody_else();
    a_request_that_says_nothing();
    a_target_above_the_limit();
}

fn a_quota() {
    let namespace = space("autoscale-quota");
    web(namespace);
    kubectl(&format!(
        "create quota two -n {namespace} --hard=pods=2,requests.cpu=1"
    ))
    .expect_code(0);
    until("the quota is counted", || {
        (field(namespace, "quota/two", "{.status.used.pods}") == "1").then_some(())
    });
    let ran = autoscale(namespace, "web --cpu 60% --max 4").expect_code(0);
    insta::assert_snapshot!("quota", said(&ran));
    kubectl(&format!("delete hpa web -n {namespace}")).expect_code(0);
    // What was said is so: the third pod is refused.
    kubectl(&format!("scale deployment web -n {namespace} --replicas=4")).expect_code(0);
    until("the quota refuses a pod", || {
        let refusal = "{.status.conditions[?(@.type=='ReplicaFailure')].message}";
        field(namespace, "deployment/web", refusal)
            .contains("exceeded quota: two")
            .then_some(())
    });
    until("two pods are counted", || {
        (field(namespace, "deployment/web", "{.status.replicas}") == "2").then_some(())
    });
    let quiet = autoscale(namespace, "web --cpu 60% --max 2 --dry-run=server").expect_code(0);
    assert!(!quiet.stderr.contains("TFS709"), "{}", quiet.stderr);
}

/// Of each node's own devices a pod asks for one: nobody else has them, whatever else runs there.
fn the_nodes() {
    let namespace = space("autoscale-nodes");
    let names = field("default", "nodes", "{.items[*].metadata.name}");
    let nodes: Vec<&str> = names.split_whitespace().collect();
    for node in &nodes {
        let devices = json!({DEVICE: "3"});
        let patch = json!({"status": {"capacity": devices, "allocatable": devices}});
        let words = format!("patch node {node} --subresource=status --type=merge -p {patch}");
        kubectl(&words).expect_code(0);
    }
    let room = 3 * nodes.len();
    let one = json!({"requests": {"cpu": "100m", DEVICE: "1"}, "limits": {DEVICE: "1"}});
    apply(&[deployment(namespace, "web", &[container("app", &one)])]);
    ready(namespace, "deployment/web");
    let ran = autoscale(namespace, "web --cpu 60% --max 200 --dry-run=server").expect_code(0);
    let said = unwrapped(&ran.stderr);
    let told = format!("TFS710 likely: The nodes have room for {room} pods of Deployment/web");
    assert!(said.contains(&told), "{told}: {}", ran.stderr);
    // What was said is so.
    let scale = format!("scale deployment web -n {namespace} --replicas={}", room + 1);
    kubectl(&scale).expect_code(0);
    until("all but one have a node", || {
        let pods = kubectl(&format!("get pods -n {namespace} -o json")).json();
        let pods: Vec<Value> = pods["items"].as_array().cloned().unwrap_or_default();
        let placed = pods
            .iter()
            .filter(|pod| pod["spec"]["nodeName"].is_string())
            .count();
        let unschedulable = pods
            .iter()
            .filter(|pod| pod["status"]["conditions"][0]["reason"] == "Unschedulable")
            .count();
        (placed == room && unschedulable == 1).then_some(())
    });
    let words = format!("web --cpu 60% --max {room} --dry-run=server");
    let enough = autoscale(namespace, &words).expect_code(0);
    assert!(!enough.stderr.contains("TFS710"), "{}", enough.stderr);
}

fn pods_of_somebody_else() {
    let namespace = space("autoscale-foreign");
    web(namespace);
    apply(&[bare(namespace, "shell", "web")]);
    until("the foreign pod runs", || {
        (field(namespace, "pod/shell", "{.status.phase}") == "Running").then_some(())
    });
    let refused = autoscale(namespace, "web --cpu 60% --max 4").expect_code(1);
    insta::assert_snapshot!("foreign_pod", said(&refused));
    assert_eq!(kubectl(&format!("get hpa -n {namespace} -o name")).stdout, "");
}

/// 30m of 1m: the target is met at any load.
fn a_request_that_says_nothing() {
    let namespace = space("autoscale-small");
    let mut small = deployment(namespace, "web", &[requested()]);
    small["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "1m"}});
    apply(&[small]);
    ready(namespace, "deployment/web");
    // A sample whose window began before the pod was ready does not count, for the controller either.
    until("a sample counts", || {
        let checked = autoscale(namespace, "web --cpu 60% --max 4 --dry-run=server");
        checked.stderr.contains("TFS611").then_some(())
    });
    let ran = autoscale(namespace, "web --cpu 60% --max 4").expect_code(0);
    // The sample of an idle pod is 29m to 31m, the name of the pod another one each time, and lines break accordingly.
    let said = unwrapped(&ran.said());
    for part in ["TFS611", "and requests 1m", "limited to 4 by maxReplicas"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// The kernel throttles at the limit: 150% of the request is never seen.
fn a_target_above_the_limit() {
    let namespace = space("autoscale-limit");
    let mut limited = deployment(namespace, "web", &[requested()]);
    limited["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "100m"}, "limits": {"cpu": "100m"}});
    apply(&[limited]);
    ready(namespace, "deployment/web");
    let ran = autoscale(namespace, "web --cpu 150% --max 4").expect_code(0);
    insta::assert_snapshot!("target_above_the_limit", said(&ran));
    let within = autoscale(namespace, "web --cpu 60% --max 4 --dry-run=server").expect_code(0);
    assert!(!within.stderr.contains("TFS610"), "{}", within.stderr);
}
