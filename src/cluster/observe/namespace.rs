//! Everything about the HPAs of one namespace.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::ListParams;

use super::budget::Budget;
use super::events::Events;
use super::scope::Group;
use super::selector::{self, PodIndex};
use super::shared::Slice;
use super::target::{self, Reading};
use super::{
    alternatives, events, fact, limit_ranges, owners, pipeline, refusals, rivals, scaled_objects, successors,
};
use crate::cluster::metrics_api::pod_metrics_ask;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{
    ApiService, Definition, Fact, Hpa, HpaFacts, ObjectReference, Pod, PodMetrics, Scale, ScaleTarget,
};
use crate::hpa::selector::is_selector;

/// A workload, its pods and their usage.
#[derive(Debug, Clone)]
pub struct Workload {
    /// The object.
    pub target: Fact<ScaleTarget>,
    /// Its scale.
    pub scale: Fact<Scale>,
    /// The pods that match the scale's selector.
    pub pods: Fact<Vec<Pod>>,
    /// What the resource metrics API says of them.
    pub pod_metrics: Fact<Vec<PodMetrics>>,
    /// The definition of a custom resource whose scale is missing or says too little.
    pub definition: Fact<Definition>,
}

/// Reads the chosen HPAs of one namespace.
pub(super) async fn read(
    cluster: &Cluster,
    group: Group,
    slice: Option<Slice>,
    (usage, api): (bool, impl Future<Output = Fact<ApiService>>),
    budget: &Budget,
) -> Result<Vec<HpaFacts>, Error> {
    let references: Vec<&ObjectReference> = group.chosen.iter().map(|hpa| &hpa.target).collect();
    let (targets, in_hand, listed) = match slice {
        Some(slice) => {
            let events = Events::listed(&group.namespace, slice.events);
            (slice.targets, Some((slice.pods, slice.metrics)), Some(events))
        }
        None => (BTreeMap::new(), None, None),
    };
    // A custom kind costs so much that the events wait until it is known what else is needed.
    let late = matches!(references.as_slice(), [reference] if !target::is_built_in(reference));
    let (readings, early) = tokio::join!(
        target::read_all(cluster, &group.namespace, &references, &targets),
        async {
            match (listed, group.chosen.as_slice()) {
                (Some(events), _) => Some(events),
                (None, [hpa]) if hpa.is_planned() => Some(Events::none(&group.namespace)),
                (None, [hpa]) if !late => Some(events::read(cluster, &group.namespace, hpa).await),
                (None, _) => None,
            }
        }
    );
    let dead = readings.iter().all(|reading| reading.fatal.is_some());
    // The HPAs were listed and now nothing answers: there is no half of a diagnosis in that.
    if let Some(error) = early.as_ref().and_then(Events::fatal).filter(|_| dead) {
        return Err(error.clone());
    }
    let names: Vec<Vec<String>> = readings.iter().map(|reading| reading.names.clone()).collect();
    let workloads = workloads(cluster, &group.namespace, readings, in_hand, usage).await;
    let same_target: Vec<Vec<String>> = group
        .chosen
        .iter()
        .map(|hpa| others_with_same_target(hpa, &group.all))
        .collect();
    let mut facts: Vec<HpaFacts> = group
        .chosen
        .iter()
        .zip(workloads)
        .zip(same_target)
        .map(|((hpa, workload), same_target)| HpaFacts {
            target: workload.target,
            scale: workload.scale,
            pods: workload.pods,
            pod_metrics: workload.pod_metrics,
            events: Fact::default(),
            target_events: Fact::default(),
            pending_events: Fact::default(),
            serving_log: Fact::default(),
            same_target_keepers: keepers(&group.all, &same_target),
            same_target: Fact::Known(same_target),
            rivals: Vec::new(),
            scaled_object: Fact::default(),
            alternatives: Fact::default(),
            definition: workload.definition,
            successor: Fact::default(),
            limit_ranges: Fact::default(),
            quotas: Fact::default(),
            missed_object: Fact::default(),
            nodes: Fact::default(),
            metric_values: Vec::new(),
            unselected_values: Vec::new(),
            hpa: hpa.clone(),
        })
        .collect();
    let events = match (early, group.chosen.as_slice()) {
        (Some(events), _) => events,
        (None, [hpa]) => {
            let cost = pipeline::cost(&api.await, &facts);
            if budget.left(cluster) > cost {
                events::read(cluster, &group.namespace, hpa).await
            } else {
                Events::left_out(&group.namespace)
            }
        }
        (None, _) => Events::left_out(&group.namespace),
    };
    for facts in &mut facts {
        facts.events = events.about(&facts.hpa.uid);
        if creates_too_few_pods(facts) && budget.left(cluster) > 0 {
            facts.target_events = events::of_target(cluster, &group.namespace, facts).await;
        }
    }
    refusals::read(cluster, &group.namespace, &mut facts, budget).await;
    rivals::find(cluster, &group, &mut facts, budget).await;
    for (facts, names) in facts.iter_mut().zip(names) {
        facts.alternatives = Box::pin(alternatives::read(cluster, facts, names, budget)).await;
    }
    scaled_objects::read(cluster, &group.namespace, &mut facts, budget).await;
    limit_ranges::read(cluster, &group.namespace, &mut facts, budget).await;
    successors::read(cluster, &group.namespace, &group.all, &mut facts, budget).await;
    Ok(facts)
}

