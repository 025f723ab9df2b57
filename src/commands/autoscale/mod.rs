//! The command `autoscale`: resolve, check, write, and prove with the first valid metric.

mod plan;
mod prove;
mod resolve;
mod write;

use self::write::Written;
use super::objects::{self, Report};
use super::{metrics_server, print::print};
use crate::cli::{AutoscaleArgs, DryRun, GlobalArgs};
use crate::cluster::{Cluster, scalable};
use crate::facts::{Hpa, ObjectReference, Quantity};
use crate::serving::autoscaler::metric::{Target, of_resource};
use crate::serving::autoscaler::{Autoscaler, adapter_rule};
use crate::serving::metrics_server as metrics_server_objects;
use crate::{Error, exit};

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &AutoscaleArgs) -> Result<u8, Error> {
    let Some(asked) = args.target.as_ref().filter(|_| !args.metrics.print_adapter_rule) else {
        print(adapter_rule::RULE)?;
        return Ok(exit::OK);
    };
    let mut plan = plan::plan(args)?;
    if args.apply.dry_run == DryRun::Client {
        if let Some(plan) = &mut plan {
            plan.namespace.clone_from(&global.namespace);
            plan.target = resolve::offline(asked)?;
        }
        return print_manifests(args, plan.as_ref());
    }
    let cluster = Cluster::connect(&global.connect_options())?;
    let namespace = cluster.namespace.clone();
    let target = resolve::resolve(&cluster, &namespace, asked).await?;
    if let Some(plan) = &mut plan {
        plan.namespace = Some(namespace.clone());
        plan.name = args.name.clone().unwrap_or_else(|| target.name.clone());
        plan.target = target.clone();
    }
    let planned = planned(&cluster, plan.as_ref(), &namespace, &target).await?;
    let mut report = Report::new(&args.apply);
    if args.metrics_server.install_metrics_server
        && let Some(code) = metrics_server::install(&cluster, args, &planned, &mut report).await?
    {
        report.finish()?;
        return Ok(code);
    }
    let mut written = Written::Yes;
    let names = if let Some(plan) = &plan {
        written = write::write(&cluster, args, plan, &planned, &mut report).await?;
        vec![plan.name.clone()]
    } else {
        let existing = scalable::autoscalers_of(&cluster, &namespace, &target).await?;
        existing.into_iter().map(|hpa| hpa.name).collect()
    };
    report.finish()?;
    match written {
        Written::Refused => Ok(exit::PROBLEM),
        _ if !args.wait || args.apply.dry_run == DryRun::Server => Ok(exit::OK),
        // What is known to be impossible is not waited for.
        Written::Hopeless => Ok(exit::PROBLEM),
        Written::Yes | Written::InPart => {
            let wanted = if written == Written::Yes {
                prove::Wanted::All
            } else {
                prove::Wanted::Any
            };
            prove::prove(&cluster, wanted, args.timeout, &namespace, &names, &report).await
        }
    }
}

fn print_manifests(args: &AutoscaleArgs, autoscaler: Option<&Autoscaler>) -> Result<u8, Error> {
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

/// The HPA that the checks look at: the one to write, as if it were there; where only metrics-server is
/// asked for, the one that scales the target, else one on cpu.
async fn planned(
    cluster: &Cluster,
    autoscaler: Option<&Autoscaler>,
    namespace: &str,
    target: &ObjectReference,
) -> Result<Hpa, Error> {
    if let Some(autoscaler) = autoscaler {
        return Ok(autoscaler.facts());
    }
    let existing = scalable::autoscalers_of(cluster, namespace, target).await?;
    if let Some(hpa) = existing.into_iter().next() {
        return Ok(hpa);
    }
    let on_cpu = Autoscaler {
        namespace: Some(namespace.to_owned()),
        name: target.name.clone(),
        target: target.clone(),
        metrics: vec![of_resource(
            "cpu",
            None,
            &Target::AverageValue(Quantity::from("1")),
        )],
        min_replicas: 1,
        max_replicas: 1,
        behavior: None,
    };
    Ok(on_cpu.facts())
}
