//! What an HPA can scale: the kind that a person means, and who scales an object already.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::ListParams;

use super::observe::{preferred_version, resources};
use super::{Ask, Cluster, Error, convert};
use crate::facts::{Hpa, ObjectReference, ServedKind};

/// The kind of a group, by any name that discovery has for it: kind, plural, singular or short name. None where the
/// group has no such kind.
///
/// # Errors
/// Discovery does not answer.
pub async fn kind(cluster: &Cluster, group: &str, word: &str) -> Result<Option<ServedKind>, Error> {
    let Some(version) = preferred_version(cluster, group).await? else {
        return Ok(None);
    };
    let listed = resources(cluster, group, &version).await?;
    let word = word.to_lowercase();
    let found = listed.resources.into_iter().find(|resource| {
        let short = resource.short_names.iter().flatten().any(|name| *name == word);
        let named =
            resource.kind.to_lowercase() == word || resource.name == word || resource.singular_name == word;
        !resource.name.contains('/') && (named || short)
    });
    Ok(found.map(|resource| ServedKind {
        api_version: format!("{group}/{version}"),
        kind: resource.kind,
    }))
}

/// The HPAs that scale the object.
///
/// # Errors
/// HPAs could not be listed.
pub async fn autoscalers_of(
    cluster: &Cluster,
    namespace: &str,
    target: &ObjectReference,
) -> Result<Vec<Hpa>, Error> {
    let autoscalers: Api<HorizontalPodAutoscaler> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::list("horizontalpodautoscalers.autoscaling", Some(namespace));
    let list = cluster.ask(ask, autoscalers.list(&ListParams::default())).await?;
    let hpas = list.items.iter().map(convert::hpa);
    Ok(hpas.filter(|hpa| hpa.target.is_same(target)).collect())
}
