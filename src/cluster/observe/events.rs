//! Events about HPAs.

use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::ListParams;

use super::fact;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{Event, Fact, Hpa};

/// The events of a namespace's HPAs, one LIST for all of them.
pub(super) struct Events {
    namespace: String,
    answer: Result<Vec<v1::Event>, Error>,
}

/// Lists the events about the given HPAs: by uid where there is one HPA, by kind where there are more.
pub(super) async fn read(cluster: &Cluster, namespace: &str, hpas: &[Hpa]) -> Events {
    let selector = match hpas {
        [hpa] => format!("involvedObject.uid={}", hpa.uid),
        _ => "involvedObject.kind=HorizontalPodAutoscaler".to_owned(),
    };
    let api: Api<v1::Event> = Api::namespaced(cluster.client.clone(), namespace);
    let list = cluster
        .ask(ask(namespace), api.list(&ListParams::default().fields(&selector)))
        .await;
    Events {
        namespace: namespace.to_owned(),
        answer: list.map(|list| list.items),
    }
}

fn ask(namespace: &str) -> Ask<'_> {
    Ask::list("events", Some(namespace))
}

impl Events {
    /// The error that would meet every other request too.
    pub(super) fn fatal(&self) -> Option<&Error> {
        self.answer.as_ref().err().filter(|error| error.is_fatal())
    }

    /// The events about one object, oldest first. The uid keeps out those of a namesake that was deleted.
    pub(super) fn about(&self, uid: &str) -> Fact<Vec<Event>> {
        let events = self.answer.as_ref().map_err(Clone::clone).map(|events| {
            let mut events: Vec<_> = events
                .iter()
                .filter(|event| event.involved_object.uid.as_deref() == Some(uid))
                .map(convert::event)
                .collect();
            events.sort_by_key(|event| event.last_seen);
            events
        });
        fact(&ask(&self.namespace), events)
    }
}
