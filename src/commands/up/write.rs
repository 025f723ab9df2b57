//! Applies the objects, after everything that could refuse them was asked.

use serde_json::json;

use super::{check, note};
use crate::Error;
use crate::cli::UpArgs;
use crate::cluster::apply::{self, Applied, ApplyOptions, LiveObject};
use crate::cluster::{Cluster, rights, service};
use crate::commands::objects::{self, Report};
use crate::serving::manifest::Manifest;
use crate::serving::manifests::{self, Serving};
use crate::serving::replicas::{self, Replicas};

/// Owns `spec.replicas` from the moment an HPA decides it until the HPA first changes it.
const HANDOVER_MANAGER: &str = "kubectl-tfserve-handover";

/// Applies everything; the value is the Deployment, and nothing after a dry run.
pub(super) async fn write(
    cluster: &Cluster,
    args: &UpArgs,
    serving: &Serving,
    report: &mut Report,
) -> Result<Option<Applied>, Error> {
    let options = objects::options(&args.apply);
    let namespace = &cluster.namespace;
    let exists = namespace_exists(cluster, namespace).await?;
    if !exists && !args.create_namespace {
        return Err(Error::Incomplete(format!(
            "cannot apply into namespace {namespace}: it does not exist; add `--create-namespace`, or choose another one with `-n`"
        )));
    }
    check::check(cluster, args, serving).await?;
    if !exists {
        make_namespace(cluster, serving, &options, report).await?;
    }
    let written = write_objects(cluster, args, serving, &options, report).await;
    let deployment = written.map_err(|error| {
        if exists {
            error
        } else {
            in_a_new_namespace(error, serving)
        }
    })?;
    report.finish()?;
    Ok(deployment.filter(|_| !options.dry_run))
}

