//! The command `up`: check, apply, wait, ask the model, tell how to call it.

mod advice;
mod check;
mod kustomize;
mod plan;
mod tree;
mod watch;
mod write;

use tokio::time::Instant;

use super::objects::{self, Report};
use crate::cli::{DryRun, GlobalArgs, UpArgs};
use crate::cluster::{Cluster, service};
use crate::output::escape;
use crate::serving::access;
use crate::serving::manifest::Manifest;
use crate::serving::manifests::{self, Serving};
use crate::{Error, exit};

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &UpArgs) -> Result<u8, Error> {
    let mut serving = plan::plan(global, args)?;
    for doubt in plan::doubts(&serving) {
        note(&doubt);
    }
    if let Some(directory) = &args.kustomize {
        kustomize::write(directory, &all(args, &serving)?)?;
        return Ok(exit::OK);
    }
    if args.apply.dry_run == DryRun::Client {
        objects::print_manifests(&args.apply, &all(args, &serving)?)?;
        return Ok(exit::OK);
    }
    let cluster = Cluster::connect(&global.connect_options())?;
    let namespace = cluster.namespace.clone();
    serving.namespace = Some(namespace.clone());
    check::decide_image_volume(&cluster, args, &mut serving).await?;
    let mut report = Report::new(&args.apply);
    let Some(deployment) = write::write(&cluster, args, &serving, &mut report).await? else {
        return Ok(exit::OK);
    };
    if args.wait {
        let wait = watch::Wait {
            cluster: &cluster,
            args,
            serving: &serving,
            report: &report,
            deadline: Instant::now() + args.timeout,
        };
        report.lines(&wait.until_it_serves(&deployment).await?)?;
    }
    let endpoint = service::endpoint(&cluster, &namespace, &serving.names.app).await?;
    let model = serving.model_names().first().copied().unwrap_or_default();
    report.lines(&access::how_to_call(&endpoint, model))?;
    Ok(exit::OK)
}

/// Everything, as it is without a cluster.
fn all(args: &UpArgs, serving: &Serving) -> Result<Vec<Manifest>, Error> {
    let mut all = Vec::new();
    if args.create_namespace {
        let namespace = serving.namespace.as_deref().ok_or_else(|| {
            Error::Usage("`--create-namespace` without a cluster needs `-n NAMESPACE`: nobody is asked which one is meant".to_owned())
        })?;
        all.push(manifests::namespace(namespace));
    }
    all.extend(serving.manifests(Some(args.replicas.unwrap_or(1))));
    Ok(all)
}

/// Talk that is no error.
fn note(text: &str) {
    anstream::eprintln!("note: {}", escape::line(text));
}
