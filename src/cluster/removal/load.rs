//! What a load in the cluster left behind.

use std::fmt::Debug;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::{ListParams, ObjectMeta};
use serde::de::DeserializeOwned;

use super::Found;
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
    let (master, workers) = (master_name(name), workers_name(name));
    let jobs: Api<Job> = Api::namespaced(cluster.client.clone(), namespace);
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), namespace);
    let (workers, files, master) = futures::join!(
        read(cluster, &jobs, "jobs.batch", namespace, &workers),
        read(cluster, &maps, "configmaps", namespace, &master),
        read(cluster, &jobs, "jobs.batch", namespace, &master),
    );
    let mut found = Found::default();
    if let Some(metadata) = workers? {
        found.decide_metadata::<Job>(&metadata, field_manager);
    }
    if let Some(metadata) = files? {
        found.decide_metadata::<ConfigMap>(&metadata, field_manager);
    }
    // The master's Job is last: it leads to the rest.
    if let Some(metadata) = master? {
        found.decide_metadata::<Job>(&metadata, field_manager);
    }
    Ok(found)
}

/// None where it is not there, or may not be read.
async fn read<K: Clone + DeserializeOwned + Debug>(
    cluster: &Cluster,
    api: &Api<K>,
    resource: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<ObjectMeta>, Error> {
    let ask = Ask::object("get", resource, namespace, name);
    match cluster.ask(ask, api.get_metadata(name)).await {
        Ok(live) => Ok(Some(live.metadata)),
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
