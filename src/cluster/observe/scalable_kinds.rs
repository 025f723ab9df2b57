//! The kinds that can be scaled, as the cluster's discovery tells.

use http::header::ACCEPT;
use kube::api::ApiResource;
use serde::Deserialize;

use super::target;
use crate::cluster::{Ask, Cluster, Error};

/// The discovery of every group in one answer, by releases from 1.27 on.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

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
    #[serde(default, rename = "resource")]
    plural: String,
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
pub(super) async fn read(cluster: &Cluster) -> Result<Vec<ApiResource>, Error> {
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
            let kind = resource.response_kind?.kind;
            Some(target::resource(
                &group.metadata.name,
                &version.version,
                &kind,
                &resource.plural,
            ))
        }));
    }
    Ok(kinds)
}
