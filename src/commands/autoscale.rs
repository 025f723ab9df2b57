//! The command `autoscale`: resolve, check, write, and prove with the first valid metric.

use comfy_table::Table;
use tokio::time::{Duration, Instant};

use super::objects::{self, Report};
use super::progress::Progress;
use super::{findings, metrics_server};
use crate::cli::{AutoscaleArgs, DryRun, GlobalArgs};
use crate::cluster::{Cluster, apply, service};
use crate::diagnosis::Explanation;
use crate::facts::{Hpa, Quantity};
use crate::serving::autoscaler::{Autoscaler, Target};
use crate::serving::metrics_server as metrics_server_objects;
use crate::{Error, exit};

/// How often the HPA is read.
const TICK: Duration = Duration::from_secs(2);

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &AutoscaleArgs) -> Result<u8, Error> {
    let mut autoscaler = plan(global, args)?;
    if args.apply.dry_run == DryRun::Client {
        return print(args, autoscaler.as_ref());
    }
    let cluster = Cluster::connect(&global.connect_options())?;
    let namespace = cluster.namespace.clone();
    let deployment = resolve(&cluster, &namespace, &args.name).await?;
    if let Some(autoscaler) = &mut autoscaler {
        autoscaler.namespace = Some(namespace.clone());
        autoscaler.deployment.clone_from(&deployment);
    }
    let planned = planned(&cluster, autoscaler.as_ref(), &namespace, &deployment).await?;
    let mut report = Report::new(&args.apply);
    if args.metrics_server.install_metrics_server
        && let Some(code) = metrics_server::install(&cluster, args, &planned, &mut report).await?
    {
        report.finish()?;
        return Ok(code);
    }
    let mut written = Written::Yes;
    let names = if let Some(autoscaler) = &autoscaler {
        written = write(&cluster, args, autoscaler, &planned, &mut report).await?;
        vec![deployment]
    } else {
        service::autoscalers_of(&cluster, &namespace, &deployment).await?
    };
    report.finish()?;
    if written == Written::Refused {
        return Ok(exit::PROBLEM);
    }
    if !args.wait || args.apply.dry_run == DryRun::Server {
        return Ok(exit::OK);
    }
    // What is known to be impossible is not waited for.
    let patience = (written == Written::Yes).then_some(args.timeout);
    prove(&cluster, patience, &namespace, &names, &report).await
}

/// What the command line asks for; none where it only asks for metrics-server.
fn plan(global: &GlobalArgs, args: &AutoscaleArgs) -> Result<Option<Autoscaler>, Error> {
    let cpu = args.cpu.clone().or(args.cpu_percent.map(Target::Utilization));
    let metrics: Vec<(String, Target)> = [("cpu", cpu), ("memory", args.memory.clone())]
        .into_iter()
        .filter_map(|(name, target)| Some((name.to_owned(), target?)))
        .collect();
    let Some(max_replicas) = args.max.filter(|_| !metrics.is_empty()) else {
        return Ok(None);
    };
    if max_replicas < args.min {
        return Err(Error::Usage(format!(
            "`--max {max_replicas}` is less than `--min {}`",
            args.min
        )));
    }
    let scale_down_window = args.scale_down_window.map(|window| window.as_secs());
    // The API server's own bound (`pkg/apis/autoscaling/validation/validation.go`, v1.37).
    if let Some(seconds) = scale_down_window.filter(|seconds| *seconds > 3600) {
        return Err(Error::Usage(format!(
            "`--scale-down-window` is {seconds} s; the API allows at most 1h"
        )));
    }
    Ok(Some(Autoscaler {
        namespace: global.namespace.clone(),
        deployment: args.name.clone(),
        metrics,
        min_replicas: args.min,
        max_replicas,
        scale_down_window: scale_down_window.and_then(|seconds| i32::try_from(seconds).ok()),
    }))
}

fn print(args: &AutoscaleArgs, autoscaler: Option<&Autoscaler>) -> Result<u8, Error> {
    let mut all = Vec::new();
    if args.metrics_server.install_metrics_server {
        all.extend(metrics_server_objects::manifests(
            args.metrics_server.kubelet_insecure_tls,
        ));
    }
    all.extend(autoscaler.map(Autoscaler::manifest));
    objects::print_manifests(&args.apply, &all)?;
    Ok(exit::OK)
}

/// The Deployment NAME, else the only variant that `up` made for NAME.
async fn resolve(cluster: &Cluster, namespace: &str, name: &str) -> Result<String, Error> {
    if service::deployment_exists(cluster, namespace, name).await? {
        return Ok(name.to_owned());
    }
    let variants = service::variants(cluster, namespace, name).await?;
    match variants.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Error::Incomplete(format!(
            "cannot autoscale {name}: there is no Deployment {namespace}/{name}, and no variant of it that `kubectl tfserve up` made"
        ))),
        several => Err(Error::Usage(format!(
            "`{name}` has several variants; name one of them: {}",
            several.join(", ")
        ))),
    }
}

