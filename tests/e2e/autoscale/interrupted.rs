//! Killed at any request, the same command run again ends in the same state.

use serde_json::{Value, json};

use super::{autoscale, space, web};
use crate::between::{Moment, killed_at};
use crate::support::kubectl;

const WORDS: &str = "web --cpu 60% --memory 50Mi --max 4 --scale-down-window 10m --wait=false";

pub(super) fn killed_at_every_request() {
    let namespace = space("autoscale-killed");
    web(namespace);
    autoscale(namespace, WORDS).expect_code(0);
    let whole = state(namespace);
    for moment in [Moment::Before, Moment::After] {
        let mut number = 1;
        loop {
            kubectl(&format!("delete hpa web -n {namespace} --ignore-not-found")).expect_code(0);
            if !killed_at(number, moment, &format!("autoscale {WORDS} -n {namespace}")) {
                break;
            }
            let found = kubectl(&format!("get hpa web -n {namespace} -o name --ignore-not-found"));
            autoscale(namespace, WORDS).expect_code(0);
            assert_eq!(
                state(namespace),
                whole,
                "killed {moment:?} request {number}, then {}",
                found.stdout
            );
            number += 1;
        }
        assert!(
            number > 10,
            "it was killed {moment:?} only {} requests",
            number - 1
        );
    }
}

/// What we wrote, and that we alone did.
fn state(namespace: &str) -> Value {
    let hpa = kubectl(&format!(
        "get hpa web -n {namespace} -o json --show-managed-fields"
    ))
    .json();
    let entries = hpa["metadata"]["managedFields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let of_spec: Vec<Value> = entries
        .into_iter()
        .filter(|entry| entry["subresource"] != "status")
        .map(|entry| json!([entry["manager"], entry["operation"], entry["fieldsV1"]]))
        .collect();
    json!([hpa["spec"], hpa["metadata"]["labels"], of_spec])
}
