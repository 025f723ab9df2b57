//! What a reference that names nothing may have meant.

use futures::future::join_all;
use kube::Api;
use kube::api::ApiResource;
use kube::core::DynamicObject;

use super::budget::Budget;
use super::{scalable_kinds, target};
use crate::cluster::scalable::autoscalers_of;
use crate::cluster::{Ask, Cluster};
use crate::facts::{Alternatives, Fact, HpaFacts, ObjectReference, ServedKind};

/// How many names are kept.
const NAMES_KEPT: usize = 100;
/// What is asked first, in one round trip.
const COST: usize = 4;
/// What it costs to look into other namespaces: the objects of the name, and the HPAs beside one.
const ELSEWHERE: usize = 2;
/// The kinds that take a Deployment's or a `StatefulSet`'s place under its own name: of Argo Rollouts, `OpenKruise` and
/// `OpenShift`.
const STAND_INS: &[&str] = &["Rollout", "CloneSet", "DeploymentConfig"];

/// Looks for what a target's reference may have meant, where it names nothing and one HPA is asked about.
pub(super) async fn read(
    cluster: &Cluster,
    facts: &HpaFacts,
    mut names: Vec<String>,
    budget: &Budget,
) -> Fact<Alternatives> {
    names.truncate(NAMES_KEPT);
    if !facts.target.is_absent() || !budget.is_limited() {
        return Fact::default();
    }
    if budget.left(cluster) < COST {
        return if names.is_empty() {
            Fact::default()
        } else {
            Fact::Known(Alternatives {
                names,
                ..Alternatives::default()
            })
        };
    }
    let (namespace, reference) = (facts.hpa.namespace.as_str(), &facts.hpa.target);
    let built_in = target::built_in(reference);
    let of_kind = async {
        match &built_in {
            Some(resource) => target::names(cluster, Some(namespace), resource, None)
                .await
                .map(|found| found.into_iter().map(|(_, name)| name).take(NAMES_KEPT).collect()),
            None => Ok(names),
        }
    };
    let workloads = target::workloads()
        .into_iter()
        .filter(|resource| !resource.kind.eq_ignore_ascii_case(&reference.kind));
    let (of_kind, workloads, scalable) = tokio::join!(
        of_kind,
        of_name(cluster, namespace, workloads.collect(), &reference.name),
        scalable_kinds::read(cluster)
    );
    let (Ok(names), true) = (of_kind, built_in.is_some() || scalable.is_ok()) else {
        return Fact::default();
    };
    let scalable = scalable.unwrap_or_default();
    let served: Vec<ServedKind> = match built_in {
        Some(_) => Vec::new(),
        None => scalable.iter().map(served_kind).collect(),
    };
    let custom = candidates(scalable, reference, budget.left(cluster));
    let mut kinds = of_name(cluster, namespace, custom, &reference.name).await;
    kinds.extend(workloads);
    let namespaces = match built_in {
        Some(resource) if kinds.is_empty() => elsewhere(cluster, facts, &resource, budget).await,
        _ => Vec::new(),
    };
    Fact::Known(Alternatives {
        names,
        kinds,
        namespaces,
        served,
    })
}

/// The custom kinds worth the question whether they have an object of the name, the likeliest first: one called as the
/// reference's kind, one that takes its place, and any other, as far as requests are left for other namespaces too.
fn candidates(scalable: Vec<ApiResource>, reference: &ObjectReference, left: usize) -> Vec<ApiResource> {
    let group = reference.group();
    let likely = |it: &ApiResource| {
        it.kind.eq_ignore_ascii_case(&reference.kind) || STAND_INS.contains(&it.kind.as_str())
    };
    let own = |it: &ApiResource| it.group == group && it.kind.eq_ignore_ascii_case(&reference.kind);
    let custom = scalable.into_iter().filter(|it| it.group != "apps" && !own(it));
    let (mut found, others): (Vec<_>, Vec<_>) = custom.partition(likely);
    found.sort_by_key(|it| !it.kind.eq_ignore_ascii_case(&reference.kind));
    // One of the very kind is likelier than another namespace, and that is likelier than a stand-in.
    let same = |it: &&ApiResource| it.kind.eq_ignore_ascii_case(&reference.kind);
    let named_so = found.iter().filter(same).count();
    found.truncate(left.saturating_sub(ELSEWHERE).max(named_so.min(left)));
    let room = left.saturating_sub(found.len() + ELSEWHERE);
    found.extend(others.into_iter().take(room));
    found
}

fn served_kind(resource: &ApiResource) -> ServedKind {
    ServedKind {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
    }
}

/// The other namespaces that have an object of the kind and name, which no HPA there scales. An HPA that has read its
/// target once was in the right one.
async fn elsewhere(
    cluster: &Cluster,
    facts: &HpaFacts,
    resource: &ApiResource,
    budget: &Budget,
) -> Vec<String> {
    let hpa = &facts.hpa;
    if hpa.has_read_its_scale() || budget.left(cluster) < ELSEWHERE {
        return Vec::new();
    }
    // Whoever may not look into other namespaces misses a hint, no proof.
    let found = target::names(cluster, None, resource, Some(&hpa.target.name)).await;
    let namespaces = found
        .unwrap_or_default()
        .into_iter()
        .map(|(namespace, _)| namespace);
    let others: Vec<String> = namespaces
        .filter(|other| *other != hpa.namespace)
        .take(NAMES_KEPT)
        .collect();
    match others.as_slice() {
        [only] => match autoscalers_of(cluster, only, &hpa.target).await {
            Ok(theirs) if theirs.is_empty() => others,
            _ => Vec::new(),
        },
        _ => others,
    }
}

/// The objects of that name, of those kinds that have one.
async fn of_name(
    cluster: &Cluster,
    namespace: &str,
    kinds: Vec<ApiResource>,
    name: &str,
) -> Vec<ObjectReference> {
    let found = kinds
        .into_iter()
        .map(|resource| same_name(cluster, namespace, resource, name));
    join_all(found).await.into_iter().flatten().collect()
}

/// The object of that name of another kind, where it exists.
async fn same_name(
    cluster: &Cluster,
    namespace: &str,
    resource: ApiResource,
    name: &str,
) -> Option<ObjectReference> {
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), namespace, &resource);
    let full_name = target::full_name(&resource);
    let ask = Ask::object("get", &full_name, namespace, name);
    cluster.ask(ask, api.get_metadata(name)).await.ok()?;
    Some(ObjectReference {
        api_version: resource.api_version,
        kind: resource.kind,
        name: name.to_owned(),
    })
}
