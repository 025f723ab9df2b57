//! The arguments of `top`.

use std::time::Duration;

use super::OutputFormat;
use super::format::interval;

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Watch an HPA, its pods and events live: q quits, e explains, ? helps
  kubectl tfserve top image-classifier-resnet101 -n tf-serving

  # One table of every HPA of the cluster
  kubectl tfserve top -A --once

  # For a program: one object every 10 seconds
  kubectl tfserve top -A -o json --watch --interval 10s")]
pub struct TopArgs {
    /// Name of the HPA, of the workload that it scales, or of a Deployment that none scales
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Look at all namespaces
    #[arg(short = 'A', long, conflicts_with = "names")]
    pub all_namespaces: bool,
    /// Label selector of HPAs, for example app=image-classifier
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "names")]
    pub selector: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: OutputFormat,
    /// Print one table and end, on a terminal too; elsewhere that is what happens without it
    #[arg(long, conflicts_with = "watch")]
    pub once: bool,
    /// Where there is no terminal, print again and again until interrupted
    #[arg(short, long)]
    pub watch: bool,
    /// How long to wait between what --watch prints
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = interval)]
    pub interval: Duration,
}
