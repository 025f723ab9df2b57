//! The command `explain-hpa`.

mod watch;

use std::path::Path;

use crate::cli::{ExplainHpaArgs, FailOn, GlobalArgs, OutputFormat};
use crate::cluster::{Cluster, by_name};
use crate::commands::print::{print, print_json};
use crate::commands::{connection, facts_file};
use crate::diagnosis::{self, Explanations, RULES, Severity};
use crate::facts::{Facts, Hpa};
use crate::output::{structured, terminal_width, text};
use crate::{Error, exit};

/// What needs no cluster: a rule's text, or facts that were saved. None where a cluster is asked for.
pub(super) fn run_offline(global: &GlobalArgs, args: &ExplainHpaArgs) -> Option<Result<u8, Error>> {
    if let Some(code) = &args.code {
        return Some(explain_code(code));
    }
    if args.facts.is_empty() {
        return None;
    }
    let named = |mut facts: Facts| {
        select(&mut facts, global.namespace.as_deref(), &args.names)?;
        explain(args, facts)
    };
    Some(facts_file::read(&args.facts).and_then(named))
}

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &ExplainHpaArgs) -> Result<u8, Error> {
    let cluster = Cluster::connect(&global.connect_options())?;
    let scope = connection::scope(&cluster, &args.names, args.all_namespaces, args.selector.as_ref());
    let facts = connection::read(global, &cluster, &scope).await?;
    connection::tell_if_empty(&facts, &scope);
    if args.watch {
        return watch::run(global, args, &cluster, &scope, &facts).await;
    }
    match &args.save_facts {
        Some(path) if path == Path::new("-") => {
            facts_file::write(path, &facts)?;
            Ok(exit_code(&diagnosis::diagnose(&facts), args.fail_on))
        }
        Some(path) => {
            facts_file::write(path, &facts)?;
            explain(args, facts)
        }
        None => explain(args, facts),
    }
}

/// Keeps the HPAs of a namespace and of names, where some are given.
fn select(facts: &mut Facts, namespace: Option<&str>, names: &[String]) -> Result<(), Error> {
    if let Some(namespace) = namespace {
        facts.hpas.retain(|it| it.hpa.namespace == namespace);
    }
    if names.is_empty() {
        return Ok(());
    }
    let all: Vec<Hpa> = facts.hpas.iter().map(|it| it.hpa.clone()).collect();
    let chosen = by_name(&all, names, namespace).map_err(|error| Error::Usage(error.to_string()))?;
    keep(facts, &chosen);
    Ok(())
}

fn keep(facts: &mut Facts, chosen: &[Hpa]) {
    facts.hpas.retain(|it| {
        let same = |hpa: &Hpa| hpa.namespace == it.hpa.namespace && hpa.name == it.hpa.name;
        chosen.iter().any(same)
    });
}

/// Adds what would be under the assumptions of the command line.
fn assume(args: &ExplainHpaArgs, facts: &Facts, explanations: &mut Explanations) -> Result<(), Error> {
    if let [_, _, ..] = facts.hpas.as_slice() {
        let names: Vec<String> = facts
            .hpas
            .iter()
            .take(5)
            .map(|it| format!("{}/{}", it.hpa.namespace, it.hpa.name))
            .collect();
        return Err(Error::Usage(format!(
            "--what-if asks about one HPA, and there are {}, {} among them; name one",
            facts.hpas.len(),
            names.join(", ")
        )));
    }
    diagnosis::assume(explanations, facts, &args.what_if)
        .map_err(|why| Error::Usage(format!("cannot answer --what-if: {why}")))
}

fn explain(args: &ExplainHpaArgs, facts: Facts) -> Result<u8, Error> {
    let explanations = if args.what_if.is_empty() {
        diagnosis::diagnose_and_drop(facts)
    } else {
        let mut explanations = diagnosis::diagnose(&facts);
        assume(args, &facts, &mut explanations)?;
        explanations
    };
    match args.output {
        OutputFormat::Text => print_if_any(&as_text(args, &explanations))?,
        OutputFormat::Json => print_json(&explanations)?,
        OutputFormat::Yaml => print(&structured::yaml(&explanations)?)?,
    }
    Ok(exit_code(&explanations, args.fail_on))
}

fn as_text(args: &ExplainHpaArgs, explanations: &Explanations) -> String {
    if args.what_if.is_empty() {
        text::explanations(explanations, terminal_width())
    } else {
        text::what_if(explanations, terminal_width())
    }
}

/// Nothing is written where nothing is to be said.
fn print_if_any(text: &str) -> Result<(), Error> {
    if text.is_empty() { Ok(()) } else { print(text) }
}

fn exit_code(explanations: &Explanations, fail_on: FailOn) -> u8 {
    let threshold = match fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Never => return exit::OK,
    };
    let mut findings = explanations.items.iter().flat_map(|item| &item.findings);
    if findings.any(|finding| finding.severity >= threshold) {
        exit::PROBLEM
    } else {
        exit::OK
    }
}

fn explain_code(code: &str) -> Result<u8, Error> {
    let rule = diagnosis::find(code).ok_or_else(|| {
        let known: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
        Error::Usage(format!(
            "there is no code `{code}`; the codes are {}",
            known.join(", ")
        ))
    })?;
    print(&rule.documentation())?;
    Ok(exit::OK)
}
