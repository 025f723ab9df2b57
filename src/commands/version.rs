//! `--version`.

use serde::Serialize;

use super::print::{print, print_json};
use crate::Error;
use crate::cli::OutputFormat;
use crate::exit;
use crate::output::structured;

/// What the binary is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Build {
    api_version: &'static str,
    kind: &'static str,
    version: &'static str,
    /// `unknown` where it was not built from a checkout, and in a debug build.
    commit: &'static str,
    /// The platform that it was built for, as Rust names it.
    target: &'static str,
}

const BUILD: Build = Build {
    api_version: "tfserve.dev/v1",
    kind: "Version",
    version: env!("CARGO_PKG_VERSION"),
    commit: env!("TFSERVE_COMMIT"),
    target: env!("TFSERVE_TARGET"),
};

/// Prints the version.
pub(super) fn run(output: OutputFormat) -> Result<u8, Error> {
    match output {
        OutputFormat::Text => print(&format!(
            "kubectl-tfserve {} (commit {}, {})",
            BUILD.version, BUILD.commit, BUILD.target
        ))?,
        OutputFormat::Json => print_json(&BUILD)?,
        OutputFormat::Yaml => print(&structured::yaml(&BUILD)?)?,
    }
    Ok(exit::OK)
}
