//! Names, for a shell that completes them.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Service, ServiceAccount};
use kube::api::{Api, ListParams};
use kube::config::Kubeconfig;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::{Ask, Cluster, ConnectOptions, Error, kubeconfig};
use crate::serving::{MANAGED_BY, MANAGER};

/// More names than this help nobody, and take time.
const MOST: u32 = 500;

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// The kubeconfig's contexts.
    Contexts,
    /// The kubeconfig's clusters.
    Clusters,
    /// The kubeconfig's users.
    Users,
    /// The cluster's namespaces.
    Namespaces,
    /// The namespace's HPAs.
    Hpas,
    /// The namespace's Deployments.
    Deployments,
    /// The namespace's `StatefulSets`.
    StatefulSets,
    /// The namespace's Services.
    Services,
    /// The Services that `up` made.
    Models,
    /// The namespace's claims.
    Claims,
    /// The namespace's service accounts.
    ServiceAccounts,
}

/// The names that there are, at most 500 of a kind.
///
/// # Errors
/// There is no usable kubeconfig, or the cluster does not answer.
pub fn names(options: &ConnectOptions, named: Named) -> Result<Vec<String>, Error> {
    match named {
        Named::Contexts => of_kubeconfig(options, |file| {
            file.contexts.into_iter().map(|entry| entry.name).collect()
        }),
        Named::Clusters => of_kubeconfig(options, |file| {
            file.clusters.into_iter().map(|entry| entry.name).collect()
        }),
        Named::Users => of_kubeconfig(options, |file| {
            file.auth_infos.into_iter().map(|entry| entry.name).collect()
        }),
        _ => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Configuration(format!("cannot ask the cluster: {error}")))?
            .block_on(async { of_cluster(&Cluster::connect(options)?, named).await }),
    }
}

fn of_kubeconfig(
    options: &ConnectOptions,
    names: impl FnOnce(Kubeconfig) -> Vec<String>,
) -> Result<Vec<String>, Error> {
    Ok(kubeconfig::read(options.kubeconfig.as_deref())?
        .map(names)
        .unwrap_or_default())
}

async fn of_cluster(cluster: &Cluster, named: Named) -> Result<Vec<String>, Error> {
    let all = ListParams::default().limit(MOST);
    match named {
        Named::Contexts | Named::Clusters | Named::Users => Ok(Vec::new()),
        Named::Namespaces => list(cluster, Api::<Namespace>::all(cluster.client.clone()), None, all).await,
        Named::Hpas => in_namespace::<HorizontalPodAutoscaler>(cluster, all).await,
        Named::Deployments => in_namespace::<Deployment>(cluster, all).await,
        Named::StatefulSets => in_namespace::<StatefulSet>(cluster, all).await,
        Named::Services => in_namespace::<Service>(cluster, all).await,
        Named::Models => {
            in_namespace::<Service>(cluster, all.labels(&format!("{MANAGED_BY}={MANAGER}"))).await
        }
        Named::Claims => in_namespace::<PersistentVolumeClaim>(cluster, all).await,
        Named::ServiceAccounts => in_namespace::<ServiceAccount>(cluster, all).await,
    }
}

async fn in_namespace<K>(cluster: &Cluster, which: ListParams) -> Result<Vec<String>, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api = Api::<K>::namespaced(cluster.client.clone(), &cluster.namespace);
    list(cluster, api, Some(&cluster.namespace), which).await
}

async fn list<K>(
    cluster: &Cluster,
    api: Api<K>,
    namespace: Option<&str>,
    which: ListParams,
) -> Result<Vec<String>, Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let resource = K::plural(&());
    let found = cluster
        .ask(Ask::list(&resource, namespace), api.list_metadata(&which))
        .await?;
    Ok(found.items.iter().map(ResourceExt::name_any).collect())
}
