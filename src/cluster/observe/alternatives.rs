//! What a reference that names nothing may have meant.

use http::header::ACCEPT;
use kube::Api;
use kube::api::ApiResource;
use kube::core::DynamicObject;
use serde::Deserialize;

use super::budget::Budget;
use super::target;
use crate::cluster::{Ask, Cluster, Error};
use crate::facts::{Alternatives, Fact, HpaFacts, ObjectReference, ServedKind};

/// How many names are kept.
const NAMES_KEPT: usize = 100;
/// All of them at once, in one round trip.
const COST: usize = 4;
/// The discovery of every group in one answer, by releases from 1.27 on.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

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
    if !names.is_empty() {
        return Fact::Known(Alternatives {
            names,
            ..Alternatives::default()
        });
    }
    if budget.left(cluster) < COST {
        return Fact::default();
    }
    let (namespace, reference) = (facts.hpa.namespace.as_str(), &facts.hpa.target);
    let elsewhere = target::workloads()
        .into_iter()
        .filter(|resource| !resource.kind.eq_ignore_ascii_case(&reference.kind));
    let kinds = futures::future::join_all(
        elsewhere.map(|resource| same_name(cluster, namespace, resource, &reference.name)),
    );
    let (of_kind, kinds) = tokio::join!(of_kind(cluster, namespace, reference), kinds);
    let Ok(mut found) = of_kind else {
        return Fact::default();
    };
    found.kinds = kinds.into_iter().flatten().collect();
    Fact::Known(found)
}

/// The objects of the kind; where there is no such kind, those that there are.
async fn of_kind(
    cluster: &Cluster,
    namespace: &str,
    reference: &ObjectReference,
) -> Result<Alternatives, Error> {
    let Some(resource) = target::built_in(reference) else {
        return Ok(Alternatives {
            served: served(cluster).await?,
            ..Alternatives::default()
        });
    };
    let (here, everywhere) = tokio::join!(
        target::names(cluster, Some(namespace), &resource, None),
        target::names(cluster, None, &resource, Some(&reference.name))
    );
    let names = here?.into_iter().map(|(_, name)| name).take(NAMES_KEPT);
    // Whoever may not look into other namespaces misses a hint, no proof.
    let namespaces = everywhere.unwrap_or_default().into_iter();
    Ok(Alternatives {
        names: names.collect(),
        namespaces: namespaces
            .map(|(namespace, _)| namespace)
            .filter(|other| other != namespace)
            .take(NAMES_KEPT)
            .collect(),
        ..Alternatives::default()
    })
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

#[derive(Deserialize)]
struct Groups {
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(default)]
    response_kind: Option<Kind>,
    #[serde(default)]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

#[derive(Deserialize)]
struct Subresource {
    subresource: String,
}

/// Every kind with a scale, in the version that its group prefers.
async fn served(cluster: &Cluster) -> Result<Vec<ServedKind>, Error> {
    let ask = Ask::path("/apis");
    let request = http::Request::get("/apis")
        .header(ACCEPT, AGGREGATED)
        .body(Vec::new())
        .map_err(|error| cluster.explain(&ask, &kube::Error::HttpError(error)))?;
    let groups: Groups = cluster.ask(ask, cluster.client.request(request)).await?;
    let mut kinds = Vec::new();
    for group in groups.items {
        let Some(version) = group.versions.into_iter().next() else {
            continue;
        };
        let scalable = version
            .resources
            .into_iter()
            .filter(|resource| resource.subresources.iter().any(|it| it.subresource == "scale"));
        kinds.extend(scalable.filter_map(|resource| {
            Some(ServedKind {
                api_version: format!("{}/{}", group.metadata.name, version.version),
                kind: resource.response_kind?.kind,
            })
        }));
    }
    Ok(kinds)
}
