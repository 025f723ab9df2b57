//! `up`, killed at any request: the same command again ends in the same state, and `down` finds everything.

use serde_json::{Value, json};

use crate::between::{Moment, killed_at};
use crate::support::{Ran, kubectl, sandbox, until};

/// It makes its namespace, applies all of its objects, and waits for the pods.
const WORDS: &str = "m --model gs://models/m --variant v1 --create-namespace";

#[test]
fn killed_at_any_request_it_can_be_run_again() {
    let space = sandbox().namespace("up-killed").expect("a namespace");
    let whole = format!("{}-whole", space.name());
    up(&whole).expect_code(0);
    let wanted = state(&whole);
    down(&whole);
    let mut number = 1;
    loop {
        let namespace = format!("{}-{number}", space.name());
        if !killed_at(number, Moment::Before, &format!("up {WORDS} -n {namespace}")) {
            down(&namespace);
            break;
        }
        up(&namespace).expect_code(0);
        assert_eq!(state(&namespace), wanted, "killed before request {number}");
        down(&namespace);
        number += 1;
    }
    // The namespace, three objects, what is asked before, and the watches.
    assert!(number > 16, "it was killed at {} requests", number - 1);
}

#[test]
fn what_a_killed_run_made_is_removed() {
    let space = sandbox().namespace("up-killed-down").expect("a namespace");
    let mut made = 0;
    let mut number = 1;
    loop {
        let namespace = format!("{}-{number}", space.name());
        let killed = killed_at(number, Moment::After, &format!("up {WORDS} -n {namespace}"));
        let exists = !kubectl(&format!("get namespace {namespace} --ignore-not-found"))
            .stdout
            .is_empty();
        made += usize::from(exists);
        down(&namespace);
        if !killed {
            break;
        }
        number += 1;
    }
    assert!(
        made > 10,
        "{made} of {number} runs came so far as to make the namespace"
    );
}

fn up(namespace: &str) -> Ran {
    kubectl(&format!("tfserve up {WORDS} -n {namespace}"))
}

/// Removes everything, and the namespace that `up` made. While another test takes an API away, nobody knows what a
/// namespace holds, and it stays: the same command again removes it.
#[track_caller]
fn down(namespace: &str) {
    until("the namespace goes", || {
        let ran = kubectl(&format!("tfserve down m --yes --wait=false -n {namespace}")).expect_code(0);
        let going = kubectl(&format!(
            "get namespace {namespace} --ignore-not-found -o jsonpath={{.metadata.deletionTimestamp}}"
        ));
        let exists = kubectl(&format!("get namespace {namespace} --ignore-not-found -o name"));
        let stays = going.stdout.is_empty() && !exists.stdout.is_empty();
        assert!(
            !stays || ran.stderr.contains("what it holds is not known"),
            "namespace {namespace} stays: {}{}",
            ran.stdout,
            ran.stderr
        );
        (!stays).then_some(())
    });
}

/// What was written, and by whom; the same in every namespace.
fn state(namespace: &str) -> Value {
    let objects = ["configmap/v1-configs", "deployment/m-v1", "service/m"].map(|name| {
        kubectl(&format!(
            "get {name} -n {namespace} -o json --show-managed-fields"
        ))
    });
    let mut all: Vec<Value> = objects
        .iter()
        .map(|ran| {
            let object = ran.json();
            let mut spec = object["spec"].clone();
            if let Some(spec) = spec.as_object_mut() {
                // Given out by the API server.
                spec.remove("clusterIP");
                spec.remove("clusterIPs");
            }
            let entries = object["metadata"]["managedFields"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let writers: Vec<Value> = entries
                .into_iter()
                .filter(|entry| entry["subresource"] != "status")
                .filter(|entry| entry["manager"] != "kube-controller-manager")
                .map(|entry| json!([entry["manager"], entry["operation"], entry["fieldsV1"]]))
                .collect();
            json!([
                object["kind"],
                object["metadata"]["labels"],
                object["data"],
                spec,
                writers
            ])
        })
        .collect();
    let made = kubectl(&format!(
        "get namespace {namespace} -o jsonpath={{.metadata.labels}}"
    ))
    .json();
    all.push(made["app.kubernetes.io/managed-by"].clone());
    Value::Array(all)
}