/// Whether a `StatefulSet` has fewer pods than it asks for. Other kinds say in a condition why that is so.
fn creates_too_few_pods(facts: &HpaFacts) -> bool {
    let (Some(target), Some(scale), Some(pods)) =
        (facts.target.known(), facts.scale.known(), facts.pods.known())
    else {
        return false;
    };
    let own = pods.iter().filter(|pod| pod.is_own()).count();
    target.kind == "StatefulSet" && i32::try_from(own).is_ok_and(|own| own < scale.spec_replicas)
}

/// Reads a Deployment that no HPA scales.
pub(super) async fn read_deployment(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
) -> Result<Workload, Error> {
    let reading = target::read_built_in(cluster, namespace, &target::deployments(), name).await;
    if let Some(error) = reading.fatal {
        return Err(error);
    }
    let workloads = workloads(cluster, namespace, vec![reading], None, true).await;
    workloads
        .into_iter()
        .next()
        .ok_or_else(|| Error::Configuration("no workload was asked for".to_owned()))
}

fn others_with_same_target(hpa: &Hpa, all: &[Hpa]) -> Vec<String> {
    all.iter()
        .filter(|other| other.name != hpa.name)
        .filter(|other| other.target.is_same(&hpa.target))
        .map(|other| other.name.clone())
        .collect()
}

/// What writes the HPAs of these names.
fn keepers(all: &[Hpa], names: &[String]) -> BTreeMap<String, ObjectReference> {
    all.iter()
        .filter(|hpa| names.contains(&hpa.name))
        .filter_map(|hpa| Some((hpa.name.clone(), hpa.keeper.clone()?)))
        .collect()
}

/// The pods of a namespace and their usage, as they were listed.
type InHand = (Result<Vec<Pod>, Error>, Option<Result<Vec<PodMetrics>, Error>>);

/// Adds pods and usage to the targets: from what is in hand, else by selector.
async fn workloads(
    cluster: &Cluster,
    namespace: &str,
    readings: Vec<Reading>,
    in_hand: Option<InHand>,
    usage: bool,
) -> Vec<Workload> {
    let in_hand = in_hand.map(|(pods, metrics)| {
        (
            fact(&Ask::list("pods", Some(namespace)), pods),
            metrics.map_or_else(Fact::default, |metrics| {
                fact(&pod_metrics_ask(Some(namespace)), metrics)
            }),
        )
    });
    let shared = in_hand.as_ref().map(|(pods, metrics)| {
        let index = PodIndex::new(pods.known().map_or(&[], Vec::as_slice));
        let samples: BTreeMap<&str, &PodMetrics> = metrics
            .known()
            .into_iter()
            .flatten()
            .map(|sample| (sample.name.as_str(), sample))
            .collect();
        (pods, index, metrics, samples)
    });
    let shared = shared.as_ref();
    let mut workloads = futures::future::join_all(readings.into_iter().map(|reading| async move {
        let (pods, pod_metrics) = match (selector(&reading), shared) {
            (Err(pods), _) => (pods, Fact::default()),
            (Ok(selector), None) => tokio::join!(list_pods(cluster, namespace, Some(&selector)), async {
                if usage {
                    list_metrics(cluster, namespace, Some(&selector)).await
                } else {
                    Fact::default()
                }
            }),
            (Ok(selector), Some((pods, index, metrics, samples))) => {
                let pods = matching(cluster, namespace, &selector, pods, index).await;
                let metrics = of_pods(metrics, samples, &pods);
                (pods, metrics)
            }
        };
        Workload {
            target: reading.target,
            scale: reading.scale,
            pods,
            pod_metrics,
            definition: reading.definition,
        }
    }))
    .await;
    mark_owners(cluster, namespace, &mut workloads).await;
    workloads
}

