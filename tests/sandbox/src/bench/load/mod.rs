//! Requests per second of the client's CPU, and its memory: ours beside others, against one server on loopback.
//!
//! The server counts the requests that it answered, the same for every client; the kernel counts the CPU time and the
//! memory of each client's process, from its start to its end.

mod server;
mod tools;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use tfserve_sandbox::{Error, Result};
use wait4::Wait4;

use server::Server;
use tools::Load;

/// What load, and how often.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Users, each with a connection of its own that waits for every answer
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    users: u32,
    /// How long each client runs, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How often each runs, in turn; the median is shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The plugin to measure; built with `cargo build --release` where none is given
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// One run of one client.
#[derive(Clone, Copy, Debug)]
struct Cost {
    requests_per_second: f64,
    requests_per_cpu_second: f64,
    peak_bytes: u64,
}

/// Measures all that are there.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let failed = |error: std::io::Error| Error::Unexpected(format!("cannot write a client's file: {error}"));
    let plugin = super::plugin(arguments.plugin.as_deref())?;
    let server = Server::start(tools::BODY.len())?;
    let files = tempfile::tempdir().map_err(failed)?;
    let load = Load {
        host: &server.address.to_string(),
        users: arguments.users,
        seconds: arguments.seconds,
        files: files.path(),
    };
    let mut clients = tools::all(&plugin, &load).map_err(failed)?;
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); clients.len()];
    for _ in 0..arguments.rounds.max(1) {
        for (client, costs) in clients.iter_mut().zip(&mut costs) {
            if let Ok(command) = &mut client.command {
                match measure(client.name, command, &server) {
                    Ok(cost) => costs.push(cost),
                    Err(error) => client.command = Err(error.to_string()),
                }
            }
        }
    }
    anstream::println!(
        "{} users, {} s each, {} rounds, POST of {} bytes",
        arguments.users,
        arguments.seconds,
        arguments.rounds.max(1),
        tools::BODY.len()
    );
    anstream::println!(
        "{:<22} {:>17} {:>10} {:>10}",
        "CLIENT",
        "REQ/CPU-SECOND",
        "REQ/S",
        "PEAK RSS"
    );
    for (client, costs) in clients.iter().zip(&mut costs) {
        match &client.command {
            Ok(_) => show(client.name, costs),
            Err(why) => anstream::println!("{:<22} not measured: {why}", client.name),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a client to its end.
///
/// # Errors
/// It does not start, or fails.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^53 requests")]
fn measure(name: &str, command: &mut Command, server: &Server) -> Result<Cost> {
    let unusable = |error: std::io::Error| Error::Unexpected(format!("cannot run {name}: {error}"));
    let said = tempfile::NamedTempFile::new().map_err(unusable)?;
    let (before, started) = (server.answered(), Instant::now());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(said.reopen().map_err(unusable)?)
        .stderr(said.reopen().map_err(unusable)?)
        .spawn()
        .map_err(unusable)?;
    let used = child.wait4().map_err(unusable)?;
    let seconds = started.elapsed().as_secs_f64();
    if !used.status.success() {
        let said = std::fs::read_to_string(said.path()).unwrap_or_default();
        return Err(Error::Unexpected(format!(
            "{name} ended with {}:\n{said}",
            used.status
        )));
    }
    let requests = (server.answered() - before) as f64;
    let cpu = used.rusage.utime + used.rusage.stime;
    Ok(Cost {
        requests_per_second: requests / seconds,
        requests_per_cpu_second: requests / cpu.as_secs_f64(),
        peak_bytes: used.rusage.maxrss,
    })
}

/// The round in the middle.
fn show(name: &str, costs: &mut [Cost]) {
    costs.sort_unstable_by(|left, right| {
        left.requests_per_cpu_second
            .total_cmp(&right.requests_per_cpu_second)
    });
    let Some(cost) = costs.get(costs.len() / 2) else {
        return;
    };
    anstream::println!(
        "{name:<22} {:>17.0} {:>10.0} {:>7.1} MB",
        cost.requests_per_cpu_second,
        cost.requests_per_second,
        to_megabytes(cost.peak_bytes)
    );
}

#[expect(clippy::cast_precision_loss, reason = "no process has 2^53 bytes")]
fn to_megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
