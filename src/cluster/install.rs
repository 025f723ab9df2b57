//! What is known of metrics-server before and after it is installed.

use http::Request;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api;
use serde::Deserialize;

use super::{Ask, Cluster, Error, apply, convert};
use crate::serving::metrics_server::{API_SERVICE, NAME, NAMESPACE, manifests};

/// Who serves metrics.k8s.io.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    /// Nobody.
    No,
    /// What this program installed.
    Ours,
    /// Somebody else's; which object tells so.
    Foreign(String),
}

/// Whether metrics.k8s.io answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With the usage of this many nodes.
    Nodes(usize),
    /// Not, or with no data; what is missing.
    NotYet(String),
}

/// Looks who serves the resource metrics API.
///
/// # Errors
/// The `APIService` or the Deployment could not be read.
pub async fn installed(cluster: &Cluster, field_manager: &str) -> Result<Installed, Error> {
    let mut ours = false;
    for manifest in manifests(false) {
        if !matches!(manifest.kind(), "APIService" | "Deployment") {
            continue;
        }
        match apply::read(cluster, &manifest).await? {
            Some(live) if apply::is_ours(&live, field_manager) => ours = true,
            Some(_) => return Ok(Installed::Foreign(manifest.title())),
            None => {}
        }
    }
    Ok(if ours { Installed::Ours } else { Installed::No })
}

/// Asks the API itself: the `APIService` must be available, and at least one node measured.
///
/// # Errors
/// The API server could not be asked; a metrics API that does not answer is none.
pub async fn answer(cluster: &Cluster) -> Result<Answer, Error> {
    let services: Api<APIService> = Api::all(cluster.client.clone());
    let ask = Ask::cluster_scoped("apiservices.apiregistration.k8s.io", API_SERVICE);
    let Some(service) = cluster.ask(ask, services.get_opt(API_SERVICE)).await? else {
        return Ok(Answer::NotYet(format!("APIService {API_SERVICE}, which does not exist")));
    };
    let available = convert::api_service(&service).available;
    if let Some(condition) = available.as_ref().filter(|condition| condition.status != "True") {
        return Ok(Answer::NotYet(format!("APIService {API_SERVICE}: {}: {}", condition.reason, condition.message)));
    }
    if available.is_none() {
        return Ok(Answer::NotYet(format!("APIService {API_SERVICE}: nobody has judged it yet")));
    }
    match nodes(cluster).await {
        Ok(0) => Ok(Answer::NotYet(format!("the first data of {NAMESPACE}/{NAME}"))),
        Ok(count) => Ok(Answer::Nodes(count)),
        Err(error) if error.status().is_some_and(|status| status >= 500 || status == 404) => {
            Ok(Answer::NotYet(format!("metrics.k8s.io: {}", error.why())))
        }
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct NodeMetricsList {
    #[serde(default)]
    items: Vec<serde::de::IgnoredAny>,
}

async fn nodes(cluster: &Cluster) -> Result<usize, Error> {
    let ask = Ask::list("nodes.metrics.k8s.io", None);
    let request = async {
        let request = Request::get("/apis/metrics.k8s.io/v1beta1/nodes")
            .body(Vec::new())
            .map_err(kube::Error::HttpError)?;
        cluster.client.request::<NodeMetricsList>(request).await
    };
    Ok(cluster.ask(ask, request).await?.items.len())
}
