//! What the plugin's commands cost, beside others that do the same, in one run.

mod explain;
mod fill;
mod load;
mod measure;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use tfserve_sandbox::{Error, Result};

/// What is measured: `explain-hpa`, unless something else is named.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    explain: explain::Arguments,
}

#[derive(Debug, clap::Subcommand)]
enum Other {
    /// Measure what a load costs the client, beside wrk, oha and Locust
    Load(load::Arguments),
}

/// Measures.
pub(crate) fn run(arguments: &Bench) -> Result<ExitCode> {
    match &arguments.other {
        Some(Other::Load(load)) => load::run(load),
        None => explain::run(&arguments.explain),
    }
}

/// The plugin that was named, or a release build.
fn plugin(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let failed = |why: String| Error::Unexpected(format!("the plugin does not build: {why}"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--release", "--package", "kubectl-tfserve"])
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(format!("`cargo build` ended with {status}")));
    }
    let myself = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let target = myself.parent().and_then(Path::parent);
    Ok(target
        .unwrap_or(Path::new("."))
        .join("release")
        .join("kubectl-tfserve"))
}
