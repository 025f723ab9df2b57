//! What serves custom and external metrics, asked only where an HPA's metric of that kind fails.
//!
//! Discovery alone tells an API that is not registered (404), one that does not answer (503) and the metrics of
//! one that does; every authenticated user may read it. The `APIService` is asked for only to learn why one does
//! not answer, or who serves the group that does not have the metric.

use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api;

use super::budget::Budget;
use super::{fact, pipeline};
use crate::cluster::{Ask, Cluster, convert};
use crate::facts::{AdapterApi, ClusterFacts, Fact, Hpa, HpaFacts, MetricsServer, ServiceReference};

/// The group of `Pods` and `Object` metrics, and its versions in the order of the controller's preference: the group's
/// own, unless an `APIService` sets a `versionPriority` against it.
const CUSTOM: (&str, &[&str]) = ("custom.metrics.k8s.io", &["v1beta2", "v1beta1"]);
/// The group of `External` metrics: it has one version.
const EXTERNAL: (&str, &[&str]) = ("external.metrics.k8s.io", &["v1beta1"]);
/// How many names of metrics are kept.
const NAMES_KEPT: usize = 500;

/// Adds what is known of the adapters that the HPAs need and do not get an answer from.
pub(super) async fn read(cluster: &Cluster, hpas: &[HpaFacts], facts: &mut ClusterFacts, budget: &Budget) {
    let custom = failing(hpas, &["Pods", "Object"]);
    if !custom.is_empty() {
        facts.custom_metrics_api = within(budget, cluster, CUSTOM, &custom).await;
    }
    let external = failing(hpas, &["External"]);
    if !external.is_empty() {
        facts.external_metrics_api = within(budget, cluster, EXTERNAL, &external).await;
    }
    // Both are often of one adapter.
    let custom = behind(budget, cluster, &facts.custom_metrics_api, None).await;
    let external = behind(
        budget,
        cluster,
        &facts.external_metrics_api,
        custom
            .as_ref()
            .map(|backend| (&facts.custom_metrics_api, backend)),
    )
    .await;
    for (api, backend) in [
        (&mut facts.custom_metrics_api, custom),
        (&mut facts.external_metrics_api, external),
    ] {
        if let (Fact::Known(api), Some(backend)) = (api, backend) {
            api.backend = backend;
        }
    }
}

/// The Service of an adapter without a ready endpoint.
fn deserted(api: &Fact<AdapterApi>) -> Option<&ServiceReference> {
    let registration = api.known()?.registration.known()?;
    let reason = registration.available.as_ref()?.reason.as_str();
    let service = registration.service.as_ref();
    service.filter(|_| matches!(reason, "MissingEndpoints" | "EndpointsNotFound"))
}

/// What should answer behind an API whose Service has no ready endpoint: its pods say why not.
async fn behind(
    budget: &Budget,
    cluster: &Cluster,
    api: &Fact<AdapterApi>,
    other: Option<(&Fact<AdapterApi>, &Fact<MetricsServer>)>,
) -> Option<Fact<MetricsServer>> {
    let service = deserted(api)?;
    if let Some((_, backend)) = other.filter(|(api, _)| deserted(api) == Some(service)) {
        return Some(backend.clone());
    }
    let left = budget.left(cluster);
    if left < pipeline::SHORT_COST {
        return None;
    }
    Some(pipeline::behind(cluster, service, left > pipeline::SHORT_COST).await)
}

async fn within(
    budget: &Budget,
    cluster: &Cluster,
    api: (&str, &[&str]),
    wanted: &[&str],
) -> Fact<AdapterApi> {
    let (group, versions) = api;
    // One discovery a version, and the APIService.
    if budget.left(cluster) > versions.len() {
        adapter(cluster, budget, api, wanted).await
    } else {
        Fact::NotReadable(budget.left_out(group.to_owned()))
    }
}

