//! Events about HPAs.

use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::ListParams;

use super::budget::left_out;
use super::fact;
use super::shared::collection;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{Event, Fact, Hpa, HpaFacts};

/// The events of a namespace's HPAs, one LIST for all of them.
pub(super) struct Events {
    namespace: String,
    answer: Answer,
}

enum Answer {
    /// With the uid of the object that each is about.
    Asked(Result<Vec<(String, Event)>, Error>),
    LeftOut,
}

/// Lists the events about one HPA.
pub(super) async fn read(cluster: &Cluster, namespace: &str, hpa: &Hpa) -> Events {
    let selector = format!("involvedObject.uid={}", hpa.uid);
    let api: Api<v1::Event> = Api::namespaced(cluster.client.clone(), namespace);
    let list = cluster
        .ask(ask(namespace), api.list(&ListParams::default().fields(&selector)))
        .await;
    Events::listed(
        namespace,
        list.map(|list| list.items.iter().map(with_uid).collect()),
    )
}

/// The events about all HPAs of a namespace, or of all namespaces, each with its namespace and the uid of its object.
pub(super) async fn list(
    cluster: &Cluster,
    namespace: Option<&str>,
) -> Result<Vec<(String, (String, Event))>, Error> {
    let path = collection("/api/v1", namespace, "events");
    let params = ListParams::default().fields("involvedObject.kind=HorizontalPodAutoscaler");
    let ask = Ask::list("events", namespace);
    cluster
        .list_pages(ask, &path, &params, |event: v1::Event| {
            (
                event.metadata.namespace.clone().unwrap_or_default(),
                with_uid(&event),
            )
        })
        .await
}

fn with_uid(event: &v1::Event) -> (String, Event) {
    let uid = event.involved_object.uid.clone().unwrap_or_default();
    (uid, convert::event(event))
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
    let events = list.map(|list| sorted(list.items.iter().map(convert::event)));
    fact(&ask(namespace), events)
}

fn sorted(events: impl Iterator<Item = Event>) -> Vec<Event> {
    let mut events: Vec<_> = events.collect();
    events.sort_by_key(|event| event.last_seen);
    events
}

impl Events {
    /// Nothing was said yet of an HPA that is not written yet.
    pub(super) fn none(namespace: &str) -> Self {
        Self::listed(namespace, Ok(Vec::new()))
    }

    /// The answer to a LIST.
    pub(super) fn listed(namespace: &str, answer: Result<Vec<(String, Event)>, Error>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            answer: Answer::Asked(answer),
        }
    }

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
                let events = answer.as_ref().map_err(Clone::clone);
                let events = events.map(|events| {
                    let about = events.iter().filter(|(about, _)| about == uid);
                    sorted(about.map(|(_, event)| event.clone()))
                });
                fact(&ask, events)
            }
        }
    }
}