/// The selector of a scale, or what that makes of the pods: no scale, no pods.
fn selector(reading: &Reading) -> Result<String, Fact<Vec<Pod>>> {
    match &reading.scale {
        // No list can be asked for with a text that is no selector.
        Fact::Known(scale) if !is_selector(&scale.selector) => Err(Fact::Absent),
        Fact::Known(scale) => Ok(scale.selector.clone()),
        Fact::Absent => Err(Fact::Absent),
        Fact::NotReadable(reason) => Err(Fact::NotReadable(reason.clone())),
    }
}

pub(super) async fn list_pods(cluster: &Cluster, namespace: &str, selector: Option<&str>) -> Fact<Vec<Pod>> {
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let params = selector.map_or_else(ListParams::default, |selector| {
        ListParams::default().labels(selector)
    });
    let ask = Ask::list("pods", Some(namespace));
    let list = cluster.ask(ask, api.list(&params)).await;
    fact(
        &ask,
        list.map(|list| list.items.iter().map(convert::pod).collect()),
    )
}

async fn list_metrics(cluster: &Cluster, namespace: &str, selector: Option<&str>) -> Fact<Vec<PodMetrics>> {
    fact(
        &pod_metrics_ask(Some(namespace)),
        cluster.pod_metrics(namespace, selector).await,
    )
}

/// The pods that a selector matches; the API server is asked where it is not in the usual form.
async fn matching(
    cluster: &Cluster,
    namespace: &str,
    selector: &str,
    pods: &Fact<Vec<Pod>>,
    index: &PodIndex<'_>,
) -> Fact<Vec<Pod>> {
    match (pods, selector::parse(selector)) {
        (Fact::Known(_), Some(expressions)) => Fact::Known(index.matching(&expressions)),
        (Fact::Known(_), None) => list_pods(cluster, namespace, Some(selector)).await,
        (other, _) => other.clone(),
    }
}

fn of_pods(
    metrics: &Fact<Vec<PodMetrics>>,
    samples: &BTreeMap<&str, &PodMetrics>,
    pods: &Fact<Vec<Pod>>,
) -> Fact<Vec<PodMetrics>> {
    let (Fact::Known(_), Fact::Known(pods)) = (metrics, pods) else {
        return metrics.clone();
    };
    let of_pod = |pod: &Pod| samples.get(pod.name.as_str()).map(|sample| (*sample).clone());
    Fact::Known(pods.iter().filter_map(of_pod).collect())
}

/// Finds out which pods descend from their target; the `ReplicaSet`s are listed only where names prove nothing.
async fn mark_owners(cluster: &Cluster, namespace: &str, workloads: &mut [Workload]) {
    let uncertain = workloads
        .iter()
        .any(|workload| match (&workload.pods, &workload.target) {
            (Fact::Known(pods), Fact::Known(target)) => owners::needs_replica_sets(pods, target),
            _ => false,
        });
    let replica_sets = if uncertain {
        owners::replica_sets(cluster, namespace).await
    } else {
        None
    };
    for workload in workloads {
        if let (Fact::Known(pods), Fact::Known(target)) = (&mut workload.pods, &workload.target) {
            owners::mark(pods, target, replica_sets.as_ref());
        }
    }
}
