//! Events about HPAs.

use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::ListParams;

use super::budget::left_out;
use super::fact;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{Event, Fact, Hpa, HpaFacts};

/// The events of a namespace's HPAs, one LIST for all of them.
pub(super) struct Events {
    namespace: String,
    answer: Answer,
}

enum Answer {
    Asked(Result<Vec<v1::Event>, Error>),
    LeftOut,
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
        answer: Answer::Asked(list.map(|list| list.items)),
    }
}

fn ask(namespace: &str) -> Ask<'_> {
    Ask::list("events", Some(namespace))
}

/// The events about a scale target that tell why it creates no pod, newest last.
pub(super) async fn of_target(cluster: &Cluster, namespace: &str, facts: &HpaFacts) -> Fact<Vec<Event>> {
    let Some(target) = facts.target.known() else {
        return Fact::default();
    };
    let selector = format!("involvedObject.uid={},reason=FailedCreate", target.uid);
    let api: Api<v1::Event> = Api::namespaced(cluster.client.clone(), namespace);
    let list = cluster
        .ask(ask(namespace), api.list(&ListParams::default().fields(&selector)))
        .await;
    fact(&ask(namespace), list.map(|list| sorted(list.items.iter())))
}

fn sorted<'a>(events: impl Iterator<Item = &'a v1::Event>) -> Vec<Event> {
    let mut events: Vec<_> = events.map(convert::event).collect();
    events.sort_by_key(|event| event.last_seen);
    events
}

impl Events {
    /// Events that were not asked for, because other requests tell more.
    pub(super) fn left_out(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            answer: Answer::LeftOut,
        }
    }

    /// The error that would meet every other request too.
    pub(super) fn fatal(&self) -> Option<&Error> {
        match &self.answer {
            Answer::Asked(answer) => answer.as_ref().err().filter(|error| error.is_fatal()),
            Answer::LeftOut => None,
        }
    }

    /// The events about one object, oldest first. The uid keeps out those of a namesake that was deleted.
    pub(super) fn about(&self, uid: &str) -> Fact<Vec<Event>> {
        let ask = ask(&self.namespace);
        match &self.answer {
            Answer::LeftOut => Fact::NotReadable(left_out(ask.subject())),
            Answer::Asked(answer) => {
                let about = |event: &&v1::Event| event.involved_object.uid.as_deref() == Some(uid);
                let events = answer.as_ref().map_err(Clone::clone);
                fact(&ask, events.map(|events| sorted(events.iter().filter(about))))
            }
        }
    }
}
