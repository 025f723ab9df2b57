//! What the cluster has to have before anything is written.

use super::note;
use crate::Error;
use crate::cli::UpArgs;
use crate::cluster::prerequisites::{self, Claim};
use crate::cluster::{self, Cluster};
use crate::serving::manifests::Serving;
use crate::serving::source::ModelSource;

/// The release that mounts images as volumes unless its gate is turned off
/// (`pkg/features/kube_features.go`, `ImageVolume`, v1.35).
const IMAGE_VOLUMES_SINCE: u32 = 35;

/// Decides what only the cluster can tell: whether an image is mounted as a volume.
pub(super) async fn decide_image_volume(
    cluster: &Cluster,
    args: &UpArgs,
    serving: &mut Serving,
) -> Result<(), Error> {
    if !matches!(serving.source, Some(ModelSource::Image { .. })) || args.pod.image_volume.is_some() {
        return Ok(());
    }
    serving.image_volume = prerequisites::minor_version(cluster).await? >= IMAGE_VOLUMES_SINCE;
    Ok(())
}

/// Checks. What may not be read is said and does not stop anything: the pods will tell.
pub(super) async fn check(cluster: &Cluster, args: &UpArgs, serving: &Serving) -> Result<(), Error> {
    let namespace = cluster.namespace.as_str();
    match &serving.source {
        Some(ModelSource::Claim { name, .. }) => {
            if let Some(found) = readable(prerequisites::claim(cluster, namespace, name).await)? {
                judge_claim(namespace, name, &found, args.replicas.unwrap_or(1))?;
            }
        }
        Some(source @ ModelSource::HostPath(path))
            if readable(prerequisites::several_nodes(cluster).await)? == Some(true) =>
        {
            note(&format!(
                "`--model {source}` is a directory of one node, and the cluster has several: a pod on a node without the model in {path} never becomes ready"
            ));
        }
        _ => {}
    }
    if let Some(secret) = &serving.staging.secret
        && readable(prerequisites::secret_exists(cluster, namespace, secret).await)? == Some(false)
    {
        return Err(Error::Incomplete(format!(
            "cannot copy the model: Secret {namespace}/{secret} does not exist; make it: `kubectl create secret generic {secret} -n {namespace} --from-literal=AWS_ACCESS_KEY_ID=… --from-literal=AWS_SECRET_ACCESS_KEY=…`"
        )));
    }
    if let Some(account) = &serving.service_account
        && readable(prerequisites::account_exists(cluster, namespace, account).await)? == Some(false)
    {
        return Err(Error::Incomplete(format!(
            "cannot run pods as ServiceAccount {namespace}/{account}: it does not exist"
        )));
    }
    Ok(())
}

/// Nothing where it may not be read.
fn readable<T>(answer: Result<T, cluster::Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.status() == Some(403) => {
            note(&format!("not checked beforehand: {error}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn judge_claim(namespace: &str, name: &str, claim: &Claim, replicas: i32) -> Result<(), Error> {
    let refuse = |why: String| {
        Err(Error::Incomplete(format!(
            "cannot serve from PersistentVolumeClaim {namespace}/{name}: {why}"
        )))
    };
    match claim {
        Claim::Missing(others) if others.is_empty() => {
            refuse("it does not exist, and the namespace has no other".to_owned())
        }
        Claim::Missing(others) => refuse(format!(
            "it does not exist; the namespace has {}",
            others.join(", ")
        )),
        Claim::Unusable { phase, class } => {
            let class = class.as_deref().filter(|class| !class.is_empty());
            let class = class.map_or_else(
                || "no StorageClass".to_owned(),
                |class| format!("StorageClass {class}"),
            );
            refuse(format!(
                "it has no volume (phase {phase}, {class}), so no pod that uses it is scheduled; see why with `kubectl describe pvc {name} -n {namespace}`"
            ))
        }
        Claim::Usable { shared: false } if replicas > 1 => {
            note(&format!(
                "PersistentVolumeClaim {namespace}/{name} is for one node at a time: all {replicas} pods have to fit on one"
            ));
            Ok(())
        }
        Claim::Usable { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_cannot_be_used_is_refused() {
        let refuse = |claim: Claim| {
            judge_claim("shop", "models", &claim, 1)
                .map_or_else(|error| error.to_string(), |()| String::new())
        };
        insta::assert_snapshot!(refuse(Claim::Missing(Vec::new())), @"cannot serve from PersistentVolumeClaim shop/models: it does not exist, and the namespace has no other");
        insta::assert_snapshot!(refuse(Claim::Missing(vec!["a".to_owned(), "b".to_owned()])), @"cannot serve from PersistentVolumeClaim shop/models: it does not exist; the namespace has a, b");
        let unusable = |phase: &str, class: Option<&str>| Claim::Unusable {
            phase: phase.to_owned(),
            class: class.map(str::to_owned),
        };
        insta::assert_snapshot!(refuse(unusable("Pending", Some("fast"))), @"cannot serve from PersistentVolumeClaim shop/models: it has no volume (phase Pending, StorageClass fast), so no pod that uses it is scheduled; see why with `kubectl describe pvc models -n shop`");
        insta::assert_snapshot!(refuse(unusable("Lost", None)), @"cannot serve from PersistentVolumeClaim shop/models: it has no volume (phase Lost, no StorageClass), so no pod that uses it is scheduled; see why with `kubectl describe pvc models -n shop`");
        assert_eq!(refuse(Claim::Usable { shared: false }), "");
    }
}
