//! What a pod waits for that does not start: its own events tell of its volumes, its image, its network and of nodes that
//! come or do not come, those of its claims of a volume that nobody provides.

use chrono::Utc;
use futures::future::join_all;
use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::ListParams;

use super::budget::Budget;
use super::fact;
use crate::cluster::{Ask, Cluster, convert};
use crate::facts::{Fact, HpaFacts, ObjectEvent, Pod, longest_pending};

/// Adds the events about the pod that waits longest, or about its claims, to each HPA that has such a pod.
pub(super) async fn read_events(cluster: &Cluster, hpas: &mut [HpaFacts], budget: &Budget) {
    let waiting = hpas.iter().enumerate();
    let waiting: Vec<(usize, Pod)> = waiting
        .filter_map(|(index, facts)| Some((index, waits(facts)?.clone())))
        .collect();
    let answers = join_all(waiting.iter().map(|(_, pod)| async {
        if budget.left(cluster) > 0 {
            about(cluster, pod).await
        } else {
            let ask = Ask::list("events", Some(&pod.namespace));
            Fact::NotReadable(budget.left_out(ask.subject()))
        }
    }))
    .await;
    for ((index, _), events) in waiting.iter().zip(answers) {
        if let Some(facts) = hpas.get_mut(*index) {
            facts.pending_events = events;
        }
    }
}

/// The pod of the scale target that has waited long enough for its events to tell why.
fn waits(facts: &HpaFacts) -> Option<&Pod> {
    let own = facts.pods.known()?.iter();
    let own = own.filter(|pod| pod.is_own());
    let pod = longest_pending(own)?;
    let starts_late =
        || pod.node.is_some() && pod.starts_late(Utc::now()) && pod.running_init_container().is_none();
    (pod.is_unschedulable() || pod.is_left_alone(Utc::now()) || starts_late()).then_some(pod)
}

/// The events about a pod, or about its claims where these are what it waits for.
async fn about(cluster: &Cluster, pod: &Pod) -> Fact<Vec<ObjectEvent>> {
    let claims = pod.waits_for_claims();
    let selector = if claims {
        "involvedObject.kind=PersistentVolumeClaim".to_owned()
    } else {
        format!("involvedObject.kind=Pod,involvedObject.name={}", pod.name)
    };
    let ask = Ask::list("events", Some(&pod.namespace));
    let api: Api<v1::Event> = Api::namespaced(cluster.client.clone(), &pod.namespace);
    let list = cluster
        .ask(ask, api.list(&ListParams::default().fields(&selector)))
        .await;
    let events = list.map(|list| {
        let events = list.items.iter().map(convert::object_event);
        // A pod of a StatefulSet has the name of the one before it.
        let of_this = |it: &ObjectEvent| {
            if claims {
                pod.claims.contains(&it.name)
            } else {
                it.event.last_seen >= pod.created_at
            }
        };
        let mut events: Vec<ObjectEvent> = events.filter(of_this).collect();
        events.sort_by_key(|event| event.event.last_seen);
        events
    });
    fact(&ask, events)
}
