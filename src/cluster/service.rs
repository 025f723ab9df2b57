//! What is around a served model: its Service's addresses, its HPA, its variants.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::ListParams;

use super::{Ask, Cluster, Error, convert};
use crate::facts::Hpa;
use crate::serving::access::Endpoint;
use crate::serving::{MANAGED_BY, MANAGER, REST_PORT};

/// How the Service can be reached now.
///
/// # Errors
/// It could not be read.
pub async fn endpoint(cluster: &Cluster, namespace: &str, name: &str) -> Result<Endpoint, Error> {
    let services: Api<Service> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "services", namespace, name);
    let service = cluster.ask(ask, services.get(name)).await?;
    let spec = service.spec.unwrap_or_default();
    let ingress = service
        .status
        .and_then(|status| status.load_balancer)
        .and_then(|balancer| balancer.ingress)
        .unwrap_or_default();
    Ok(Endpoint {
        namespace: namespace.to_owned(),
        service: name.to_owned(),
        service_type: spec.type_.unwrap_or_default(),
        addresses: ingress.into_iter().filter_map(|ingress| ingress.ip.or(ingress.hostname)).collect(),
        node_port: spec
            .ports
            .into_iter()
            .flatten()
            .find(|port| port.port == i32::from(REST_PORT))
            .and_then(|port| port.node_port),
    })
}

/// The names of the HPAs whose target is the Deployment.
///
/// # Errors
/// HPAs could not be listed.
pub async fn autoscalers_of(
    cluster: &Cluster,
    namespace: &str,
    deployment: &str,
) -> Result<Vec<String>, Error> {
    let autoscalers: Api<HorizontalPodAutoscaler> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::list("horizontalpodautoscalers.autoscaling", Some(namespace));
    let list = cluster.ask(ask, autoscalers.list(&ListParams::default())).await?;
    Ok(list
        .items
        .into_iter()
        .filter(|autoscaler| {
            autoscaler.spec.as_ref().is_some_and(|spec| {
                let target = &spec.scale_target_ref;
                target.kind == "Deployment" && target.name == deployment
            })
        })
        .filter_map(|autoscaler| autoscaler.metadata.name)
        .collect())
}

/// The Deployments that `up` made for NAME.
///
/// # Errors
/// Deployments could not be listed.
pub async fn variants(cluster: &Cluster, namespace: &str, app: &str) -> Result<Vec<String>, Error> {
    let deployments: Api<Deployment> = Api::namespaced(cluster.client.clone(), namespace);
    let ours = ListParams::default().labels(&format!("app={app},{MANAGED_BY}={MANAGER}"));
    let ask = Ask::list("deployments.apps", Some(namespace));
    let list = cluster.ask(ask, deployments.list(&ours)).await?;
    Ok(list.items.into_iter().filter_map(|deployment| deployment.metadata.name).collect())
}

/// Whether the Deployment exists.
///
/// # Errors
/// It could not be read.
pub async fn deployment_exists(cluster: &Cluster, namespace: &str, name: &str) -> Result<bool, Error> {
    let deployments: Api<Deployment> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "deployments.apps", namespace, name);
    Ok(cluster.ask(ask, deployments.get_opt(name)).await?.is_some())
}

/// One HPA, as facts.
///
/// # Errors
/// It does not exist, or could not be read.
pub async fn autoscaler(cluster: &Cluster, namespace: &str, name: &str) -> Result<Hpa, Error> {
    let autoscalers: Api<HorizontalPodAutoscaler> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "horizontalpodautoscalers.autoscaling", namespace, name);
    Ok(convert::hpa(&cluster.ask(ask, autoscalers.get(name)).await?))
}
