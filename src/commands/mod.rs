//! One file a verb; joins `cluster` with the pure rooms.

mod autoscale;
mod explain_hpa;
mod findings;
mod metrics_server;
mod objects;
mod progress;
mod top;
mod up;

use crate::Error;
use crate::cli::{Cli, Command};

/// Runs a parsed command line; the value is the exit code.
///
/// # Errors
/// Whatever the command could not do; [`Error::exit_code`] maps it.
pub async fn run(cli: &Cli) -> Result<u8, Error> {
    match &cli.command {
        Command::Up(args) => up::run(&cli.global, args).await,
        Command::Autoscale(args) => autoscale::run(&cli.global, args).await,
        Command::Top(args) => top::run(&cli.global, args).await,
        Command::ExplainHpa(args) => explain_hpa::run(&cli.global, args).await,
    }
}