/// The HPA that the checks look at: the one to write, as if it were there; where only metrics-server is
/// asked for, the one that scales the Deployment, else one on cpu.
async fn planned(
    cluster: &Cluster,
    autoscaler: Option<&Autoscaler>,
    namespace: &str,
    deployment: &str,
) -> Result<Hpa, Error> {
    if let Some(autoscaler) = autoscaler {
        return Ok(autoscaler.facts());
    }
    let existing = service::autoscalers_of(cluster, namespace, deployment).await?;
    if let Some(name) = existing.first() {
        return Ok(service::autoscaler(cluster, namespace, name).await?);
    }
    let on_cpu = Autoscaler {
        namespace: Some(namespace.to_owned()),
        deployment: deployment.to_owned(),
        metrics: vec![("cpu".to_owned(), Target::AverageValue(Quantity::from("1")))],
        min_replicas: 1,
        max_replicas: 1,
        scale_down_window: None,
    };
    Ok(on_cpu.facts())
}

/// Whether the HPA was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// And nothing keeps it from working.
    Yes,
    /// Because of `--force`, although it cannot work yet.
    Forced,
    /// It could not work.
    Refused,
}

async fn write(
    cluster: &Cluster,
    args: &AutoscaleArgs,
    autoscaler: &Autoscaler,
    planned: &Hpa,
    report: &mut Report,
) -> Result<Written, Error> {
    let options = objects::options(&args.apply);
    let manifest = autoscaler.manifest();
    let live = apply::read(cluster, &manifest).await?;
    apply::refuse_foreign(&manifest, live.as_ref(), &options)?;
    let answer = findings::of_planned(cluster, planned).await?;
    let possible = answer.obstacles() == 0;
    if !possible && !args.force {
        answer.print()?;
        anstream::eprintln!(
            "error: {} was not written: it could not work, see above; repair that and repeat the command, or write it anyway with `--force`",
            manifest.title()
        );
        return Ok(Written::Refused);
    }
    let applied = apply::apply(cluster, &manifest, live.as_ref(), &options).await?;
    report.applied(&manifest, &applied)?;
    Ok(if possible { Written::Yes } else { Written::Forced })
}

/// Waits for the first valid metric of every HPA; where none comes, tells why.
async fn prove(
    cluster: &Cluster,
    patience: Option<Duration>,
    namespace: &str,
    names: &[String],
    report: &Report,
) -> Result<u8, Error> {
    let deadline = Instant::now() + patience.unwrap_or_default();
    let mut code = exit::OK;
    for name in names {
        let valid = wait_for_metrics(cluster, namespace, name, deadline).await?;
        let answer = findings::of_existing(cluster, namespace, name).await?;
        if valid {
            report.lines(&answer.only().map(row).unwrap_or_default())?;
        } else {
            answer.print()?;
            let why = if patience.is_some() {
                "has no valid metric within `--timeout`, see above; the same command continues"
            } else {
                "was written because of `--force` and cannot work yet, see above"
            };
            anstream::eprintln!("error: HorizontalPodAutoscaler {namespace}/{name} {why}");
            code = exit::PROBLEM;
        }
    }
    Ok(code)
}

async fn wait_for_metrics(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    deadline: Instant,
) -> Result<bool, Error> {
    let mut progress = Progress::start();
    loop {
        let hpa = service::autoscaler(cluster, namespace, name).await?;
        if has_valid_metrics(&hpa) {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        let said = hpa
            .condition("ScalingActive")
            .filter(|condition| condition.status != "True");
        progress.say(&said.map_or_else(
            || format!("the controller's first look at HorizontalPodAutoscaler {name}"),
            |condition| {
                format!(
                    "the first valid metric; the controller says: {}",
                    condition.message
                )
            },
        ));
        tokio::time::sleep(TICK).await;
    }
}

/// Whether the controller has a value for every metric of the spec as it is now: a condition alone may be
/// of an earlier spec.
fn has_valid_metrics(hpa: &Hpa) -> bool {
    let seen = match (hpa.generation, hpa.observed_generation) {
        (Some(generation), Some(observed)) => observed >= generation,
        _ => true,
    };
    let active = hpa
        .condition("ScalingActive")
        .is_some_and(|condition| condition.status == "True" && condition.reason == "ValidMetricFound");
    let aligned = hpa.metrics.len() == hpa.current_metrics.len()
        && hpa
            .metrics
            .iter()
            .zip(&hpa.current_metrics)
            .all(|(spec, status)| {
                spec.type_ == status.type_ && spec.name == status.name && status.current != <_>::default()
            });
    seen && active && aligned
}

/// As `kubectl get hpa` prints it, and why it stands there.
fn row(explanation: &Explanation) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS"]);
    table.add_row([
        explanation.name.clone(),
        format!("{}/{}", explanation.target.kind, explanation.target.name),
        explanation.targets.clone(),
        explanation.min_replicas.to_string(),
        explanation.max_replicas.to_string(),
        explanation.replicas.unwrap_or_default().to_string(),
    ]);
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 1));
    }
    table
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .chain([explanation.summary.clone()])
        .collect()
}

#[cfg(test)]
#[path = "autoscale_test.rs"]
mod tests;
