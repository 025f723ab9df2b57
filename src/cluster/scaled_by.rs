//! Which HPAs scale what stands behind a Service.

use k8s_openapi::api::core::v1::Pod as ApiPod;
use kube::api::ListParams;

use super::observe::{all_hpas, by_name};
use super::reach::{Backend, Target};
use super::{Ask, Cluster, Error, convert};
use crate::facts::{Hpa, Pod};

/// The HPAs whose workload owns a pod behind the target; by name where there is no pod.
///
/// # Errors
/// The HPAs cannot be listed.
pub async fn scaled_by(cluster: &Cluster, target: &Target) -> Result<Vec<Hpa>, Error> {
    let all = all_hpas(cluster, &target.namespace).await?;
    let pods = match &target.selector {
        // Who may not list pods still knows the name.
        Some(selector) => pods(cluster, target, selector).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(chosen(all, target, &pods))
}

/// The HPA of a name, or those that scale a workload of that name.
///
/// # Errors
/// The HPAs cannot be listed, or there is none.
pub async fn named_hpas(cluster: &Cluster, namespace: &str, name: &str) -> Result<Vec<Hpa>, Error> {
    let all = all_hpas(cluster, namespace).await?;
    by_name(&all, &[name.to_owned()], Some(namespace))
}

async fn pods(cluster: &Cluster, target: &Target, selector: &str) -> Result<Vec<Pod>, Error> {
    let api: kube::Api<ApiPod> = kube::Api::namespaced(cluster.client.clone(), &target.namespace);
    let ask = Ask::list("pods", Some(&target.namespace));
    let list = cluster
        .ask(ask, api.list(&ListParams::default().labels(selector)))
        .await?;
    Ok(list.items.iter().map(convert::pod).collect())
}

fn chosen(all: Vec<Hpa>, target: &Target, pods: &[Pod]) -> Vec<Hpa> {
    if pods.is_empty() {
        let name = match target.backend {
            Backend::Service(_) => target.name.clone(),
            Backend::Pods => format!("deployment/{}", target.name),
        };
        return by_name(&all, &[name], Some(&target.namespace)).unwrap_or_default();
    }
    all.into_iter()
        .filter(|hpa| pods.iter().any(|pod| owns(hpa, pod)))
        .collect()
}

/// Whether the HPA's target is the pod's controller, or stands above it: a `ReplicaSet` is called after what made it.
fn owns(hpa: &Hpa, pod: &Pod) -> bool {
    let Some(owner) = &pod.owner else { return false };
    let (kind, name) = (hpa.target.kind.as_str(), hpa.target.name.as_str());
    if owner.kind == kind && owner.name == name {
        return true;
    }
    owner.kind == "ReplicaSet" && owner.name.rsplit_once('-').is_some_and(|(stem, _)| stem == name)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::owns;
    use crate::facts::{Hpa, Owner, Pod};

    fn hpa(kind: &str, name: &str) -> Hpa {
        serde_json::from_value(serde_json::json!({
            "namespace": "shop", "name": "h", "maxReplicas": 3,
            "target": {"apiVersion": "apps/v1", "kind": kind, "name": name},
        }))
        .unwrap()
    }

    fn pod(kind: &str, name: &str) -> Pod {
        Pod {
            owner: Some(Owner {
                kind: kind.to_owned(),
                name: name.to_owned(),
                is_scale_target: false,
            }),
            ..Pod::default()
        }
    }

    #[test]
    fn the_owner_of_the_pods_names_the_hpa() {
        let web = pod("ReplicaSet", "web-v2-5f6d");
        assert!(owns(&hpa("Deployment", "web-v2"), &web));
        assert!(owns(&hpa("Rollout", "web-v2"), &web));
        assert!(!owns(&hpa("Deployment", "web"), &web), "another variant");
        assert!(owns(&hpa("StatefulSet", "db"), &pod("StatefulSet", "db")));
        assert!(!owns(&hpa("StatefulSet", "db"), &pod("StatefulSet", "db-2")));
        assert!(!owns(&hpa("Deployment", "web"), &Pod::default()));
    }
}
