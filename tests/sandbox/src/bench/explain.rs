//! How long an explanation takes on a large cluster, beside `kubectl describe hpa` in the same run.
//!
//! The objects are real and served by the real API server and metrics-server; the controllers are held still, so that
//! both tools read the same state.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tfserve_sandbox::{Component, MetricsServer, Options, Result, Sandbox};

use super::fill::{self, Size};
use super::measure::{self, Measured};

/// How large the cluster is, and how often each command runs.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Number of `HorizontalPodAutoscalers`, each with a Deployment of its own
    #[arg(long, default_value_t = 1000)]
    hpas: usize,
    /// Number of pods, spread over the Deployments
    #[arg(long, default_value_t = 10_000)]
    pods: usize,
    /// Number of namespaces, with the same number of HPAs each
    #[arg(long, default_value_t = 20)]
    namespaces: usize,
    /// How often each of our commands runs; the best and the median are shown
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Leave out kubectl, which takes two requests for each HPA
    #[arg(long)]
    alone: bool,
    /// The plugin to measure; built with `cargo build --release` where none is given
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// Fills a fresh cluster and measures.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let plugin = super::plugin(arguments.plugin.as_deref())?;
    let size = Size {
        hpas: arguments.hpas.max(1),
        pods: arguments.pods,
        namespaces: arguments.namespaces.clamp(1, arguments.hpas.max(1)),
    };
    let options = Options {
        nodes: 20,
        node_cpu: "1000".to_owned(),
        node_memory: "4Ti".to_owned(),
        ..Options::default()
    };
    let sandbox = Sandbox::start(&options)?;
    sandbox.metrics_server(MetricsServer::Ready)?;
    // Otherwise they would judge, adopt and remove what is about to be written.
    sandbox.pause(Component::ControllerManager)?;
    sandbox.pause(Component::Scheduler)?;
    let started = Instant::now();
    fill::fill(&sandbox, &size, options.nodes)?;
    anstream::println!(
        "{} HPAs, {} pods, {} namespaces; written and measured by metrics-server in {} s",
        size.hpas,
        size.pods,
        size.namespaces,
        started.elapsed().as_secs()
    );
    compare(&sandbox, &plugin, arguments);
    sandbox.resume(Component::ControllerManager)?;
    Ok(ExitCode::SUCCESS)
}

fn compare(sandbox: &Sandbox, plugin: &Path, arguments: &Arguments) {
    anstream::println!(
        "{:<52} {:>9} {:>9} {:>9} {:>9}",
        "COMMAND",
        "BEST",
        "MEDIAN",
        "REQUESTS",
        "PEAK RSS"
    );
    let one = format!("web-0 -n {}", fill::namespace(0));
    for words in [
        "explain-hpa -A --fail-on never".to_owned(),
        "explain-hpa -A --fail-on never -o json".to_owned(),
        format!("explain-hpa {one} --fail-on never"),
    ] {
        let runs: Vec<Measured> = (0..arguments.runs.max(1))
            .filter_map(|_| measure::run(sandbox, plugin, &format!("{words} -v 1")))
            .collect();
        show(&format!("kubectl tfserve {words}"), &runs);
    }
    if arguments.alone {
        return;
    }
    let kubectl = sandbox.kubectl_directory().join("kubectl");
    for words in [
        "get hpa -A".to_owned(),
        format!("describe hpa {one}"),
        "describe hpa -A --show-events=true".to_owned(),
    ] {
        // Its requests are counted in its log, and logging takes time: the first run is timed, the second counted.
        let timed = measure::run(sandbox, &kubectl, &words);
        let counted = measure::run(sandbox, &kubectl, &format!("{words} -v 6"));
        let run = timed.zip(counted).map(|(timed, counted)| Measured {
            requests: counted.requests,
            ..timed
        });
        show(&format!("kubectl {words}"), &Vec::from_iter(run));
    }
}

fn show(what: &str, runs: &[Measured]) {
    let mut times: Vec<Duration> = runs.iter().map(|run| run.time).collect();
    times.sort_unstable();
    let (Some(best), Some(median)) = (times.first(), times.get(times.len() / 2)) else {
        anstream::println!("{what:<52} failed");
        return;
    };
    let requests = runs.iter().map(|run| run.requests).max().unwrap_or(0);
    let peak = runs.iter().map(|run| run.peak_bytes).max().unwrap_or(0);
    anstream::println!(
        "{what:<52} {:>7.3} s {:>7.3} s {requests:>9} {:>6} MB",
        best.as_secs_f64(),
        median.as_secs_f64(),
        peak / 1_000_000
    );
}
