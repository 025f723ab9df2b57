//! Parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use kubectl_tfserve::{Error, cli::Cli, commands, exit};

fn main() -> ExitCode {
    match commands::run(&Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    let code = error.exit_code();
    if code != exit::OK {
        anstream::eprintln!("error: {}", error.printable());
    }
    ExitCode::from(code)
}
