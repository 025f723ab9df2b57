//! The values of `Pods`, `Object` and `External` metrics, from the APIs that the controller asks for them.
//!
//! One request a metric; metrics that ask the same share it, and one more where nothing matches a metric's selector. An API whose discovery was read and is not served, or
//! does not answer, is not asked again.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};

use super::adapters::{self, has_all};
use super::budget::Budget;
use super::fact;
use crate::cluster::Cluster;
use crate::cluster::adapter_metrics::{Query, Source};
use crate::facts::{AdapterApi, ClusterFacts, Fact, HpaFacts, MetricSample, SERIES_KEPT};

/// How many values are asked for where many HPAs are read: their number must not grow with the HPAs.
const AT_MOST: usize = 10;
/// How many are asked for at a time.
const AT_A_TIME: usize = 8;

/// The answers to all queries.
type Answers = BTreeMap<Query, Fact<Vec<MetricSample>>>;

/// Adds the values that the APIs of adapters give.
pub(super) async fn read(cluster: &Cluster, shared: &ClusterFacts, hpas: &mut [HpaFacts], budget: &Budget) {
    let queries: Vec<Vec<Option<Query>>> = hpas.iter().map(|facts| queries(facts, shared)).collect();
    // What fails comes first: what works has a value in the status.
    let mut works: BTreeMap<&Query, bool> = BTreeMap::new();
    for (facts, queries) in hpas.iter().zip(&queries) {
        for (index, query) in queries.iter().enumerate() {
            let Some(query) = query else { continue };
            let also = works.entry(query).or_insert(true);
            *also &= !adapters::fails(&facts.hpa, index);
        }
    }
    let mut wanted: Vec<(bool, Query)> = works
        .into_iter()
        .filter(|(query, _)| api_of(query, shared).is_none_or(answers))
        .map(|(query, works)| (works, query.clone()))
        .collect();
    wanted.sort();
    let mut wanted: Vec<Query> = wanted.into_iter().map(|(_, query)| query).collect();
    wanted.truncate(budget.left(cluster).min(AT_MOST));
    let answers = ask(cluster, wanted).await;
    let unselected = without_selectors(cluster, shared, hpas, (&queries, &answers), budget).await;
    for (facts, queries) in hpas.iter_mut().zip(queries) {
        if queries.iter().any(Option::is_some) {
            let bare = |query: &Option<Query>| {
                let bare = query.as_ref().filter(|query| selects(query)).map(unselecting);
                bare.and_then(|bare| unselected.get(&bare).cloned())
            };
            let values: Vec<_> = queries.iter().map(bare).collect();
            if values.iter().any(Option::is_some) {
                let values = values.into_iter().map(Option::unwrap_or_default);
                facts.unselected_values = values.collect();
            }
            let of = |query: Option<Query>| {
                query.map_or_else(Fact::default, |query| find(&query, shared, &answers, budget))
            };
            facts.metric_values = queries.into_iter().map(of).collect();
        }
    }
}

async fn ask(cluster: &Cluster, wanted: Vec<Query>) -> Answers {
    stream::iter(wanted)
        .map(|query| async {
            let answer = cluster.adapter_metric(&query).await;
            let answer = fact(&query.ask(&query.resource()), answer);
            (query, without_right_of_others(answer))
        })
        .buffer_unordered(AT_A_TIME)
        .collect()
        .await
}

/// Asks once more without the selector, where nothing matches it: what there is tells a slip from a source without
/// data. An HPA that is written from something else is not repaired by its own selector.
async fn without_selectors(
    cluster: &Cluster,
    shared: &ClusterFacts,
    hpas: &[HpaFacts],
    (queries, answers): (&[Vec<Option<Query>>], &Answers),
    budget: &Budget,
) -> Answers {
    let mut wanted: Vec<Query> = hpas
        .iter()
        .zip(queries)
        .filter(|(facts, _)| facts.hpa.keeper.is_none())
        .flat_map(|(_, queries)| queries.iter().flatten())
        .filter(|query| selects(query) && matches_nothing(query, shared, answers))
        .map(unselecting)
        .collect();
    wanted.sort();
    wanted.dedup();
    wanted.truncate(budget.left(cluster).min(AT_MOST));
    let mut found = ask(cluster, wanted).await;
    for answer in found.values_mut() {
        if let Fact::Known(samples) = answer {
            samples.truncate(SERIES_KEPT);
        }
    }
    found
}

