//! `tfserve-sandbox up|down|status|demo|bench`.

mod record;
mod serve;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tfserve_sandbox::{Result, resident_memory};

use self::record::Record;

/// A real Kubernetes on loopback: etcd, API server, controllers, scheduler and metrics-server as processes.
#[derive(Debug, Parser)]
#[command(name = "tfserve-sandbox", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a cluster that outlives this command and print how to reach it
    Up(up::Arguments),
    /// End that cluster and remove its files
    Down,
    /// Show the components of that cluster
    Status,
    /// Play the whole story on a cluster of its own: deploy, autoscale, explain, repair, load
    Demo,
    /// Measure explain-hpa on a large cluster of its own, beside kubectl; or a load, beside other clients
    Bench(crate::bench::Bench),
    /// Hold a cluster until SIGTERM; what `up` starts
    #[command(hide = true)]
    Serve(up::Arguments),
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Down => down(),
        Command::Status => status(),
        Command::Demo => crate::demo::run(),
        Command::Bench(arguments) => crate::bench::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn down() -> Result<ExitCode> {
    match Record::running()? {
        None => anstream::eprintln!("no sandbox runs"),
        Some(record) => {
            record.end()?;
            anstream::eprintln!("the sandbox is gone");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn status() -> Result<ExitCode> {
    let Some(record) = Record::running()? else {
        anstream::eprintln!("no sandbox runs: start one with `tfserve-sandbox up`");
        return Ok(ExitCode::FAILURE);
    };
    anstream::println!("{:<24} {:>8} {:>9}  STATE", "COMPONENT", "PID", "MEMORY");
    for component in &record.components {
        let memory = resident_memory(component.pid);
        let text = memory.map_or_else(String::new, |bytes| format!("{} MiB", bytes / 1024 / 1024));
        let state = if memory.is_some() { "running" } else { "ended" };
        anstream::println!("{:<24} {:>8} {text:>9}  {state}", component.name, component.pid);
    }
    anstream::println!();
    anstream::println!("server      {}", record.url);
    anstream::println!("kubeconfig  {}", record.kubeconfig.display());
    anstream::println!("logs        {}", record.directory.join("logs").display());
    Ok(ExitCode::SUCCESS)
}
