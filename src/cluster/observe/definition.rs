//! The definition of a custom resource whose scale is missing or says too little.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion,
};
use kube::Api;
use kube::api::ApiResource;

use super::fact;
use crate::cluster::{Ask, Cluster};
use crate::facts::{Definition, Fact, ScalePaths};

/// Reads the definition of a resource; a group without a dot is built into Kubernetes and has none.
pub(super) async fn read(cluster: &Cluster, resource: &ApiResource) -> Fact<Definition> {
    if !resource.group.contains('.') || resource.group.ends_with(".k8s.io") {
        return Fact::default();
    }
    let name = format!("{}.{}", resource.plural, resource.group);
    let ask = Ask::cluster_scoped("customresourcedefinitions.apiextensions.k8s.io", &name);
    let api: Api<CustomResourceDefinition> = Api::all(cluster.client.clone());
    let object = cluster.ask(ask, api.get(&name)).await;
    fact(&ask, object.map(|object| convert(&object, &resource.version)))
}

fn convert(object: &CustomResourceDefinition, version: &str) -> Definition {
    let versions = &object.spec.versions;
    let place = versions.iter().position(|entry| entry.name == version);
    let version: Option<&CustomResourceDefinitionVersion> = place.and_then(|place| versions.get(place));
    let subresources = version.and_then(|version| version.subresources.as_ref());
    Definition {
        name: object.metadata.name.clone().unwrap_or_default(),
        version_index: place.unwrap_or_default(),
        subresources: subresources.is_some(),
        status: subresources.is_some_and(|subresources| subresources.status.is_some()),
        scale: subresources
            .and_then(|subresources| subresources.scale.as_ref())
            .map(|scale| ScalePaths {
                spec_replicas: scale.spec_replicas_path.clone(),
                label_selector: scale.label_selector_path.clone(),
            }),
    }
}
