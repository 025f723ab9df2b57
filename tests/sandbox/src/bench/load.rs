//! What a request costs the machine that sends it: ours, wrk, oha and Locust on the same server, in turns.
//!
//! The server counts the requests, the kernel the CPU time of each client from its start to its end.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use tfserve_sandbox::{Error, Result, components, locust};

use super::build_plugin;
use super::measure::peak;
use super::server::Server;

/// How the clients are compared.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Users, each with a connection of its own
    #[arg(long, default_value_t = 32)]
    users: u32,
    /// How long each run takes, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// How often each client runs; the best and the median are shown
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Leave out the others
    #[arg(long)]
    alone: bool,
    /// The plugin to measure; built with `cargo build --release` where none is given
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// One of those that are compared.
struct Client {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    runs: Vec<Run>,
}

/// What one run did.
#[derive(Clone, Copy)]
struct Run {
    requests: f64,
    cpu_seconds: f64,
    peak_bytes: u64,
}

impl Run {
    fn per_cpu_second(self) -> f64 {
        self.requests / self.cpu_seconds.max(0.001)
    }
}

/// Measures and prints.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let plugin = match &arguments.plugin {
        Some(plugin) => plugin.clone(),
        None => build_plugin()?,
    };
    let server = Server::start()?;
    let directory =
        tempfile::tempdir().map_err(|error| Error::Unexpected(format!("no temporary directory: {error}")))?;
    let mut clients = clients(arguments, &plugin, &server, directory.path())?;
    for _ in 0..arguments.runs.max(1) {
        for client in &mut clients {
            let run = measure(client, &server, directory.path())?;
            client.runs.push(run);
        }
    }
    let (users, seconds) = (arguments.users, arguments.seconds);
    anstream::println!(
        "{users} users, {seconds} s a run, {} runs in turns",
        arguments.runs.max(1)
    );
    anstream::println!(
        "{:<28} {:>18} {:>10} {:>10} {:>10}",
        "CLIENT",
        "REQ/CPU-SECOND",
        "MEDIAN",
        "REQ/S",
        "PEAK RSS"
    );
    for client in &clients {
        show(client, seconds);
    }
    Ok(ExitCode::SUCCESS)
}

fn clients(arguments: &Arguments, plugin: &Path, server: &Server, directory: &Path) -> Result<Vec<Client>> {
    let url = format!("http://{}/v1/models/m", server.address);
    let (users, seconds) = (arguments.users.to_string(), arguments.seconds);
    let client = |name, program: PathBuf, words: &str| Client {
        name,
        program,
        arguments: words.split_whitespace().map(str::to_owned).collect(),
        runs: Vec::new(),
    };
    let ours = format!("load --url {url} --users {users} --step-every {seconds}s -o json");
    let mut all = vec![client("kubectl tfserve load", plugin.to_owned(), &ours)];
    if arguments.alone {
        return Ok(all);
    }
    match on_path("wrk") {
        Some(wrk) => all.push(client("wrk", wrk, &format!("-t1 -c{users} -d{seconds}s {url}"))),
        None => missing("wrk", "apt-get install wrk"),
    }
    let root = components::cache_directory()?.join("oha");
    match on_path("oha").or_else(|| Some(root.join("bin/oha")).filter(|oha| oha.is_file())) {
        Some(oha) => all.push(client(
            "oha",
            oha,
            &format!("--no-tui -c {users} -z {seconds}s {url}"),
        )),
        None => missing(
            "oha",
            &format!("cargo install oha --locked --root {}", root.display()),
        ),
    }
    let file = directory.join("locustfile.py");
    let written = Command::new(plugin)
        .args(ours.split_whitespace())
        .arg("--locustfile")
        .output();
    let written = written.map_err(|error| Error::Unexpected(format!("cannot run the plugin: {error}")))?;
    std::fs::write(&file, written.stdout)
        .map_err(|error| Error::Unexpected(format!("cannot write {}: {error}", file.display())))?;
    let words = format!("-f {} --headless", file.display());
    all.push(client("Locust, FastHttpUser", locust()?, &words));
    Ok(all)
}

fn missing(name: &str, command: &str) {
    anstream::eprintln!("{name} is left out: `{command}` installs it");
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

fn measure(client: &Client, server: &Server, directory: &Path) -> Result<Run> {
    let failed = |why: String| Error::Unexpected(format!("{} does not run: {why}", client.name));
    let (requests, cpu) = (server.requests(), children()?);
    let talk = directory.join("talk");
    let said = std::fs::File::create(&talk).map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(&client.program)
        .args(&client.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut peak_bytes = 0;
    let status = loop {
        peak_bytes = peak(child.id()).unwrap_or(peak_bytes);
        if let Some(status) = child.try_wait().map_err(|error| failed(error.to_string()))? {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    if !status.success() {
        return Err(failed(std::fs::read_to_string(&talk).unwrap_or_default()));
    }
    let sent = server.requests() - requests;
    Ok(Run {
        requests: u32::try_from(sent).map_or(f64::MAX, f64::from),
        cpu_seconds: children()? - cpu,
        peak_bytes,
    })
}

/// CPU seconds of all children that have ended, as the kernel counts them in hundredths.
fn children() -> Result<f64> {
    let unreadable = || Error::Unexpected("cannot read /proc/self/stat".to_owned());
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|_| unreadable())?;
    // Behind the name, which may hold anything, the user and system time of children are the 14th and 15th.
    let fields = stat.rsplit(')').next().ok_or_else(unreadable)?;
    let ticks: Option<f64> = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks.ok_or_else(unreadable)? / 100.0)
}

fn show(client: &Client, seconds: u32) {
    let mut runs = client.runs.clone();
    runs.sort_by(|left, right| right.per_cpu_second().total_cmp(&left.per_cpu_second()));
    let (Some(best), Some(median)) = (runs.first(), runs.get(runs.len() / 2)) else {
        return;
    };
    let peak = runs.iter().map(|run| run.peak_bytes).max().unwrap_or_default();
    anstream::println!(
        "{:<28} {:>18.0} {:>10.0} {:>10.0} {:>7} MB",
        client.name,
        best.per_cpu_second(),
        median.per_cpu_second(),
        median.requests / f64::from(seconds),
        peak / 1_000_000
    );
}
