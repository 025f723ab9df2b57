//! The arguments of `load`.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgGroup;

use super::OutputFormat;
use super::format::interval;
use super::model::ModelArgs;
use super::reach::ReachArgs;
use crate::duration::parse_duration;
use crate::load::{DurationRange, Levels, Percent};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("target").required(true),
    after_help = "\
Examples:
  # Users rise 1, 2, 4 … 32, a step a minute, and its HPA is watched meanwhile
  kubectl tfserve load image-classifier -n tf-serving -f request.json \\
    --users 1..32 --step-every 60s

  # Until all replicas are there, then watch it scale down again, with a page to show around
  kubectl tfserve load image-classifier --example --until-max-replicas \\
    --cool-down 10m --report load.html

  # 200 requests a second whatever the server makes of them, for five minutes, without a cluster
  kubectl tfserve load --url http://127.0.0.1:8501/v1/models/m:predict \\
    -f request.json --rate 200 --step-every 5m"
)]
pub struct LoadArgs {
    /// The Service, or a Deployment, whose model is loaded
    #[arg(group = "target")]
    pub name: Option<String>,
    /// Address to load, without a cluster
    #[arg(long, value_name = "URL", group = "target", conflicts_with_all = ["example", "model", "version", "label", "signature", "via", "address", "port"])]
    pub url: Option<String>,
    /// File with the body of the requests, sent by POST as JSON; `-` is standard input. With --url and without it: GET
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    pub filename: Option<PathBuf>,
    /// Send a request made from the model's signature
    #[arg(long, conflicts_with = "filename")]
    pub example: bool,
    /// Header of every request, as `Name: value`; may be repeated
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub headers: Vec<String>,
    /// What the load is, and when it ends.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// File of certificates to trust, besides those of the system
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// HPA to watch [default: the one that scales the pods behind NAME]
    #[arg(long, value_name = "HPA")]
    pub hpa: Option<String>,
    /// Load what is not this machine's, or was not made by `up`, without a question
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Print this load as a file for Locust, and send nothing
    #[arg(long)]
    pub locustfile: bool,
    /// Let Locust make the load in the cluster, with so many workers: Jobs, which are removed at its end
    #[arg(long, value_name = "WORKERS", value_parser = clap::value_parser!(u16).range(1..=1000), conflicts_with_all = ["url", "locustfile", "address", "threads"])]
    pub distributed: Option<u16>,
    /// Image of Locust 2.x for --distributed
    #[arg(long, value_name = "IMAGE", default_value = crate::load::jobs::IMAGE)]
    pub locust_image: String,
    /// Which model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// How it is reached.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Where the result goes.
    #[command(flatten)]
    pub result: ResultArgs,
}

/// What the load is, and when it ends.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub struct PlanArgs {
    /// Users, each of whom waits for the answer: 8, doubling 1..32, or with a growth of its own 1..32+4, 1..32x4
    #[arg(long, value_name = "USERS", default_value = "1..32", conflicts_with = "rate")]
    pub users: Levels,
    /// Requests a second, sent when they are due whatever became of those before; 200, 10..500, 10..500+50
    #[arg(long, value_name = "RATE")]
    pub rate: Option<Levels>,
    /// How long each step lasts
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = interval)]
    pub step_every: Duration,
    /// What a user does between two requests, for example 1s or 0.8s..1.2s [default: nothing]
    #[arg(long, value_name = "DURATION", conflicts_with = "rate")]
    pub think: Option<DurationRange>,
    /// Time before the first step that counts for nothing
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub warm_up: Duration,
    /// End after this time, whatever step it is
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub max_time: Option<Duration>,
    /// End when more than this share of the last 10 s failed, for example 5%
    #[arg(long, value_name = "PERCENT")]
    pub stop_on_error_rate: Option<Percent>,
    /// End when as many replicas are ready as the HPA allows
    #[arg(long)]
    pub until_max_replicas: bool,
    /// Watch the HPA after the load until it is back at minReplicas, for this time at most
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub cool_down: Option<Duration>,
    /// Open a new connection for every request
    #[arg(long)]
    pub no_keep_alive: bool,
    /// Most connections at a time for --rate
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Most users or requests a second that are allowed: raise it on purpose
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    pub limit: u32,
    /// Threads that send [default: half of the cores]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// Where the result goes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Result")]
pub struct ResultArgs {
    /// Output format
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: OutputFormat,
    /// Write the time line as CSV
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write one HTML page that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}