/// Whether a metric has no value in the last sync, or was never looked at.
pub(super) fn fails(hpa: &Hpa, index: usize) -> bool {
    let inactive = hpa
        .condition("ScalingActive")
        .is_none_or(|condition| condition.status != "True");
    let value = hpa.current_metrics.get(index);
    inactive || value.is_none_or(|value| value.type_.is_empty())
}

/// The metrics of some types that have no value in the last sync, or were never looked at.
fn failing<'a>(hpas: &'a [HpaFacts], types: &[&str]) -> Vec<&'a str> {
    hpas.iter()
        .flat_map(|facts| {
            let hpa = &facts.hpa;
            let metrics = hpa.metrics.iter().enumerate();
            metrics.filter(|(index, _)| fails(hpa, *index))
        })
        .map(|(_, metric)| metric)
        .filter(|metric| types.contains(&metric.type_.as_str()))
        .map(|metric| metric.name.as_str())
        .collect()
}

async fn adapter(
    cluster: &Cluster,
    budget: &Budget,
    (group, versions): (&str, &[&str]),
    wanted: &[&str],
) -> Fact<AdapterApi> {
    let mut unanswered = None;
    let mut others = versions.iter();
    while let Some(version) = others.next() {
        let metrics = listed(cluster, &format!("{group}/{version}")).await;
        match &metrics {
            Fact::Absent => {}
            // The controller leaves a version out that does not answer.
            Fact::NotReadable(_) => unanswered = Some((version, metrics)),
            Fact::Known(names) if has_all(names, wanted) => {
                return Fact::Known(served(group, version, metrics, Fact::default()));
            }
            Fact::Known(_) => {
                let registration = registration(cluster, &format!("{version}.{group}")).await;
                let mut api = served(group, version, metrics, registration);
                if let Some(other) = others.next().filter(|_| budget.left(cluster) > 0) {
                    let other = format!("{group}/{other}");
                    let names = listed(cluster, &other).await;
                    api.passed_over = names
                        .known()
                        .is_some_and(|names| has_all(names, wanted))
                        .then_some(other);
                }
                return Fact::Known(api);
            }
        }
    }
    match unanswered {
        Some((version, metrics)) => {
            let registration = registration(cluster, &format!("{version}.{group}")).await;
            Fact::Known(served(group, version, metrics, registration))
        }
        None => Fact::Absent,
    }
}

fn served(
    group: &str,
    version: &str,
    metrics: Fact<Vec<String>>,
    registration: Fact<crate::facts::ApiService>,
) -> AdapterApi {
    AdapterApi {
        group_version: format!("{group}/{version}"),
        metrics,
        registration,
        backend: Fact::default(),
        passed_over: None,
    }
}

/// The names of a version's discovery.
async fn listed(cluster: &Cluster, group_version: &str) -> Fact<Vec<String>> {
    let path = format!("/apis/{group_version}");
    let ask = Ask::path(&path);
    let list = cluster
        .ask(ask, cluster.client.list_api_group_resources(group_version))
        .await;
    let names: Result<Vec<String>, _> = list.map(|list| {
        let names = list.resources.into_iter().map(|resource| resource.name);
        names.take(NAMES_KEPT).collect()
    });
    fact(&ask, names)
}

/// Whether discovery lists every metric, as `metric` or as `resource/metric`.
pub(super) fn has_all(names: &[String], wanted: &[&str]) -> bool {
    wanted.iter().all(|wanted| {
        names
            .iter()
            .any(|name| name.rsplit('/').next().unwrap_or(name) == *wanted)
    })
}

async fn registration(cluster: &Cluster, name: &str) -> Fact<crate::facts::ApiService> {
    let ask = Ask::cluster_scoped("apiservices.apiregistration.k8s.io", name);
    let api: Api<APIService> = Api::all(cluster.client.clone());
    let object = cluster.ask(ask, api.get(name)).await;
    fact(&ask, object.map(|object| convert::api_service(&object)))
}
