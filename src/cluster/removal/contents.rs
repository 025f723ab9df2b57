//! Whether a namespace may go: `up` created it, and it holds nothing of anybody else.

use k8s_openapi::api::core::v1;
use kube::api::{ApiResource, DynamicObject, ListParams, ObjectMeta, PartialObjectMeta};
use kube::discovery::{ApiCapabilities, Discovery, Scope, verbs};
use kube::{Api, ResourceExt};

use super::find::of_metadata;
use super::owner::why_foreign;
use super::{Found, Item, plural, resource_name};
use crate::cluster::{Ask, Cluster, Error};

/// How many objects of others a message names.
const NAMED: usize = 3;

/// What becomes of a namespace.
#[derive(Debug, Clone)]
pub enum Namespace {
    /// It goes.
    Remove(Box<Item>),
    /// It stays; why, where that is worth a line.
    Stay(Option<String>),
}

/// Decides. `found` is what goes before it.
///
/// # Errors
/// The namespace could not be read.
pub async fn namespace(
    cluster: &Cluster,
    name: &str,
    found: &Found,
    field_manager: &str,
) -> Result<Namespace, Error> {
    let namespaces: Api<v1::Namespace> = Api::all(cluster.client.clone());
    let live = match cluster
        .ask(Ask::cluster_scoped("namespaces", name), namespaces.get(name))
        .await
    {
        Ok(live) => live,
        // Who may not read it did not create it either.
        Err(error) if error.is_not_found() || error.status() == Some(403) => {
            return Ok(Namespace::Stay(None));
        }
        Err(error) => return Err(error),
    };
    if why_foreign(&live.metadata, field_manager).is_some() {
        return Ok(Namespace::Stay(None));
    }
    let item = of_metadata::<v1::Namespace>(&live.metadata, field_manager);
    if item.going {
        return Ok(Namespace::Remove(Box::new(item)));
    }
    Ok(match others(cluster, name, found).await {
        Ok(others) if others.is_empty() => Namespace::Remove(Box::new(item)),
        Ok(others) => {
            let more = others.len().saturating_sub(NAMED);
            let mut text = others[..others.len().min(NAMED)].join(", ");
            if more > 0 {
                text = format!("{text} and {more} more");
            }
            Namespace::Stay(Some(format!("it holds {text}")))
        }
        Err(error) => Namespace::Stay(Some(format!("what it holds is not known: {error}"))),
    })
}

/// The objects in a namespace that neither go nor belong to what goes, nor are the cluster's own.
async fn others(cluster: &Cluster, namespace: &str, found: &Found) -> Result<Vec<String>, Error> {
    let discovery = Discovery::new(cluster.client.clone());
    let discovery = cluster.ask(Ask::path("/apis"), discovery.run()).await?;
    let mut others: Vec<String> = Vec::new();
    for (resource, _) in discovery
        .groups()
        .filter(|group| group.name() != "metrics.k8s.io")
        .flat_map(kube::discovery::ApiGroup::recommended_resources)
        .filter(|(resource, capabilities)| is_kept(resource, capabilities))
    {
        let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), namespace, &resource);
        let name = plural(&resource);
        let ask = Ask::list(&name, Some(namespace));
        let list = cluster
            .ask(ask, api.list_metadata(&ListParams::default()))
            .await?;
        others.extend(
            list.items
                .iter()
                .filter(|object| !belongs(&resource, object, found))
                .map(|object| resource_name(&resource, &object.name_any())),
        );
    }
    others.sort();
    Ok(without_endpoints(&others))
}

/// The Endpoints of a Service are no object of their own to anybody.
fn without_endpoints(others: &[String]) -> Vec<String> {
    let is_of_a_service = |name: &String| {
        name.strip_prefix("endpoints/")
            .is_some_and(|name| others.contains(&format!("service/{name}")))
    };
    others
        .iter()
        .filter(|name| !is_of_a_service(name))
        .cloned()
        .collect()
}

/// Kinds whose objects somebody may miss; events only tell of others.
fn is_kept(resource: &ApiResource, capabilities: &ApiCapabilities) -> bool {
    capabilities.scope == Scope::Namespaced
        && capabilities.supports_operation(verbs::LIST)
        && resource.kind != "Event"
}

fn belongs(resource: &ApiResource, object: &PartialObjectMeta<DynamicObject>, found: &Found) -> bool {
    let name = object.name_any();
    let is = |kind: &str, group: &str, wanted: &str| {
        resource.kind == kind && resource.group == group && name == wanted
    };
    is("ConfigMap", "", "kube-root-ca.crt")
        || is("ServiceAccount", "", "default")
        || is_token_of_default(resource, &object.metadata)
        || object
            .owner_references()
            .iter()
            .any(|owner| owner.controller == Some(true))
        || found.remove.iter().any(|item| {
            let same = item.resource.kind == resource.kind && item.resource.group == resource.group;
            // The Endpoints of a Service have its name and no owner; they go with it.
            let endpoints = item.resource.kind == "Service" && resource.kind == "Endpoints";
            item.name == name && (same || endpoints)
        })
}

/// Up to Kubernetes 1.23 the account `default` has a Secret.
fn is_token_of_default(resource: &ApiResource, metadata: &ObjectMeta) -> bool {
    let account = metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get("kubernetes.io/service-account.name"));
    resource.kind == "Secret" && account.is_some_and(|account| account == "default")
}
