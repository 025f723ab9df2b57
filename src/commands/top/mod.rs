//! The command `top`.

mod report;
mod screen;
mod table;

use std::convert::Infallible;
use std::io::IsTerminal;

use super::connection;
use super::print::print;
use super::watching::{Patience, until_interrupted};
use crate::cli::{GlobalArgs, OutputFormat, TopArgs};
use crate::cluster::{self, Cluster, Scope, observe_deployment};
use crate::facts::Fact;
use crate::output::structured;
use crate::{Error, exit};
use report::Report;

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &TopArgs) -> Result<u8, Error> {
    let cluster = Cluster::connect(&global.connect_options())?;
    if args.output == OutputFormat::Text && !args.once && is_terminal() {
        return screen::run(global, args, &cluster).await;
    }
    print(&frame(global, args, &cluster).await?)?;
    if !args.watch {
        return Ok(exit::OK);
    }
    until_interrupted(refresh(global, args, &cluster)).await?;
    Ok(exit::OK)
}

/// Whether somebody looks, and can type.
fn is_terminal() -> bool {
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// Shows again and again.
async fn refresh(global: &GlobalArgs, args: &TopArgs, cluster: &Cluster) -> Result<Infallible, Error> {
    let before = match args.output {
        OutputFormat::Text => "\n",
        OutputFormat::Json => "",
        OutputFormat::Yaml => "---\n",
    };
    let mut patience = Patience::new(args.interval);
    loop {
        tokio::time::sleep(args.interval).await;
        if let Some(text) = patience.hear(frame(global, args, cluster).await)? {
            print(&format!("{before}{text}"))?;
        }
    }
}

/// One reading of the cluster, as text.
async fn frame(global: &GlobalArgs, args: &TopArgs, cluster: &Cluster) -> Result<String, Error> {
    let report = read(global, args, cluster).await?;
    Ok(match args.output {
        OutputFormat::Text => table::render(&report),
        OutputFormat::Json => structured::json(&report)?,
        OutputFormat::Yaml => structured::yaml(&report)?,
    })
}

async fn read(global: &GlobalArgs, args: &TopArgs, cluster: &Cluster) -> Result<Report, Error> {
    let scope = Scope {
        usage: true,
        ..connection::scope(cluster, &args.names, args.all_namespaces, args.selector.as_ref())
    };
    match connection::read(global, cluster, &scope).await {
        Ok(facts) => {
            connection::tell_if_empty(&facts, &scope);
            Ok(Report::of_hpas(&facts))
        }
        Err(Error::Cluster(error)) if error.is_not_found() => match args.names.as_slice() {
            [name] => read_unscaled(cluster, name, error).await,
            _ => Err(error.into()),
        },
        Err(error) => Err(error),
    }
}

/// A Deployment that no HPA scales, where its name was given; else the reason why there is no HPA.
async fn read_unscaled(cluster: &Cluster, name: &str, missing: cluster::Error) -> Result<Report, Error> {
    let name = name
        .strip_prefix("deployment/")
        .or(name.strip_prefix("deploy/"))
        .unwrap_or(name);
    let workload = observe_deployment(cluster, &cluster.namespace, name).await?;
    match &workload.target {
        Fact::Known(_) => Ok(Report::of_workload(&cluster.namespace, &workload)),
        Fact::Absent | Fact::NotReadable(_) => Err(missing.into()),
    }
}
