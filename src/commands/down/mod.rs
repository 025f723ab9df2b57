//! The command `down`: lists what `up` and `autoscale` made, asks, removes it, waits until it is gone.

mod wait;

use std::io::{BufRead, IsTerminal, Write};

use crate::cli::{DownArgs, DryRun, GlobalArgs};
use crate::cluster::Cluster;
use crate::cluster::removal::{self, Found, Gone, Item, Namespace, Wanted};
use crate::output::escape;
use crate::serving::metrics_server;
use crate::serving::names::Names;
use crate::{Error, exit};

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &DownArgs) -> Result<u8, Error> {
    let names =
        Names::new(&args.name, args.variant.as_deref()).map_err(|error| Error::Usage(error.to_string()))?;
    let cluster = Cluster::connect(&global.connect_options())?;
    let wanted = Wanted {
        namespace: &cluster.namespace,
        names: &names,
        one_variant: args.variant.is_some(),
        field_manager: &args.field_manager,
    };
    let mut found = removal::find(&cluster, wanted).await?;
    let namespace = namespace(&cluster, args, &found).await?;
    for left in &found.left {
        say(&format!("stays    {}: {}", left.resource_name, left.why));
    }
    match namespace {
        Namespace::Remove(item) => found.remove.push(*item),
        Namespace::Stay(Some(why)) => say(&format!("stays    namespace/{}: {why}", cluster.namespace)),
        Namespace::Stay(None) => {}
    }
    if found.remove.is_empty() {
        say(&format!(
            "nothing that `up` or `autoscale` made for {} is left in namespace {}",
            subject(args),
            cluster.namespace
        ));
        return Ok(exit::OK);
    }
    if args.dry_run == DryRun::Client {
        for item in &found.remove {
            print(item, "deleted (dry run)")?;
        }
        return Ok(exit::OK);
    }
    if args.dry_run == DryRun::None {
        list(args, &found, &cluster.namespace);
        if !agreed(args)? {
            say("nothing was removed");
            return Ok(exit::OK);
        }
    }
    remove(&cluster, args, &found).await
}

fn subject(args: &DownArgs) -> String {
    match &args.variant {
        Some(variant) => format!("{} (variant {variant})", args.name),
        None => args.name.clone(),
    }
}

fn say(line: &str) {
    anstream::eprintln!("{}", escape::line(line));
}

fn print(item: &Item, what: &str) -> Result<(), Error> {
    writeln!(
        anstream::stdout(),
        "{} {what}",
        escape::line(&item.resource_name())
    )?;
    Ok(())
}

async fn namespace(cluster: &Cluster, args: &DownArgs, found: &Found) -> Result<Namespace, Error> {
    // Who removes one variant means the variant.
    if args.keep_namespace || args.variant.is_some() {
        return Ok(Namespace::Stay(None));
    }
    let decided = removal::namespace(cluster, &cluster.namespace, found, &args.field_manager).await?;
    Ok(decided)
}

fn list(args: &DownArgs, found: &Found, namespace: &str) {
    say(&format!(
        "to remove for {} in namespace {namespace}:",
        subject(args)
    ));
    for item in &found.remove {
        let note = match (item.going, &item.namespace) {
            (true, _) => " (on its way already)",
            (false, None) => " (`up` created it, and nothing of others is in it)",
            (false, Some(_)) => "",
        };
        say(&format!("         {}{note}", item.resource_name()));
    }
}

/// Whether somebody agrees, or did with `--yes`.
fn agreed(args: &DownArgs) -> Result<bool, Error> {
    if args.yes {
        return Ok(true);
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::Usage(
            "nothing was removed: stdin is no terminal, so nobody can be asked; add `--yes`, or look first with `--dry-run=server`".to_owned(),
        ));
    }
    let mut stderr = anstream::stderr();
    write!(stderr, "Remove them? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Asks the API server first whether it would let everything go: half a removal is worse than none.
async fn remove(cluster: &Cluster, args: &DownArgs, found: &Found) -> Result<u8, Error> {
    for item in &found.remove {
        let answer = removal::delete(cluster, item, true).await.inspect_err(|_| {
            say("nothing was removed: the API server was asked for each object first");
        })?;
        if args.dry_run == DryRun::Server {
            report(item, &answer, " (server dry run)")?;
        }
    }
    if args.dry_run == DryRun::Server {
        return Ok(exit::OK);
    }
    // The namespace is last: whoever waits sees what is in it go first.
    let (namespaces, objects): (Vec<&Item>, Vec<&Item>) =
        found.remove.iter().partition(|item| item.namespace.is_none());
    for items in [objects, namespaces] {
        let mut going = Vec::new();
        for item in items {
            let answer = removal::delete(cluster, item, false).await?;
            report(item, &answer, "")?;
            if !matches!(answer, Gone::Changed(_)) {
                going.push(item);
            }
        }
        if args.wait {
            wait::until_gone(cluster, args, going).await?;
        }
    }
    note_metrics_server(cluster, args, found).await;
    Ok(exit::OK)
}

fn report(item: &Item, answer: &Gone, suffix: &str) -> Result<(), Error> {
    match answer {
        Gone::Deleted => print(item, &format!("deleted{suffix}")),
        Gone::Already if item.going => print(item, &format!("already being deleted{suffix}")),
        Gone::Already => print(item, &format!("already gone{suffix}")),
        Gone::Changed(why) => {
            say(&format!("stays    {}: {why}", item.resource_name()));
            Ok(())
        }
    }
}

/// An HPA is gone; what `autoscale` may have installed for it is everybody's by now.
async fn note_metrics_server(cluster: &Cluster, args: &DownArgs, found: &Found) {
    let had_autoscaler = found
        .remove
        .iter()
        .any(|item| item.resource_name().starts_with("horizontalpodautoscaler"));
    if !had_autoscaler {
        return;
    }
    // Whoever may not read it has not installed it.
    if let Ok(true) = removal::is_ours(
        cluster,
        metrics_server::NAMESPACE,
        metrics_server::NAME,
        &args.field_manager,
    )
    .await
    {
        say(&format!(
            "note: {} in {}, which `autoscale --install-metrics-server` installed, stays: other HPAs and `kubectl top` may need it",
            metrics_server::NAME,
            metrics_server::NAMESPACE
        ));
    }
}
