//! Who delivers an object from a repository or a chart, from the marks that it leaves on it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::facts::Delivery;

/// `APPLICATION:GROUP/KIND:NAMESPACE/NAME` (Argo CD, tracking by annotation).
const ARGO_ID: &str = "argocd.argoproj.io/tracking-id";

/// The application's name (Argo CD, tracking by a label of its own).
const ARGO_LABEL: &str = "argocd.argoproj.io/instance";

/// The owner's kind with the labels of its name and namespace (Flux, kustomize-controller and helm-controller).
const FLUX: [(&str, &str); 2] = [
    ("Kustomization", "kustomize.toolkit.fluxcd.io"),
    ("HelmRelease", "helm.toolkit.fluxcd.io"),
];

/// What Helm writes on everything that it installs.
const HELM_RELEASE: &str = "meta.helm.sh/release-name";

/// The label that Helm writes beside it; a copy of the annotations alone is no release.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Who writes the object again; none where no mark is its own.
pub(super) fn delivered_by(metadata: &ObjectMeta) -> Option<Delivery> {
    let empty = BTreeMap::new();
    let annotations = metadata.annotations.as_ref().unwrap_or(&empty);
    let labels = metadata.labels.as_ref().unwrap_or(&empty);
    let argo = annotations
        .get(ARGO_ID)
        .and_then(|id| application(id, metadata))
        .or_else(|| labels.get(ARGO_LABEL).map(String::as_str));
    if let Some(application) = argo {
        return Some(Delivery {
            by: format!("Argo CD application {application}"),
            reconciles: true,
        });
    }
    for (kind, prefix) in FLUX {
        let label = |part: &str| labels.get(&format!("{prefix}/{part}"));
        if let Some(name) = label("name") {
            let namespace = label("namespace").map_or_else(String::new, |it| format!("{it}/"));
            return Some(Delivery {
                by: format!("Flux {kind} {namespace}{name}"),
                reconciles: true,
            });
        }
    }
    let by_helm = labels.get(MANAGED_BY).is_some_and(|by| by == "Helm");
    annotations
        .get(HELM_RELEASE)
        .filter(|_| by_helm)
        .map(|release| Delivery {
            by: format!("Helm release {release}"),
            reconciles: false,
        })
}

/// The application of an id. Annotations are copied by those who make objects from others: an id that names another object
/// is that object's.
fn application<'a>(id: &'a str, metadata: &ObjectMeta) -> Option<&'a str> {
    let (application, object) = id.split_once(':')?;
    let own = format!(
        "{}/{}",
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default()
    );
    object.ends_with(&format!(":{own}")).then_some(application)
}

#[cfg(test)]
mod tests {
    use super::delivered_by;
    use serde_json::json;

    fn by(labels: &serde_json::Value, annotations: &serde_json::Value) -> Option<(String, bool)> {
        let metadata =
            json!({"namespace": "shop", "name": "web", "labels": labels, "annotations": annotations});
        let metadata = serde_json::from_value(metadata).ok()?;
        delivered_by(&metadata).map(|it| (it.by, it.reconciles))
    }

    #[test]
    fn each_leaves_its_own_mark() {
        let none = json!({});
        let own =
            json!({"argocd.argoproj.io/tracking-id": "store:autoscaling/HorizontalPodAutoscaler:shop/web"});
        assert_eq!(
            by(&none, &own),
            Some(("Argo CD application store".to_owned(), true))
        );
        let copied = json!({"argocd.argoproj.io/tracking-id": "store:keda.sh/ScaledObject:shop/queue"});
        assert_eq!(by(&none, &copied), None);
        let flux = json!({"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
        assert_eq!(
            by(&flux, &none),
            Some(("Flux Kustomization flux-system/apps".to_owned(), true))
        );
        let helm = json!({"meta.helm.sh/release-name": "store"});
        let managed = json!({"app.kubernetes.io/managed-by": "Helm"});
        assert_eq!(
            by(&managed, &helm),
            Some(("Helm release store".to_owned(), false))
        );
        assert_eq!(by(&none, &helm), None);
    }
}
