//! One file a verb; joins `cluster` with the pure rooms.

mod autoscale;
mod completion;
mod connection;
mod diff;
mod down;
mod explain_hpa;
mod facts_file;
mod findings;
mod help;
mod load;
mod metrics_server;
mod objects;
mod patience;
mod predict;
mod print;
mod progress;
mod served;
mod top;
mod up;
mod version;
mod watching;

use crate::Error;
use crate::cli::{Cli, Command};

/// Runs a parsed command line; the value is the exit code. Only what asks a cluster starts a runtime.
///
/// # Errors
/// Whatever the command could not do; [`Error::exit_code`] maps it.
pub fn run(cli: &Cli) -> Result<u8, Error> {
    if cli.version {
        return version::run(cli.output);
    }
    let Some(command) = &cli.command else {
        return Err(Error::Usage(
            "no command is named; `kubectl tfserve --help` lists them".to_owned(),
        ));
    };
    match command {
        Command::ExplainHpa(args) => match explain_hpa::run_offline(&cli.global, args) {
            Some(result) => result,
            None => runtime()?.block_on(explain_hpa::run(&cli.global, args)),
        },
        Command::Up(args) => runtime()?.block_on(up::run(&cli.global, args)),
        Command::Autoscale(args) => runtime()?.block_on(autoscale::run(&cli.global, args)),
        Command::Load(args) => runtime()?.block_on(load::run(&cli.global, args)),
        Command::Predict(args) => runtime()?.block_on(predict::run(&cli.global, args)),
        Command::Down(args) => runtime()?.block_on(down::run(&cli.global, args)),
        Command::Completion(args) => completion::run(args),
        Command::Help(args) => help::run(args),
        Command::Complete(args) => {
            print::print(&completion::answer(&args.words))?;
            Ok(crate::exit::OK)
        }
        Command::Top(args) => runtime()?.block_on(top::run(&cli.global, args)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // Pages are parsed there: more threads would only hold more memory at a time.
        .max_blocking_threads(1)
        .enable_all()
        .build()?)
}
