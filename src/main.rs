//! Parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use kubectl_tfserve::{Error, cli::Cli, commands, exit};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Error::Output(error)),
    };
    match runtime.block_on(commands::run(&cli)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    let code = error.exit_code();
    if code != exit::OK {
        anstream::eprintln!("error: {error}");
    }
    ExitCode::from(code)
}