fn selects(query: &Query) -> bool {
    !query.metric_selector.is_empty()
}

fn unselecting(query: &Query) -> Query {
    Query {
        metric_selector: String::new(),
        ..query.clone()
    }
}

/// Whether the API has no value for what was asked, although it has the metric: some adapters answer with an empty list,
/// some with 404.
fn matches_nothing(query: &Query, shared: &ClusterFacts, answers: &Answers) -> bool {
    match answers.get(query) {
        Some(Fact::Known(samples)) => samples.is_empty(),
        Some(Fact::Absent) => {
            let names = api_of(query, shared).and_then(|api| api.known()?.metrics.known());
            names.is_some_and(|names| has_all(names, &[&query.metric]))
        }
        Some(Fact::NotReadable(_)) | None => false,
    }
}

/// A 403 may be what the source of an adapter said to the adapter: no right of the cluster is missing then. The API server
/// itself names who asks (`forbiddenMessage` of `k8s.io/apiserver/pkg/endpoints/handlers/responsewriters`, v1.37).
fn without_right_of_others<T>(mut answer: Fact<T>) -> Fact<T> {
    if let Fact::NotReadable(reason) = &mut answer
        && !reason.why.contains("User \"")
    {
        reason.needs = None;
    }
    answer
}

fn find(query: &Query, shared: &ClusterFacts, answers: &Answers, budget: &Budget) -> Fact<Vec<MetricSample>> {
    match (answers.get(query), api_of(query, shared)) {
        (Some(answer), _) => answer.clone(),
        (None, Some(Fact::Absent)) => Fact::Absent,
        (
            None,
            Some(Fact::Known(AdapterApi {
                metrics: Fact::NotReadable(reason),
                ..
            })),
        ) => Fact::NotReadable(reason.clone()),
        (None, _) => Fact::NotReadable(budget.left_out(query.ask(&query.resource()).subject())),
    }
}

/// What is asked for each metric of the spec.
fn queries(facts: &HpaFacts, shared: &ClusterFacts) -> Vec<Option<Query>> {
    let hpa = &facts.hpa;
    let pods = facts.scale.known().map(|scale| scale.selector.as_str());
    let version = |api: &Fact<AdapterApi>| {
        let api = api.known()?;
        api.group_version
            .split_once('/')
            .map(|(_, version)| version.to_owned())
    };
    hpa.metrics
        .iter()
        .map(|spec| {
            let source = match (spec.type_.as_str(), &spec.object) {
                ("Pods", _) => Source::Pods {
                    selector: pods.filter(|selector| !selector.is_empty())?.to_owned(),
                },
                ("Object", Some(object)) => Source::Object {
                    api_version: object.api_version.clone(),
                    kind: object.kind.clone(),
                    name: object.name.clone(),
                },
                ("External", _) => Source::External,
                _ => return None,
            };
            let api = match source {
                Source::External => &shared.external_metrics_api,
                Source::Pods { .. } | Source::Object { .. } => &shared.custom_metrics_api,
            };
            Some(Query {
                namespace: hpa.namespace.clone(),
                version: version(api).unwrap_or_else(|| "v1beta1".to_owned()),
                metric: spec.name.clone(),
                metric_selector: spec.selector.clone().unwrap_or_default(),
                source,
            })
        })
        .collect()
}

/// What is known of the API that a query goes to; none where it was not asked for.
fn api_of<'a>(query: &Query, shared: &'a ClusterFacts) -> Option<&'a Fact<AdapterApi>> {
    let api = match query.source {
        Source::External => &shared.external_metrics_api,
        Source::Pods { .. } | Source::Object { .. } => &shared.custom_metrics_api,
    };
    (*api != Fact::default()).then_some(api)
}

/// Whether it is of any use to ask the API for a value.
fn answers(api: &Fact<AdapterApi>) -> bool {
    match api {
        Fact::Absent => false,
        Fact::Known(api) => api.metrics.not_readable().is_none(),
        Fact::NotReadable(_) => true,
    }
}
