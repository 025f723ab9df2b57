//! Removes one object: the one that was seen, and no other that took its name since.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, ListParams, Preconditions, PropagationPolicy};

use super::Item;
use super::owner::why_foreign;
use crate::cluster::{Ask, Cluster, Error};

/// How often a removal is repeated because somebody, a controller most often, wrote to the object.
const ATTEMPTS: usize = 10;

/// What came of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// It was told to go.
    Deleted,
    /// It was gone, or on its way, already.
    Already,
    /// Another object has its name now, or it is no longer ours; it stays.
    Changed(String),
}

/// Removes it. A Deployment goes in the foreground: it is there until its pods are gone, so that its end is theirs
/// and an interrupted command finds it again. The others own nothing that is waited for.
///
/// # Errors
/// The API server refused.
pub async fn delete(cluster: &Cluster, item: &Item, dry_run: bool) -> Result<Gone, Error> {
    if item.going {
        return Ok(Gone::Already);
    }
    let policy = if item.resource.kind == "Deployment" {
        PropagationPolicy::Foreground
    } else {
        PropagationPolicy::Background
    };
    let mut version = item.version.clone();
    for _ in 0..ATTEMPTS {
        let parameters = DeleteParams {
            dry_run,
            propagation_policy: Some(policy.clone()),
            preconditions: Some(Preconditions {
                uid: Some(item.uid.clone()),
                resource_version: Some(version),
            }),
            ..DeleteParams::default()
        };
        let plural = item.plural();
        let api = api(cluster, item);
        match cluster
            .ask(ask("delete", &plural, item), api.delete(&item.name, &parameters))
            .await
        {
            Ok(_) => return Ok(Gone::Deleted),
            Err(error) if error.is_not_found() => return Ok(Gone::Already),
            Err(error) if error.status() == Some(409) => {}
            Err(error) => return Err(error),
        }
        let Some(live) = read(cluster, item).await? else {
            return Ok(Gone::Already);
        };
        if live.metadata.uid.as_deref() != Some(item.uid.as_str()) {
            return Ok(Gone::Changed(
                "somebody removed it and made another one of its name".to_owned(),
            ));
        }
        if let Some(why) = why_foreign(&live.metadata, &item.field_manager) {
            return Ok(Gone::Changed(why));
        }
        version = live.metadata.resource_version.unwrap_or_default();
    }
    Err(Error::Request {
        what: format!("cannot delete {}", item.title()),
        why: format!(
            "somebody else writes to it all the time: {ATTEMPTS} attempts met a newer version; try again"
        ),
        status: Some(409),
    })
}

/// Whether the object that was seen exists no more.
///
/// # Errors
/// It could not be read.
pub async fn is_gone(cluster: &Cluster, item: &Item) -> Result<bool, Error> {
    let live = read(cluster, item).await?;
    Ok(live.is_none_or(|live| live.metadata.uid.as_deref() != Some(item.uid.as_str())))
}

/// The pods of a Deployment that are still there.
///
/// # Errors
/// They could not be listed.
pub async fn pods_of(cluster: &Cluster, item: &Item) -> Result<Vec<String>, Error> {
    let (Some((labels, _)), Some(namespace)) = (&item.pods, &item.namespace) else {
        return Ok(Vec::new());
    };
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::list("pods", Some(namespace));
    let list = cluster
        .ask(ask, api.list_metadata(&ListParams::default().labels(labels)))
        .await?;
    Ok(list
        .items
        .into_iter()
        .filter_map(|pod| pod.metadata.name)
        .collect())
}

async fn read(cluster: &Cluster, item: &Item) -> Result<Option<DynamicObject>, Error> {
    let plural = item.plural();
    match cluster
        .ask(ask("get", &plural, item), api(cluster, item).get(&item.name))
        .await
    {
        Ok(live) => Ok(Some(live)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn ask<'a>(verb: &'a str, plural: &'a str, item: &'a Item) -> Ask<'a> {
    Ask {
        verb,
        resource: plural,
        namespace: item.namespace.as_deref(),
        name: Some(&item.name),
    }
}

fn api(cluster: &Cluster, item: &Item) -> Api<DynamicObject> {
    match &item.namespace {
        Some(namespace) => Api::namespaced_with(cluster.client.clone(), namespace, &item.resource),
        None => Api::all_with(cluster.client.clone(), &item.resource),
    }
}

/// Whether a Deployment exists and is ours.
///
/// # Errors
/// It could not be read.
pub async fn is_ours(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    field_manager: &str,
) -> Result<bool, Error> {
    let api: Api<Deployment> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "deployments.apps", namespace, name);
    match cluster.ask(ask, api.get_metadata(name)).await {
        Ok(live) => Ok(why_foreign(&live.metadata, field_manager).is_none()),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}
