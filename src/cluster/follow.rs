//! Follows a Deployment on its way: it, its `ReplicaSet`s, their pods and the events about those are watched; logs and
//! nodes are read where they tell why it does not come up.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1;
use kube::api::LogParams;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::apply::Applied;
use super::observe::{never_ready, room, serving_log};
use super::{Ask, Cluster, Error, convert};
use crate::facts::{Fact, LastWords, LogLine, NotReadable, Pod, Rollout};

/// How long changes that come together are collected.
const TOGETHER: Duration = Duration::from_millis(200);
/// How often the log of a server that is not ready is read.
const LOG_EVERY: Duration = Duration::from_secs(2);
/// How many of the last lines of a log are shown.
const LAST_LINES: i64 = 5;
/// Objects in one page of a watch's first list.
const PAGE: u32 = 500;

const DEPLOYMENTS: &str = "deployments.apps";
const REPLICA_SETS: &str = "replicasets.apps";
const PODS: &str = "pods";
const EVENTS: &str = "events";

/// What a watch told: nothing but that there is something new, or what went wrong with it.
type Told = (&'static str, Option<Error>);

/// A Deployment that is followed. Ends with its value.
pub struct Follow<'a> {
    cluster: &'a Cluster,
    namespace: String,
    name: String,
    deployments: Store<Deployment>,
    replica_sets: Store<ReplicaSet>,
    pods: Store<v1::Pod>,
    events: Store<v1::Event>,
    told: SelectAll<BoxStream<'static, Told>>,
    failures: BTreeMap<&'static str, Error>,
    serving_log: Fact<Vec<LogLine>>,
    log_read: Option<(String, Instant)>,
}

impl<'a> Follow<'a> {
    /// Starts to follow what was applied.
    pub fn start(cluster: &'a Cluster, namespace: &str, name: &str, applied: &Applied) -> Self {
        let labels: Vec<String> = applied
            .object
            .pointer("/spec/selector/matchLabels")
            .and_then(serde_json::Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
            .collect();
        let every = watcher::Config::default().page_size(PAGE);
        let own = every.clone().labels(&labels.join(","));
        let mut told = SelectAll::new();
        let source = Source { cluster, namespace };
        let only = every.clone().fields(&format!("metadata.name={name}"));
        let deployments = source.watch(DEPLOYMENTS, only, &mut told);
        let replica_sets = source.watch(REPLICA_SETS, own.clone(), &mut told);
        let pods = source.watch(PODS, own, &mut told);
        let events = source.watch(EVENTS, every.fields("involvedObject.kind=Pod"), &mut told);
        Self {
            cluster,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            deployments,
            replica_sets,
            pods,
            events,
            told,
            failures: BTreeMap::new(),
            serving_log: Fact::default(),
            log_read: None,
        }
    }

    /// Waits for a change, at most until then, and takes in all that come with it.
    ///
    /// # Errors
    /// The Deployment, its `ReplicaSet`s or its pods may not be read.
    pub async fn changed(&mut self, until: Instant) -> Result<(), Error> {
        let Ok(Some(first)) = tokio::time::timeout_at(until, self.told.next()).await else {
            return Ok(());
        };
        self.take(first)?;
        let end = Instant::now() + TOGETHER;
        while let Ok(Some(next)) = tokio::time::timeout_at(end, self.told.next()).await {
            self.take(next)?;
        }
        Ok(())
    }

    fn take(&mut self, (resource, failure): Told) -> Result<(), Error> {
        let Some(error) = failure else {
            self.failures.remove(resource);
            return Ok(());
        };
        if resource != EVENTS && matches!(error.status(), Some(401 | 403)) {
            return Err(error);
        }
        self.failures.insert(resource, error);
        Ok(())
    }

    /// Why something cannot be followed at the moment; it is tried again.
    pub fn failure(&self) -> Option<&Error> {
        let mut failures = self.failures.iter();
        failures
            .find(|(resource, _)| **resource != EVENTS)
            .map(|(_, error)| error)
    }

    /// Everything as it is known now; nothing until everything was read once.
    ///
    /// # Errors
    /// The Deployment is gone.
    pub async fn rollout(&mut self) -> Result<Option<Rollout>, Error> {
        let read = [
            is_ready(&self.deployments),
            is_ready(&self.replica_sets),
            is_ready(&self.pods),
            is_ready(&self.events) || self.failures.contains_key(EVENTS),
        ];
        if read.contains(&false) {
            return Ok(None);
        }
        let Some(deployment) = self.deployments.state().into_iter().next() else {
            return Err(Error::Request {
                what: format!(
                    "cannot wait for deployments.apps {}/{}",
                    self.namespace, self.name
                ),
                why: "somebody has deleted it meanwhile".to_owned(),
                status: Some(404),
            });
        };
        let all = self.events.state();
        let events = match self.failures.get(EVENTS).filter(|_| all.is_empty()) {
            Some(error) => Err(not_readable(Ask::list(EVENTS, Some(&self.namespace)), error)),
            None => Ok(all.as_slice()),
        };
        let mut rollout = convert::rollout(
            &deployment,
            &self.replica_sets.state(),
            &self.pods.state(),
            events,
        );
        self.read_log(&rollout).await;
        rollout.serving_log = self.serving_log.clone();
        Ok(Some(rollout))
    }

    /// The log of a server that has never been ready, every now and then: no event tells what it says.
    async fn read_log(&mut self, rollout: &Rollout) {
        let Some((pod, container)) = never_ready(rollout.current()) else {
            self.serving_log = Fact::default();
            self.log_read = None;
            return;
        };
        let fresh = |(of, at): &(String, Instant)| *of == pod.name && at.elapsed() < LOG_EVERY;
        if self.log_read.as_ref().is_some_and(fresh) {
            return;
        }
        self.serving_log = serving_log(self.cluster, &pod.namespace, &pod.name, container).await;
        self.log_read = Some((pod.name.clone(), Instant::now()));
    }

    /// Adds what is read only where it does not come up: the last words of a container, and how much room there is.
    pub async fn read_causes(&self, rollout: &mut Rollout) {
        let troubled = rollout.current().find_map(|pod| {
            let (container, previous) = silent(pod)?;
            Some((pod.name.clone(), container.to_owned(), previous))
        });
        if let Some((pod, container, previous)) = troubled {
            let words = self.last_words(&pod, &container, previous).await;
            rollout.last_words.push(words);
        }
        let homeless = rollout.current().any(|pod| {
            pod.node.is_none()
                && pod
                    .condition("PodScheduled")
                    .is_some_and(|it| it.status == "False")
        });
        if let Some(template) = rollout.target.template.as_ref().filter(|_| homeless) {
            rollout.nodes = room::nodes(self.cluster, template, 1).await;
        }
    }

    async fn last_words(&self, pod: &str, container: &str, previous: bool) -> LastWords {
        let api: Api<v1::Pod> = Api::namespaced(self.cluster.client.clone(), &self.namespace);
        let parameters = LogParams {
            container: Some(container.to_owned()),
            previous,
            tail_lines: Some(LAST_LINES),
            ..LogParams::default()
        };
        let ask = Ask::object("get", "pods/log", &self.namespace, pod);
        let log = self.cluster.ask(ask, api.logs(pod, &parameters)).await;
        LastWords {
            pod: pod.to_owned(),
            container: container.to_owned(),
            previous,
            lines: log
                .map(|log| log.lines().map(|line| line.trim_end().to_owned()).collect())
                .map_err(|error| not_readable(ask, &error)),
        }
    }
}

/// The container whose log tells most, and whether its run before is meant.
fn silent(pod: &Pod) -> Option<(&str, bool)> {
    let crashed = pod.containers.iter().find(|container| {
        let reason = container.state_reason.as_deref();
        matches!(reason, Some("CrashLoopBackOff" | "Error" | "OOMKilled"))
    });
    if let Some(container) = crashed {
        let waits = container.state_reason.as_deref() == Some("CrashLoopBackOff");
        return Some((&container.name, waits));
    }
    let unready = |container: &&crate::facts::Container| {
        !container.init && container.ready == Some(false) && container.state_reason.is_none()
    };
    let runs = pod.phase == "Running";
    let container = pod.containers.iter().find(unready).filter(|_| runs)?;
    Some((&container.name, false))
}

fn is_ready<K>(store: &Store<K>) -> bool
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    futures::FutureExt::now_or_never(store.wait_until_ready()).is_some_and(|ready| ready.is_ok())
}

