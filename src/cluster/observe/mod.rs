//! Reads from the cluster what the pure rooms need, in as few requests as that takes.
//!
//! The number of requests does not grow with HPAs of built-in workloads; `docs/requests.md` lists them. Whatever cannot be read becomes a [`Fact::NotReadable`]; an error is only what makes every
//! answer impossible.

mod adapters;
mod alternatives;
mod budget;
mod controller;
mod definition;
mod events;
mod limit_ranges;
mod metric_values;
mod namespace;
pub(super) mod owners;
mod pending;
mod pipeline;
mod refusals;
mod rivals;
pub(super) mod room;
mod scalable_kinds;
mod scaled_objects;
mod scope;
pub(super) mod selector;
mod serving;
mod shared;
mod successors;
mod target;

use std::collections::BTreeMap;

use chrono::Utc;
use futures::future::{FutureExt, OptionFuture};
use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api;

use self::budget::Budget;
use self::shared::Shared;
use super::{Ask, Cluster, Error, convert};
use crate::facts::{
    API_VERSION, ApiService, ClusterFacts, Fact, Facts, Hpa, HpaFacts, KIND, MetricSpec, NotReadable,
};

pub use namespace::Workload;
pub(super) use scope::all as all_hpas;
pub use scope::{Scope, Selection, by_name};
pub(super) use selector::{PodIndex, selected_by};
pub(super) use serving::{log as serving_log, never_ready};
pub(super) use target::{preferred_version, resources};

/// How many namespaces are read at a time.
const NAMESPACES_AT_A_TIME: usize = 8;

/// The `APIService` that the HPA controller's resource metrics come from.
const RESOURCE_METRICS_API: &str = "v1beta1.metrics.k8s.io";

/// Reads everything about the HPAs of a scope.
///
/// # Errors
/// The HPAs themselves cannot be listed, one that is named does not exist, or nothing answers any more.
pub async fn observe(cluster: &Cluster, scope: &Scope) -> Result<Facts, Error> {
    Box::pin(read(cluster, scope::select(cluster, scope), scope.usage)).await
}

/// Reads everything about one HPA that is not written yet: its target, the pods, the metrics API.
///
/// # Errors
/// The HPAs of the namespace cannot be listed, or nothing answers any more.
pub async fn observe_planned(cluster: &Cluster, hpa: &Hpa) -> Result<Facts, Error> {
    let group = async { Ok(vec![scope::planned(cluster, hpa).await?]) };
    Box::pin(read(cluster, group, false)).await
}

async fn read(
    cluster: &Cluster,
    groups: impl Future<Output = Result<Vec<scope::Group>, Error>>,
    usage: bool,
) -> Result<Facts, Error> {
    let before = cluster.requests();
    let (version, groups) = tokio::join!(version(cluster), groups);
    let groups = groups?;
    let usage = usage || groups.iter().flat_map(|group| &group.chosen).any(scales_by_usage);
    // One HPA's target is read meanwhile.
    let api = async {
        if usage {
            resource_metrics_api(cluster).await
        } else {
            Fact::default()
        }
    };
    let api = api.shared();
    let (_, mut shared) = tokio::join!(
        OptionFuture::from(Shared::is_worth_it(&groups).then(|| api.clone())),
        Shared::read(cluster, &groups, usage)
    );
    let budget = Budget::new(cluster, before, &groups);
    let (api_of_all, budget_of_all) = (&api, &budget);
    let parts: Vec<_> = groups
        .into_iter()
        .map(|group| (shared.take(&group.namespace), group))
        .collect();
    drop(shared);
    let hpas = stream::iter(parts)
        .map(|(slice, group)| {
            namespace::read(cluster, group, slice, (usage, api_of_all.clone()), budget_of_all)
        })
        .buffered(NAMESPACES_AT_A_TIME)
        .try_concat();
    let (api, hpas) = tokio::join!(api.clone(), hpas);
    let mut hpas: Vec<HpaFacts> = hpas?;
    let budget = budget.for_all();
    let mut facts = ClusterFacts {
        version,
        resource_metrics_api: api,
        ..ClusterFacts::default()
    };
    // What stops the controller itself comes before what it would read.
    controller::read(cluster, &hpas, &mut facts, &budget).await;
    facts.metrics_server =
        pipeline::metrics_server(cluster, &facts.resource_metrics_api, &hpas, &budget).await;
    adapters::read(cluster, &hpas, &mut facts, &budget).await;
    pending::read_events(cluster, &mut hpas, &budget).await;
    serving::read_logs(cluster, &mut hpas, &budget).await;
    metric_values::read(cluster, &facts, &mut hpas, &budget).await;
    room::read(cluster, &mut hpas).await;
    Ok(Facts {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        observed_at: Utc::now(),
        cluster: facts,
        hpas,
    })
}

/// Whether an HPA needs the usage of its pods: one without a metric is given cpu.
fn scales_by_usage(hpa: &Hpa) -> bool {
    let of_usage = |metric: &MetricSpec| matches!(metric.type_.as_str(), "Resource" | "ContainerResource");
    hpa.metrics.is_empty() || hpa.metrics.iter().any(of_usage)
}

/// Reads one workload that no HPA scales: its scale, its pods and their usage.
///
/// # Errors
/// It does not exist, or cannot be read.
pub async fn observe_deployment(cluster: &Cluster, namespace: &str, name: &str) -> Result<Workload, Error> {
    namespace::read_deployment(cluster, namespace, name).await
}

async fn version(cluster: &Cluster) -> Fact<String> {
    let ask = Ask::path("/version");
    let info = cluster.ask(ask, cluster.client.apiserver_version()).await;
    fact(&ask, info.map(|info| info.git_version))
}

async fn resource_metrics_api(cluster: &Cluster) -> Fact<ApiService> {
    let ask = Ask::cluster_scoped("apiservices.apiregistration.k8s.io", RESOURCE_METRICS_API);
    let api: Api<APIService> = Api::all(cluster.client.clone());
    let object = cluster.ask(ask, api.get(RESOURCE_METRICS_API)).await;
    fact(&ask, object.map(|object| convert::api_service(&object)))
}

/// What was asked, as a fact: 404 is absence, 403 names the missing right.
pub(super) fn fact<T>(ask: &Ask<'_>, answer: Result<T, Error>) -> Fact<T> {
    match answer {
        Ok(value) => Fact::Known(value),
        Err(error) if error.is_not_found() => Fact::Absent,
        Err(error) => Fact::NotReadable(NotReadable {
            what: ask.subject(),
            why: error.why().to_owned(),
            needs: (error.status() == Some(403)).then(|| ask.right()),
        }),
    }
}

/// Groups by namespace, in order.
fn by_namespace<T>(items: Vec<T>, namespace: impl Fn(&T) -> &str) -> BTreeMap<String, Vec<T>> {
    let mut groups: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for item in items {
        groups.entry(namespace(&item).to_owned()).or_default().push(item);
    }
    groups
}
