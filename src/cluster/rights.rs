//! Whether whoever asks may write, as the API server's authorizer says: it answers for a namespace that does not exist too.

use futures::future::join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::apply::ask;
use super::{Ask, Cluster, apply};
use crate::serving::manifest::Manifest;

/// The verbs that a server-side apply of a new object takes.
const VERBS: [&str; 3] = ["get", "create", "patch"];

/// The rights that are missing to apply these, in the words of `kubectl auth can-i`. Nothing where nobody can be asked.
pub async fn missing(cluster: &Cluster, manifests: &[Manifest]) -> Vec<String> {
    let resources = resources(manifests);
    let all = resources
        .iter()
        .flat_map(|(resource, manifest)| VERBS.map(|verb| ask(verb, resource, manifest)));
    refused(cluster, all).await
}

/// The rights that are missing to follow and to remove a load of these.
pub async fn missing_to_end(cluster: &Cluster, manifests: &[Manifest]) -> Vec<String> {
    let namespace = manifests.first().and_then(Manifest::namespace);
    let log = Ask {
        verb: "get",
        resource: "pods/log",
        namespace,
        name: None,
    };
    let resources = resources(manifests);
    let deletes = resources
        .iter()
        .map(|(resource, manifest)| ask("delete", resource, manifest));
    refused(
        cluster,
        [Ask::list("pods", namespace), log].into_iter().chain(deletes),
    )
    .await
}

fn resources(manifests: &[Manifest]) -> Vec<(String, &Manifest)> {
    manifests
        .iter()
        .map(|manifest| (apply::resource(manifest).0, manifest))
        .collect()
}

/// Those that are not allowed; all are asked for at once.
async fn refused<'a>(cluster: &Cluster, all: impl Iterator<Item = Ask<'a>>) -> Vec<String> {
    let answers = all.map(async |asked| (may(cluster, &asked).await == Some(false)).then(|| asked.right()));
    join_all(answers).await.into_iter().flatten().collect()
}

/// Whether it is allowed; none where that cannot be asked.
async fn may(cluster: &Cluster, asked: &Ask<'_>) -> Option<bool> {
    let (resource, subresource) = match asked.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (asked.resource, None),
    };
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(group.to_owned()),
                resource: Some(plural.to_owned()),
                subresource,
                namespace: asked.namespace.map(str::to_owned),
                name: asked.name.map(str::to_owned),
                verb: Some(asked.verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let create = Ask {
        verb: "create",
        resource: "selfsubjectaccessreviews.authorization.k8s.io",
        namespace: None,
        name: None,
    };
    let answer = cluster
        .ask(create, reviews.create(&PostParams::default(), &review))
        .await
        .ok()?;
    answer.status.map(|status| status.allowed)
}
