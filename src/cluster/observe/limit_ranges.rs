//! The `LimitRange`s of a namespace, asked for only where the controller misses a request.

use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::ListParams;

use super::budget::Budget;
use super::fact;
use crate::cluster::{Ask, Cluster, convert};
use crate::facts::HpaFacts;
use crate::hpa::message::{Message, decode};

/// Adds them to the facts of the HPAs that miss a request: one LIST for all of them.
pub(super) async fn read(cluster: &Cluster, namespace: &str, facts: &mut [HpaFacts], budget: &Budget) {
    if !facts.iter().any(misses_a_request) || budget.left(cluster) == 0 {
        return;
    }
    let api: Api<v1::LimitRange> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::list("limitranges", Some(namespace));
    let list = cluster.ask(ask, api.list(&ListParams::default())).await;
    let ranges = fact(
        &ask,
        list.map(|list| list.items.iter().map(convert::limit_range).collect()),
    );
    for facts in facts.iter_mut().filter(|facts| misses_a_request(facts)) {
        facts.limit_ranges = ranges.clone();
    }
}

fn misses_a_request(facts: &HpaFacts) -> bool {
    let condition = facts.hpa.condition("ScalingActive");
    condition.is_some_and(|condition| {
        condition.status == "False"
            && matches!(
                decode(&condition.reason, &condition.message),
                Message::MissingRequest { .. }
            )
    })
}
