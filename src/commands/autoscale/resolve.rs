//! The object that is meant.

use crate::Error;
use crate::cluster::{Cluster, scalable, service};
use crate::facts::ObjectReference;
use crate::serving::autoscaler::reference::Reference;

/// What can be said without a cluster: a bare NAME is a Deployment.
pub(super) fn offline(asked: &Reference) -> Result<ObjectReference, Error> {
    match asked {
        Reference::Name(name) => Ok(deployment(name)),
        Reference::Complete(reference) => Ok(reference.clone()),
        Reference::OfGroup { kind, group, name } => Err(Error::Usage(format!(
            "`{kind}.{group}/{name}` with `--dry-run=client`: no cluster is asked for the version and the spelling of the kind; write Kind.VERSION.{group}/{name}, or use `--dry-run=server`"
        ))),
    }
}

/// What the cluster has: a bare NAME is a Deployment, else the only variant that `up` made for NAME. Whether an object
/// of a named kind exists is asked by the checks.
pub(super) async fn resolve(
    cluster: &Cluster,
    namespace: &str,
    asked: &Reference,
) -> Result<ObjectReference, Error> {
    match asked {
        Reference::Complete(reference) => Ok(reference.clone()),
        Reference::Name(name) => Ok(deployment(&by_name(cluster, namespace, name).await?)),
        Reference::OfGroup { kind, group, name } => {
            let served = scalable::kind(cluster, group, kind).await?.ok_or_else(|| {
                Error::Incomplete(format!(
                    "cannot autoscale {kind}.{group}/{name}: the cluster serves no kind {kind} in group {group}; `kubectl api-resources --api-group={group}` lists what it serves"
                ))
            })?;
            Ok(ObjectReference {
                api_version: served.api_version,
                kind: served.kind,
                name: name.clone(),
            })
        }
    }
}

async fn by_name(cluster: &Cluster, namespace: &str, name: &str) -> Result<String, Error> {
    if service::deployment_exists(cluster, namespace, name).await? {
        return Ok(name.to_owned());
    }
    let variants = service::variants(cluster, namespace, name).await?;
    match variants.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Error::Incomplete(format!(
            "cannot autoscale {name}: there is no Deployment {namespace}/{name}, and no variant of it that `kubectl tfserve up` made; write KIND/NAME for another kind, for example `statefulset/{name}`"
        ))),
        several => Err(Error::Usage(format!(
            "`{name}` has several variants; name one of them: {}",
            several.join(", ")
        ))),
    }
}

fn deployment(name: &str) -> ObjectReference {
    ObjectReference {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        name: name.to_owned(),
    }
}
