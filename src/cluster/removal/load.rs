//! What a load in the cluster left behind.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::{ListParams, ObjectMeta};

use super::Found;
use super::find::Whose;
use crate::cluster::{Ask, Cluster, Error};
use crate::load::jobs::{LOAD, master_name, workers_name};

/// Finds the Jobs and the `ConfigMap` of a load of NAME. Who may not read Jobs has made none.
///
/// # Errors
/// They could not be read.
pub async fn load(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    field_manager: &str,
) -> Result<Found, Error> {
    let mut found = Found::default();
    let whose = Whose { field_manager };
    let jobs: Api<Job> = Api::namespaced(cluster.client.clone(), namespace);
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), namespace);
    // The master's Job is last: it leads to the rest.
    let name = (master_name(name), workers_name(name));
    let ask = |resource, name| Ask::object("get", resource, namespace, name);
    let workers = cluster
        .ask(ask("jobs.batch", &name.1), jobs.get_metadata(&name.1))
        .await;
    if let Some(metadata) = there(workers.map(|live| live.metadata))? {
        found.decide_metadata::<Job>(&metadata, whose);
    }
    let files = cluster
        .ask(ask("configmaps", &name.0), maps.get_metadata(&name.0))
        .await;
    if let Some(metadata) = there(files.map(|live| live.metadata))? {
        found.decide_metadata::<ConfigMap>(&metadata, whose);
    }
    let master = cluster
        .ask(ask("jobs.batch", &name.0), jobs.get_metadata(&name.0))
        .await;
    if let Some(metadata) = there(master.map(|live| live.metadata))? {
        found.decide_metadata::<Job>(&metadata, whose);
    }
    Ok(found)
}

fn there(read: Result<ObjectMeta, Error>) -> Result<Option<ObjectMeta>, Error> {
    match read {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.status(), Some(403 | 404)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The pods of a load of NAME that are still there.
///
/// # Errors
/// They could not be listed.
pub async fn pods_of_load(cluster: &Cluster, namespace: &str, name: &str) -> Result<Vec<String>, Error> {
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let labels = ListParams::default().labels(&format!("{LOAD}={name}"));
    let list = cluster
        .ask(Ask::list("pods", Some(namespace)), api.list_metadata(&labels))
        .await?;
    let names = list.items.into_iter().filter_map(|pod| pod.metadata.name);
    Ok(names.collect())
}
