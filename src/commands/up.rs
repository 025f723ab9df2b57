//! The command `up`: apply, wait, ask the model, tell how to call it.

use serde_json::json;
use tokio::time::Instant;

use super::objects::{self, Report};
use super::progress::Progress;
use crate::cli::{DryRun, GlobalArgs, ServiceType, UpArgs};
use crate::cluster::apply::{self, Applied, ApplyOptions, LiveObject};
use crate::cluster::wait::{self, WaitError};
use crate::cluster::{Cluster, model, service};
use crate::facts::Resources;
use crate::output::escape;
use crate::serving::access;
use crate::serving::manifest::Manifest;
use crate::serving::manifests::{self, Serving};
use crate::serving::model::ModelState;
use crate::serving::names::Names;
use crate::serving::replicas::{self, Replicas};
use crate::{Error, exit};

/// Owns `spec.replicas` from the moment an HPA decides it until the HPA first changes it.
const HANDOVER_MANAGER: &str = "kubectl-tfserve-handover";

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &UpArgs) -> Result<u8, Error> {
    let mut serving = plan(global, args)?;
    if args.apply.dry_run == DryRun::Client {
        return print(args, &serving);
    }
    let cluster = Cluster::connect(&global.connect_options())?;
    let namespace = cluster.namespace.clone();
    serving.namespace = Some(namespace.clone());
    let options = objects::options(&args.apply);
    let mut report = Report::new(&args.apply);

    if !ensure_namespace(&cluster, args, &namespace, &options, &mut report).await? {
        report.finish()?;
        return Err(Error::Incomplete(format!(
            "the other objects were not checked: the API server can only answer for them when Namespace {namespace} exists"
        )));
    }
    let deployment = write(&cluster, args, &serving, &options, &mut report).await?;
    report.finish()?;
    if options.dry_run {
        return Ok(exit::OK);
    }
    if args.wait {
        let deadline = Instant::now() + args.timeout;
        let pods = wait_for_pods(&cluster, &serving, &deployment, deadline).await?;
        let state = ask_model(&cluster, &serving, &pods, deadline).await?;
        report.lines(&state)?;
    }
    let endpoint = service::endpoint(&cluster, &namespace, &serving.names.app).await?;
    report.lines(&access::how_to_call(&endpoint, &serving.model_name))?;
    Ok(exit::OK)
}

/// What the command line asks for.
fn plan(global: &GlobalArgs, args: &UpArgs) -> Result<Serving, Error> {
    let usage = |error: crate::serving::names::InvalidName| Error::Usage(error.to_string());
    let names = Names::new(&args.name, args.variant.as_deref()).map_err(usage)?;
    let of = |cpu: Option<&_>, memory: Option<&_>| {
        [("cpu", cpu), ("memory", memory)]
            .into_iter()
            .filter_map(|(name, quantity)| Some((name.to_owned(), Clone::clone(quantity?))))
            .collect()
    };
    Ok(Serving {
        namespace: global.namespace.clone(),
        names,
        model_name: args.model_name.clone().unwrap_or_else(|| args.name.clone()),
        source: args.model.clone(),
        image: args.image.clone(),
        resources: Resources {
            requests: of(Some(&args.cpu), Some(&args.memory)),
            limits: of(args.cpu_limit.as_ref(), args.memory_limit.as_ref()),
        },
        service_type: match args.service_type {
            ServiceType::ClusterIp => "ClusterIP",
            ServiceType::NodePort => "NodePort",
            ServiceType::LoadBalancer => "LoadBalancer",
        }
        .to_owned(),
    })
}

fn print(args: &UpArgs, serving: &Serving) -> Result<u8, Error> {
    let mut all = Vec::new();
    if args.create_namespace {
        let namespace = serving.namespace.as_deref().ok_or_else(|| {
            Error::Usage("`--create-namespace` with `--dry-run=client` needs `-n NAMESPACE`: no cluster is asked which one is meant".to_owned())
        })?;
        all.push(manifests::namespace(namespace));
    }
    all.extend(serving.manifests(Some(args.replicas.unwrap_or(1))));
    objects::print_manifests(&args.apply, &all)?;
    Ok(exit::OK)
}

