//! What every command that reads does around its requests.

use std::time::Instant;

use crate::Error;
use crate::cli::GlobalArgs;
use crate::cluster::{Cluster, Scope, Selection, observe};
use crate::facts::Facts;

/// What a command line names: names, a label selector or everything, here or in all namespaces.
pub(super) fn scope(
    cluster: &Cluster,
    names: &[String],
    all_namespaces: bool,
    selector: Option<&String>,
) -> Scope {
    let selection = match (names, selector) {
        ([], None) => Selection::All,
        ([], Some(labels)) => Selection::Labels(labels.clone()),
        (names, _) => Selection::Names(names.to_vec()),
    };
    Scope {
        namespace: (!all_namespaces).then(|| cluster.namespace.clone()),
        selection,
        usage: false,
    }
}

/// Reads the facts and, with `-v 1`, tells on stderr what that took.
pub(super) async fn read(global: &GlobalArgs, cluster: &Cluster, scope: &Scope) -> Result<Facts, Error> {
    let start = Instant::now();
    let facts = observe(cluster, scope).await;
    if global.verbosity > 0 {
        anstream::eprintln!(
            "{} API requests to {}, {} ms",
            cluster.requests(),
            cluster.server(),
            start.elapsed().as_millis()
        );
    }
    Ok(facts?)
}

/// kubectl's own words where there is nothing to show.
pub(super) fn tell_if_empty(facts: &Facts, scope: &Scope) {
    if facts.hpas.is_empty() {
        match &scope.namespace {
            Some(namespace) => {
                anstream::eprintln!("No HorizontalPodAutoscalers found in {namespace} namespace");
            }
            None => anstream::eprintln!("No HorizontalPodAutoscalers found"),
        }
    }
}
