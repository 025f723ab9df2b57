//! LISTs that all HPAs of a run share: of the whole cluster where many namespaces have HPAs, of each namespace where
//! few have, or where the whole may not be listed.

use std::collections::BTreeMap;

use futures::future::OptionFuture;
use futures::stream::{self, StreamExt};
use kube::api::ListParams;

use super::scope::Group;
use super::target::{self, Reading};
use super::{NAMESPACES_AT_A_TIME, events};
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{Event, Pod, PodMetrics};

/// So many namespaces are read one by one: their pods are few among those of a large cluster.
const READ_ALONE: usize = 4;

/// The answer to a LIST, by namespace.
pub(super) struct Listed<T> {
    items: BTreeMap<String, Vec<T>>,
    /// Why a namespace could not be listed.
    failed: BTreeMap<String, Error>,
}

impl<T> Listed<T> {
    /// What a namespace has.
    fn take(&mut self, namespace: &str) -> Result<Vec<T>, Error> {
        match self.failed.remove(namespace) {
            Some(error) => Err(error),
            None => Ok(self.items.remove(namespace).unwrap_or_default()),
        }
    }
}

/// What was listed for all HPAs of a run; nothing where there is one HPA alone.
#[derive(Default)]
pub(super) struct Shared {
    lists: Option<Lists>,
}

struct Lists {
    pods: Listed<Pod>,
    /// None where no HPA needs them.
    metrics: Option<Listed<PodMetrics>>,
    events: Listed<(String, Event)>,
    /// By the full name of the resource.
    targets: BTreeMap<String, Listed<(String, Reading)>>,
}

/// The part of one namespace.
pub(super) struct Slice {
    pub(super) pods: Result<Vec<Pod>, Error>,
    /// None where no HPA needs them.
    pub(super) metrics: Option<Result<Vec<PodMetrics>, Error>>,
    /// With the uid of the object that each is about.
    pub(super) events: Result<Vec<(String, Event)>, Error>,
    /// By the full name of the resource, then by the object's name.
    pub(super) targets: BTreeMap<String, Result<BTreeMap<String, Reading>, Error>>,
}

impl Shared {
    /// Whether there are several HPAs.
    pub(super) fn is_worth_it(groups: &[Group]) -> bool {
        groups.iter().flat_map(|group| &group.chosen).count() > 1
    }

    /// Lists what the HPAs of the groups need, at the same time.
    pub(super) async fn read(cluster: &Cluster, groups: &[Group], usage: bool) -> Self {
        let chosen = || groups.iter().flat_map(|group| &group.chosen);
        if !Self::is_worth_it(groups) {
            return Self::default();
        }
        let namespaces: Vec<&str> = groups.iter().map(|group| group.namespace.as_str()).collect();
        let namespaces = namespaces.as_slice();
        let kinds = target::shared_kinds(chosen().map(|hpa| &hpa.target));
        let targets = futures::future::join_all(kinds.iter().map(|kind| {
            everywhere(namespaces, async |namespace| {
                target::list(cluster, namespace, kind).await
            })
        }));
        let (pods, metrics, events, targets) = tokio::join!(
            everywhere(namespaces, async |namespace| pods(cluster, namespace).await),
            OptionFuture::from(
                usage.then(|| everywhere(namespaces, async |namespace| metrics(cluster, namespace).await))
            ),
            everywhere(namespaces, async |namespace| events::list(cluster, namespace)
                .await),
            targets
        );
        let names = kinds.iter().map(target::full_name);
        Self {
            lists: Some(Lists {
                pods,
                metrics,
                events,
                targets: names.zip(targets).collect(),
            }),
        }
    }

    /// The part of a namespace; none where nothing is shared.
    pub(super) fn take(&mut self, namespace: &str) -> Option<Slice> {
        let lists = self.lists.as_mut()?;
        let targets = lists.targets.iter_mut().map(|(name, listed)| {
            let objects = listed.take(namespace).map(BTreeMap::from_iter);
            (name.clone(), objects)
        });
        Some(Slice {
            targets: targets.collect(),
            pods: lists.pods.take(namespace),
            metrics: lists.metrics.as_mut().map(|metrics| metrics.take(namespace)),
            events: lists.events.take(namespace),
        })
    }
}

/// One LIST of the cluster where many namespaces are wanted and it is allowed, else one of each.
async fn everywhere<T>(
    namespaces: &[&str],
    list: impl AsyncFn(Option<&str>) -> Result<Vec<(String, T)>, Error>,
) -> Listed<T> {
    let mut listed = Listed {
        items: BTreeMap::new(),
        failed: BTreeMap::new(),
    };
    if namespaces.len() > READ_ALONE {
        match list(None).await {
            Ok(all) => {
                for (namespace, item) in all {
                    listed.items.entry(namespace).or_default().push(item);
                }
                return listed;
            }
            // What may not be listed everywhere may be allowed in some namespaces.
            Err(error) if error.status() == Some(403) => {}
            Err(error) => {
                let failed = namespaces.iter().map(|name| ((*name).to_owned(), error.clone()));
                listed.failed = failed.collect();
                return listed;
            }
        }
    }
    let list = &list;
    let mut answers = stream::iter(namespaces)
        .map(|namespace| async move { (*namespace, list(Some(namespace)).await) })
        .buffer_unordered(NAMESPACES_AT_A_TIME);
    while let Some((namespace, answer)) = answers.next().await {
        match answer {
            Ok(all) => {
                let items = all.into_iter().map(|(_, item)| item).collect();
                listed.items.insert(namespace.to_owned(), items);
            }
            Err(error) => {
                listed.failed.insert(namespace.to_owned(), error);
            }
        }
    }
    listed
}

async fn pods(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<(String, Pod)>, Error> {
    let path = collection("/api/v1", namespace, "pods");
    let ask = Ask::list("pods", namespace);
    cluster
        .list_pages(ask, &path, &ListParams::default(), |pod: convert::ListedPod| {
            let pod = convert::pod(&pod.into());
            (pod.namespace.clone(), pod)
        })
        .await
}

async fn metrics(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<(String, PodMetrics)>, Error> {
    cluster.pod_metrics_of_namespaces(namespace).await
}

/// `/api/v1/namespaces/shop/pods`, or `/api/v1/pods` of all namespaces.
pub(super) fn collection(api: &str, namespace: Option<&str>, plural: &str) -> String {
    namespace.map_or_else(
        || format!("{api}/{plural}"),
        |namespace| format!("{api}/namespaces/{namespace}/{plural}"),
    )
}