/// Whether the namespace is there now; it is not after a server dry run that would have created it.
async fn ensure_namespace(
    cluster: &Cluster,
    args: &UpArgs,
    namespace: &str,
    options: &ApplyOptions,
    report: &mut Report,
) -> Result<bool, Error> {
    let manifest = manifests::namespace(namespace);
    match apply::read(cluster, &manifest).await {
        // An existing namespace is somebody's, whoever that is: nothing in it needs to change.
        Ok(Some(_)) => return Ok(true),
        Ok(None) => {}
        // Whoever may not read namespaces can still be allowed to write into one.
        Err(error) if error.status() == Some(403) => return Ok(true),
        Err(error) => return Err(error.into()),
    }
    if !args.create_namespace {
        return Err(Error::Incomplete(format!(
            "cannot apply into namespace {namespace}: it does not exist; add `--create-namespace`, or choose another one with `-n`"
        )));
    }
    let applied = apply::apply(cluster, &manifest, None, options).await?;
    report.applied(&manifest, &applied)?;
    Ok(!options.dry_run)
}

/// Applies everything but the namespace; the value is the Deployment. Nothing is written before it is
/// known that nothing belongs to somebody else.
async fn write(
    cluster: &Cluster,
    args: &UpArgs,
    serving: &Serving,
    options: &ApplyOptions,
    report: &mut Report,
) -> Result<Applied, Error> {
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
    let mut deployment = None;
    for (manifest, live) in serving.manifests(replicas).iter().zip(&live) {
        let applied = apply::apply(cluster, manifest, live.as_ref(), options).await?;
        report.applied(manifest, &applied)?;
        if manifest.kind() == "Deployment" {
            deployment = Some(applied);
        }
    }
    deployment.ok_or_else(|| Error::Incomplete("no Deployment was applied".to_owned()))
}

async fn decide_replicas(
    cluster: &Cluster,
    args: &UpArgs,
    serving: &Serving,
    live: Option<&LiveObject>,
    options: &ApplyOptions,
) -> Result<Option<i32>, Error> {
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
        anstream::eprintln!(
            "note: `--replicas {asked}` is not sent: HorizontalPodAutoscaler {autoscaler} decides the number",
            autoscaler = escape::line(autoscaler)
        );
    }
    match replicas::decide(known, args.replicas, autoscaler.is_some()) {
        Replicas::Send(count) => Ok(Some(count)),
        Replicas::LeaveOut => Ok(None),
        Replicas::HandOver(count) => {
            hand_over(cluster, serving, live, count, options).await?;
            Ok(None)
        }
    }
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

async fn wait_for_pods(
    cluster: &Cluster,
    serving: &Serving,
    deployment: &Applied,
    deadline: Instant,
) -> Result<Vec<String>, Error> {
    let name = &serving.names.deployment;
    let namespace = serving.namespace.as_deref().unwrap_or_default();
    let target = wait::Target {
        namespace,
        deployment: name,
        generation: deployment.generation(),
        deadline,
    };
    let mut progress = Progress::start();
    let waited = wait::rollout(cluster, target, &mut |what| progress.say(what)).await;
    drop(progress);
    waited.map_err(|error| match error {
        WaitError::Cluster(error) => error.into(),
        WaitError::Failed { why, log } => {
            for line in log.iter().flat_map(|log| log.lines()) {
                anstream::eprintln!("log: {}", escape::line(line));
            }
            Error::Incomplete(format!("Deployment {namespace}/{name} does not come up: {why}"))
        }
        WaitError::Deadline(what) => Error::Incomplete(format!(
            "Deployment {namespace}/{name} was applied and is not ready within `--timeout`; it still waits for {what}; the same command continues"
        )),
    })
}

/// Asks every pod. A pod that cannot be asked is no failure: its readiness already says that the model was
/// loaded once.
async fn ask_model(
    cluster: &Cluster,
    serving: &Serving,
    pods: &[String],
    deadline: Instant,
) -> Result<Vec<String>, Error> {
    let namespace = serving.namespace.as_deref().unwrap_or_default();
    let mut progress = Progress::start();
    let mut lines: Vec<String> = Vec::new();
    let mut available = 0;
    for pod in pods {
        progress.say(&format!("model {} in pod {pod}", serving.model_name));
        match model::until_loaded(cluster, namespace, pod, &serving.model_name, deadline).await {
            Ok(state @ ModelState::Available(_)) => {
                available += 1;
                let line = format!("model    {}: {state}", serving.model_name);
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
            Ok(state) => {
                return Err(Error::Incomplete(format!(
                    "pod {namespace}/{pod} is ready and does not serve model {}: {state}",
                    serving.model_name
                )));
            }
            Err(why) => lines.push(format!("model    state not asked in pod {pod}: {why}")),
        }
    }
    lines.push(format!(
        "pods     {} ready, {available} asked and serving",
        pods.len()
    ));
    Ok(lines)
}
