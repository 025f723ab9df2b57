//! What a model needs to be there before anything is written: its claim, its Secret, its account.

use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Secret, ServiceAccount};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::ListParams;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use super::{Ask, Cluster, Error};

/// What is known of a `PersistentVolumeClaim`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It does not exist; these do.
    Missing(Vec<String>),
    /// It has a volume, or gets one as soon as a pod wants it.
    Usable {
        /// Whether pods on several nodes can read it at the same time.
        shared: bool,
    },
    /// It has none, and a pod does not change that; its phase and class.
    Unusable {
        /// `status.phase`.
        phase: String,
        /// `spec.storageClassName`.
        class: Option<String>,
    },
}

/// Reads a claim.
///
/// # Errors
/// It could not be read.
pub async fn claim(cluster: &Cluster, namespace: &str, name: &str) -> Result<Claim, Error> {
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "persistentvolumeclaims", namespace, name);
    let Some(claim) = cluster.ask(ask, claims.get_opt(name)).await? else {
        let ask = Ask::list("persistentvolumeclaims", Some(namespace));
        // Only a help: what is missing is known.
        let others = cluster
            .ask(ask, claims.list_metadata(&ListParams::default()))
            .await;
        let names = others.into_iter().flat_map(|list| list.items);
        return Ok(Claim::Missing(
            names.filter_map(|claim| claim.metadata.name).collect(),
        ));
    };
    let spec = claim.spec.unwrap_or_default();
    let phase = claim.status.and_then(|status| status.phase).unwrap_or_default();
    let class = spec.storage_class_name;
    let usable = match (phase.as_str(), class.as_deref()) {
        ("Bound", _) => true,
        ("Pending", Some(class)) if !class.is_empty() => waits_for_a_pod(cluster, class).await?,
        _ => false,
    };
    if !usable {
        return Ok(Claim::Unusable { phase, class });
    }
    let shared = ["ReadOnlyMany", "ReadWriteMany"];
    Ok(Claim::Usable {
        shared: spec
            .access_modes
            .into_iter()
            .flatten()
            .any(|mode| shared.contains(&mode.as_str())),
    })
}

/// Whether volumes of a class are made when a pod wants them.
async fn waits_for_a_pod(cluster: &Cluster, class: &str) -> Result<bool, Error> {
    let classes: Api<StorageClass> = Api::all(cluster.client.clone());
    let ask = Ask::cluster_scoped("storageclasses.storage.k8s.io", class);
    let found = cluster.ask(ask, classes.get_opt(class)).await?;
    Ok(found.is_some_and(|class| class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer")))
}

/// Whether a Secret exists; what is in it is not read.
///
/// # Errors
/// It could not be asked.
pub async fn secret_exists(cluster: &Cluster, namespace: &str, name: &str) -> Result<bool, Error> {
    exists::<Secret>(cluster, "secrets", namespace, name).await
}

/// Whether a `ServiceAccount` exists.
///
/// # Errors
/// It could not be asked.
pub async fn account_exists(cluster: &Cluster, namespace: &str, name: &str) -> Result<bool, Error> {
    exists::<ServiceAccount>(cluster, "serviceaccounts", namespace, name).await
}

async fn exists<K>(cluster: &Cluster, resource: &str, namespace: &str, name: &str) -> Result<bool, Error>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let objects: Api<K> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", resource, namespace, name);
    Ok(cluster.ask(ask, objects.get_metadata_opt(name)).await?.is_some())
}

/// Whether the cluster has more than one node.
///
/// # Errors
/// Nodes could not be listed.
pub async fn several_nodes(cluster: &Cluster) -> Result<bool, Error> {
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let two = ListParams::default().limit(2);
    let list = cluster
        .ask(Ask::list("nodes", None), nodes.list_metadata(&two))
        .await?;
    Ok(list.items.len() > 1)
}

/// The minor version of Kubernetes 1; providers write `35+`.
///
/// # Errors
/// The API server could not be asked.
pub async fn minor_version(cluster: &Cluster) -> Result<u32, Error> {
    let version = cluster
        .ask(Ask::path("/version"), cluster.client.apiserver_version())
        .await?;
    let digits: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse().unwrap_or_default())
}