fn not_readable(ask: Ask<'_>, error: &Error) -> NotReadable {
    NotReadable {
        what: ask.subject(),
        why: error.why().to_owned(),
        needs: (error.status() == Some(403)).then(|| ask.right()),
    }
}

/// Where watches go.
struct Source<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
}

impl Source<'_> {
    fn watch<K>(
        &self,
        resource: &'static str,
        config: watcher::Config,
        told: &mut SelectAll<BoxStream<'static, Told>>,
    ) -> Store<K>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + Send
            + Sync
            + DeserializeOwned
            + 'static,
    {
        let api: Api<K> = Api::namespaced(self.cluster.client.clone(), self.namespace);
        let (reader, writer) = reflector::store();
        let (cluster, namespace) = (self.cluster.clone(), self.namespace.to_owned());
        let events = watcher(api, config).default_backoff().reflect(writer);
        told.push(
            events
                .filter_map(move |event| {
                    let failure = event
                        .err()
                        .map(|error| why(&cluster, resource, &namespace, error));
                    // The end that every watch has is none: it goes on with a new list.
                    std::future::ready(match failure {
                        Some(None) => None,
                        Some(Some(error)) => Some((resource, Some(error))),
                        None => Some((resource, None)),
                    })
                })
                .boxed(),
        );
        reader
    }
}

fn why(cluster: &Cluster, resource: &'static str, namespace: &str, error: watcher::Error) -> Option<Error> {
    let verb = if matches!(error, watcher::Error::InitialListFailed(_)) {
        "list"
    } else {
        "watch"
    };
    let ask = Ask {
        verb,
        ..Ask::list(resource, Some(namespace))
    };
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
            Some(cluster.explain(&ask, &error))
        }
        watcher::Error::NoResourceVersion => Some(Error::Request {
            what: format!("cannot {ask}"),
            why: "the list has no resourceVersion".to_owned(),
            status: Some(200),
        }),
        watcher::Error::WatchError(_) | watcher::Error::WatchFailed(_) => None,
    }
}
