//! The command `explain-hpa`.

use std::path::Path;

use super::print::print;
use super::{connection, facts_file};
use crate::cli::{ExplainHpaArgs, FailOn, GlobalArgs, OutputFormat};
use crate::cluster::Cluster;
use crate::diagnosis::{self, Explanations, RULES, Severity};
use crate::facts::Facts;
use crate::output::{structured, terminal_width, text};
use crate::{Error, exit};

/// What needs no cluster: a rule's text, or facts that were saved. None where a cluster is asked for.
pub(super) fn run_offline(args: &ExplainHpaArgs) -> Option<Result<u8, Error>> {
    if let Some(code) = &args.code {
        return Some(explain_code(code));
    }
    let path = args.facts.as_ref()?;
    Some(facts_file::read(path).and_then(|facts| explain(args, &facts)))
}

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &ExplainHpaArgs) -> Result<u8, Error> {
    let cluster = Cluster::connect(&global.connect_options())?;
    let scope = connection::scope(&cluster, &args.names, args.all_namespaces, args.selector.as_ref());
    let facts = connection::read(global, &cluster, &scope).await?;
    connection::tell_if_empty(&facts, &scope);
    match &args.save_facts {
        Some(path) if path == Path::new("-") => {
            facts_file::write(path, &facts)?;
            Ok(exit_code(&diagnosis::diagnose(&facts), args.fail_on))
        }
        Some(path) => {
            facts_file::write(path, &facts)?;
            explain(args, &facts)
        }
        None => explain(args, &facts),
    }
}

fn explain(args: &ExplainHpaArgs, facts: &Facts) -> Result<u8, Error> {
    let explanations = diagnosis::diagnose(facts);
    let output = match args.output {
        OutputFormat::Text => text::explanations(&explanations, terminal_width()),
        OutputFormat::Json => structured::json(&explanations)?,
        OutputFormat::Yaml => structured::yaml(&explanations)?,
    };
    if !output.is_empty() {
        print(&output)?;
    }
    Ok(exit_code(&explanations, args.fail_on))
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
