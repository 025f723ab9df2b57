//! `explain-hpa --watch`.

use std::convert::Infallible;

use super::{as_text, exit_code, keep, print_if_any};
use crate::Error;
use crate::cli::{ExplainHpaArgs, GlobalArgs, OutputFormat};
use crate::cluster::{Cluster, Scope, Selection, by_name};
use crate::commands::connection;
use crate::commands::watching::{Patience, until_interrupted};
use crate::diagnosis::{self, Change, Explanations};
use crate::facts::{Facts, Hpa};
use crate::output::{structured, terminal_width, text};

/// Tells what was read, then what changes, until Ctrl-C; the value is the exit code of the last state.
pub(super) async fn run(
    global: &GlobalArgs,
    args: &ExplainHpaArgs,
    cluster: &Cluster,
    scope: &Scope,
    first: &Facts,
) -> Result<u8, Error> {
    let mut last = diagnosis::diagnose(first);
    until_interrupted(follow(global, args, cluster, scope, &mut last)).await?;
    Ok(exit_code(&last, args.fail_on))
}

async fn follow(
    global: &GlobalArgs,
    args: &ExplainHpaArgs,
    cluster: &Cluster,
    scope: &Scope,
    last: &mut Explanations,
) -> Result<Infallible, Error> {
    print_if_any(&match args.output {
        OutputFormat::Text => as_text(args, last),
        OutputFormat::Json => structured::json_line(last)?,
        OutputFormat::Yaml => document(last)?,
    })?;
    let mut patience = Patience::new(args.interval);
    loop {
        tokio::time::sleep(args.interval).await;
        if let Some(facts) = patience.hear(read(global, cluster, scope).await)? {
            let now = diagnosis::diagnose(&facts);
            print_if_any(&render(args.output, &diagnosis::changes(last, &now), &now)?)?;
            *last = now;
        }
    }
}

/// Reads again. A name that finds nothing any more is no error here: what the other names find is left.
async fn read(global: &GlobalArgs, cluster: &Cluster, scope: &Scope) -> Result<Facts, Error> {
    match (connection::read(global, cluster, scope).await, &scope.selection) {
        (Err(Error::Cluster(error)), Selection::Names(names)) if error.is_not_found() => {
            let everything = Scope {
                namespace: scope.namespace.clone(),
                selection: Selection::All,
                usage: scope.usage,
            };
            let mut facts = connection::read(global, cluster, &everything).await?;
            let all: Vec<Hpa> = facts.hpas.iter().map(|it| it.hpa.clone()).collect();
            let found = |name: &String| by_name(&all, std::slice::from_ref(name), None).unwrap_or_default();
            let left: Vec<Hpa> = names.iter().flat_map(found).collect();
            keep(&mut facts, &left);
            Ok(facts)
        }
        (answer, _) => answer,
    }
}

fn render(format: OutputFormat, changes: &[Change<'_>], now: &Explanations) -> Result<String, Error> {
    Ok(match format {
        OutputFormat::Text => text::changes(changes, now, terminal_width()),
        OutputFormat::Json => changes
            .iter()
            .map(structured::json_line)
            .collect::<Result<_, _>>()?,
        OutputFormat::Yaml => changes.iter().map(document).collect::<Result<_, _>>()?,
    })
}

/// One document of a stream.
fn document<T: serde::Serialize>(value: &T) -> Result<String, std::io::Error> {
    Ok(format!("---\n{}", structured::yaml(value)?))
}
