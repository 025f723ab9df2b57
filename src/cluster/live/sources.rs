//! Where changes come from.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{FutureExt, LocalBoxFuture};
use futures::{StreamExt, join};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, sleep_until};

use super::state::LiveEvent;
use super::{Change, Watched, usage};
use crate::cluster::observe::{Scope, observe};
use crate::cluster::{Ask, Cluster, convert};
use crate::facts::Facts;

/// Everything is read anew at least so often: what no watch tells ages no further.
const READING_EVERY: Duration = Duration::from_secs(60);
/// The same where a metric comes from an adapter: its value has no watch, and changes as fast as usage does.
const ADAPTER_READING_EVERY: Duration = Duration::from_secs(15);
/// Changes cause no more than one reading in this time.
const READING_AT_MOST_EVERY: Duration = Duration::from_secs(10);
/// Objects in one page of a watch's first list.
const PAGE: u32 = 500;

/// Starts all of them.
pub(super) fn start(
    cluster: &Cluster,
    scope: &Scope,
    facts: &Facts,
    sender: &Sender<Change>,
    reading: &Arc<Notify>,
) -> LocalBoxFuture<'static, ()> {
    let namespace = scope.namespace.clone();
    let selector = one_selector(facts);
    let config = watcher::Config::default().page_size(PAGE);
    let hpas = watch(
        cluster.clone(),
        Source {
            resource: "horizontalpodautoscalers.autoscaling",
            namespace: namespace.clone(),
            config: config.clone(),
        },
        |object: &HorizontalPodAutoscaler| convert::hpa(object),
        Change::Hpas,
        sender.clone(),
    );
    let pods = watch(
        cluster.clone(),
        Source {
            resource: "pods",
            namespace: namespace.clone(),
            config: match &selector {
                Some(selector) => config.clone().labels(selector),
                None => config.clone(),
            },
        },
        |object: &v1::Pod| convert::pod(object),
        Change::Pods,
        sender.clone(),
    );
    let events = watch(
        cluster.clone(),
        Source {
            resource: "events",
            config: if namespace.is_some() {
                config
            } else {
                config.fields("involvedObject.kind=HorizontalPodAutoscaler")
            },
            namespace: namespace.clone(),
        },
        LiveEvent::of,
        Change::Events,
        sender.clone(),
    );
    let usage = usage::poll(cluster.clone(), namespace, selector, sender.clone());
    let readings = read_again(
        cluster.clone(),
        scope.clone(),
        sender.clone(),
        Arc::clone(reading),
        pause(facts),
    );
    async move {
        join!(hpas, pods, events, usage, readings);
    }
    .boxed_local()
}

/// The scale's selector, where one HPA is followed: its pods are the only ones of interest.
fn one_selector(facts: &Facts) -> Option<String> {
    match facts.hpas.as_slice() {
        [one] => one
            .scale
            .known()
            .map(|scale| scale.selector.clone())
            .filter(|selector| !selector.is_empty()),
        _ => None,
    }
}

fn pause(facts: &Facts) -> Duration {
    let mut metrics = facts.hpas.iter().flat_map(|it| &it.hpa.metrics);
    if metrics.any(|metric| !matches!(metric.type_.as_str(), "Resource" | "ContainerResource")) {
        ADAPTER_READING_EVERY
    } else {
        READING_EVERY
    }
}

/// What is watched.
struct Source {
    resource: &'static str,
    namespace: Option<String>,
    config: watcher::Config,
}

async fn watch<K, T>(
    cluster: Cluster,
    source: Source,
    convert: impl Fn(&K) -> T,
    change: impl Fn(Watched<T>) -> Change,
    sender: Sender<Change>,
) where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + Send
        + DeserializeOwned
        + 'static,
{
    let api: Api<K> = match &source.namespace {
        Some(namespace) => Api::namespaced(cluster.client.clone(), namespace),
        None => Api::all(cluster.client.clone()),
    };
    let ask = Ask {
        verb: "watch",
        resource: source.resource,
        namespace: source.namespace.as_deref(),
        name: None,
    };
    let mut stream = watcher(api, source.config).default_backoff().boxed();
    let mut listed = Vec::new();
    while let Some(event) = stream.next().await {
        let told = match event {
            Ok(watcher::Event::Init) => {
                listed.clear();
                continue;
            }
            Ok(watcher::Event::InitApply(object)) => {
                listed.push(convert(&object));
                continue;
            }
            Ok(watcher::Event::InitDone) => Watched::All(std::mem::take(&mut listed)),
            Ok(watcher::Event::Apply(object)) => Watched::Applied(convert(&object)),
            Ok(watcher::Event::Delete(object)) => Watched::Deleted(convert(&object)),
            Err(error) => match why(&cluster, &ask, error) {
                Some(why) => Watched::Failed(why),
                None => continue,
            },
        };
        if sender.send(change(told)).await.is_err() {
            return;
        }
    }
}

/// What went wrong with a watch; none for the end that every watch has: it goes on with a new list.
fn why(cluster: &Cluster, ask: &Ask<'_>, error: watcher::Error) -> Option<String> {
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
            Some(cluster.explain(ask, &error).to_string())
        }
        watcher::Error::WatchError(status) if status.code == 410 => None,
        watcher::Error::WatchError(status) => Some(status.message),
        watcher::Error::WatchFailed(_) => None,
        watcher::Error::NoResourceVersion => Some(format!("{ask}: the list has no resourceVersion")),
    }
}

async fn read_again(
    cluster: Cluster,
    scope: Scope,
    sender: Sender<Change>,
    reading: Arc<Notify>,
    pause: Duration,
) {
    loop {
        let started = Instant::now();
        tokio::select! {
            () = sleep(pause) => {}
            () = reading.notified() => sleep_until(started + READING_AT_MOST_EVERY.min(pause)).await,
        }
        let read = observe(&cluster, &scope).await;
        if sender.send(Change::Reading(Box::new(read))).await.is_err() {
            return;
        }
    }
}