async fn namespace_exists(cluster: &Cluster, namespace: &str) -> Result<bool, Error> {
    match apply::read(cluster, &manifests::namespace(namespace)).await {
        // An existing namespace is somebody's, whoever that is: nothing in it needs to change.
        Ok(found) => Ok(found.is_some()),
        // Whoever may not read namespaces can still be allowed to write into one.
        Err(error) if error.status() == Some(403) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Makes the namespace, after everything was asked that can be asked without it. The API server judges no object of a
/// namespace that does not exist, not even by a dry run, but it knows who may write there.
async fn make_namespace(
    cluster: &Cluster,
    serving: &Serving,
    options: &ApplyOptions,
    report: &mut Report,
) -> Result<(), Error> {
    let namespace = cluster.namespace.as_str();
    let manifest = manifests::namespace(namespace);
    let rehearsal = ApplyOptions {
        dry_run: true,
        ..options.clone()
    };
    let applied = apply::apply(cluster, &manifest, None, &rehearsal).await?;
    let missing = rights::missing(cluster, &serving.manifests(None)).await;
    if let Some(right) = missing.first() {
        return Err(Error::Incomplete(format!(
            "nothing was written: the API server would let you make Namespace {namespace} and not what belongs into it; ask for the right, and check it with `kubectl auth can-i {right}`"
        )));
    }
    if options.dry_run {
        report.applied(&manifest, &applied)?;
        report.finish()?;
        return Err(Error::Incomplete(format!(
            "the other objects were not checked: the API server can only answer for them when Namespace {namespace} exists"
        )));
    }
    let applied = apply::apply(cluster, &manifest, None, options).await?;
    report.applied(&manifest, &applied)
}

/// What is left of a run that made the namespace and was then refused.
fn in_a_new_namespace(error: Error, serving: &Serving) -> Error {
    match error {
        Error::Cluster(_) | Error::Incomplete(_) => {
            let namespace = serving.namespace.as_deref().unwrap_or_default();
            Error::Incomplete(format!(
                "{error}; Namespace {namespace} was made before the API server could judge that: the same command goes on in it, and `kubectl tfserve down {} -n {namespace}` removes it",
                serving.names.app
            ))
        }
        other => other,
    }
}

/// Applies everything but the namespace. Nothing is written before the API server has said of each object
/// that it would take it, and before it is known that none belongs to somebody else.
async fn write_objects(
    cluster: &Cluster,
    args: &UpArgs,
    serving: &Serving,
    options: &ApplyOptions,
    report: &mut Report,
) -> Result<Option<Applied>, Error> {
    let planned = serving.manifests(None);
    let mut live = Vec::new();
    for manifest in &planned {
        let found = apply::read(cluster, manifest).await?;
        apply::refuse_foreign(manifest, found.as_ref(), options)?;
        live.push(found);
    }
    let existing = planned
        .iter()
        .zip(&live)
        .find(|(manifest, _)| manifest.kind() == "Deployment")
        .and_then(|(_, live)| live.as_ref());
    let replicas = decide_replicas(cluster, args, serving, existing, options).await?;
    let sent = match replicas {
        Replicas::Send(count) => Some(count),
        Replicas::LeaveOut | Replicas::HandOver(_) => None,
    };
    let manifests = serving.manifests(sent);
    rehearse(cluster, serving, &manifests, &live, options).await?;
    if let Replicas::HandOver(count) = replicas {
        hand_over(cluster, serving, existing, count, options).await?;
    }
    let mut deployment = None;
    for (manifest, live) in manifests.iter().zip(&live) {
        let applied = apply::apply(cluster, manifest, live.as_ref(), options).await?;
        report.applied(manifest, &applied)?;
        if manifest.kind() == "Deployment" {
            deployment = Some(applied);
        }
    }
    Ok(deployment)
}

/// Lets the API server judge every object: a conflict, or a policy, over one of them leaves all unwritten.
async fn rehearse(
    cluster: &Cluster,
    serving: &Serving,
    manifests: &[Manifest],
    live: &[Option<LiveObject>],
    options: &ApplyOptions,
) -> Result<(), Error> {
    if options.dry_run {
        return Ok(());
    }
    let rehearsal = ApplyOptions {
        dry_run: true,
        ..options.clone()
    };
    for (manifest, live) in manifests.iter().zip(live) {
        match apply::apply(cluster, manifest, live.as_ref(), &rehearsal).await {
            Ok(_) => {}
            Err(error) if serving.image_volume && error.status() == Some(422) => {
                return Err(Error::Incomplete(format!(
                    "{error}; where this is about volumes, the cluster does not mount images (feature gate ImageVolume): `--image-volume=false` runs the image itself as the server"
                )));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn decide_replicas(
    cluster: &Cluster,
    args: &UpArgs,
    serving: &Serving,
    live: Option<&LiveObject>,
    options: &ApplyOptions,
) -> Result<Replicas, Error> {
    let namespace = serving.namespace.as_deref().unwrap_or_default();
    let autoscaler = match service::autoscalers_of(cluster, namespace, &serving.names.deployment).await {
        Ok(names) => names.into_iter().next(),
        // Without the right to see HPAs the field's owner still protects it: the apply would conflict.
        Err(error) if error.status() == Some(403) => None,
        Err(error) => return Err(error.into()),
    };
    let known = live.map(|live| replicas::Live {
        replicas: live
            .data
            .pointer("/spec/replicas")
            .and_then(serde_json::Value::as_i64)
            .and_then(|count| i32::try_from(count).ok())
            .unwrap_or(1),
        owned: apply::owns_field(live, &options.field_manager, &["f:spec", "f:replicas"]),
    });
    if let (Some(asked), Some(autoscaler), Some(_)) = (args.replicas, &autoscaler, live) {
        note(&format!(
            "`--replicas {asked}` is not sent: HorizontalPodAutoscaler {autoscaler} decides the number"
        ));
    }
    Ok(replicas::decide(known, args.replicas, autoscaler.is_some()))
}

async fn hand_over(
    cluster: &Cluster,
    serving: &Serving,
    live: Option<&LiveObject>,
    count: i32,
    options: &ApplyOptions,
) -> Result<(), Error> {
    let manifest = Manifest::new(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": serving.names.deployment, "namespace": serving.namespace},
        "spec": {"replicas": count},
    }));
    let options = ApplyOptions {
        field_manager: HANDOVER_MANAGER.to_owned(),
        ..options.clone()
    };
    apply::apply(cluster, &manifest, live, &options).await?;
    Ok(())
}
