//! Facts from what kubectl printed: `kubectl get hpa,deployments,pods,… -o yaml`.
//!
//! The objects answer the same requests that a cluster would be asked, so that nothing is decided twice. A kind of
//! which a namespace has no object in the dump cannot be read; whether it has none in the cluster nobody knows.

mod api;
mod objects;
mod selector;

use std::convert::Infallible;
use std::sync::Arc;

use chrono::Utc;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use super::{Cluster, Scope, Selection, observe};
use crate::facts::Facts;
use objects::Objects;

/// Why an answer is missing; the command that would add it follows.
const NOT_IN_THE_DUMP: &str = "not in the dump";

/// Reads the facts of every HPA of a dump. The time of the newest change in it stands for the time at which it
/// was made.
///
/// # Errors
/// There is no HPA in it, or none in a version that says why it does what it does.
pub async fn facts_of_dump(documents: Vec<Value>) -> Result<Facts, String> {
    let objects = Objects::new(documents)?;
    let newest = objects.newest_time();
    let objects = Arc::new(objects);
    let service = tower::service_fn(move |request: Request<Body>| {
        let objects = Arc::clone(&objects);
        async move { Ok::<Response<Body>, Infallible>(api::answer(&objects, request.uri())) }
    });
    let cluster = Cluster::from_client(Client::new(service, "default"), "default");
    let scope = Scope {
        namespace: None,
        selection: Selection::All,
        usage: false,
    };
    let mut facts = observe(&cluster, &scope)
        .await
        .map_err(|error| error.to_string())?;
    facts.observed_at = newest.unwrap_or_else(Utc::now);
    name_the_commands(facts)
}

/// What is missing takes a command, not a right.
fn name_the_commands(facts: Facts) -> Result<Facts, String> {
    let mut value = serde_json::to_value(facts).map_err(|error| error.to_string())?;
    rewrite(&mut value);
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn rewrite(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let why = fields.get("why").and_then(Value::as_str);
            let missing = why.is_some_and(|why| why.contains(NOT_IN_THE_DUMP));
            if let (true, Some(Value::String(right))) = (missing, fields.get("needs")) {
                let command = command(right);
                fields.insert("needs".to_owned(), Value::String(command));
            }
            fields.values_mut().for_each(rewrite);
        }
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        _ => {}
    }
}

/// From `list pods -n shop` to the command that prints them.
fn command(right: &str) -> String {
    let what = right.split_once(' ').map_or(right, |(_, what)| what);
    match what {
        "/version" => "`kubectl version -o yaml` in the dump".to_owned(),
        path if path.starts_with('/') => format!("`kubectl get --raw {path}`, which no dump can hold"),
        what if what.contains("--subresource") => format!("{right}, which no dump can hold"),
        what => format!("`kubectl get {what} -o yaml` in the dump"),
    }
}
