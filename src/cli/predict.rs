//! The arguments of `predict`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

use super::model::ModelArgs;
use super::reach::ReachArgs;
use crate::duration::parse_duration;

/// The arguments.
#[derive(Debug, Clone, Args)]
#[command(
    group = ArgGroup::new("what").required(true),
    after_help = "\
Examples:
  # Ask a model; the answer goes to stdout as it came
  kubectl tfserve predict image-classifier -n tf-serving -f request.json

  # A request that this model understands, made from its signature
  kubectl tfserve predict image-classifier --example > request.json

  # One version, on the fly
  kubectl tfserve predict half-plus-two --version 1 \\
    -d '{\"instances\": [1.0, 2.0, 5.0]}'"
)]
pub struct PredictArgs {
    /// The Service, or a Deployment
    pub name: String,
    /// File with the request in JSON; - is stdin
    #[arg(short, long = "filename", value_name = "FILE", group = "what")]
    pub file: Option<PathBuf>,
    /// The request in JSON; @FILE reads a file, @- stdin
    #[arg(short, long, value_name = "JSON", group = "what")]
    pub data: Option<String>,
    /// Print a request made from the model's signature, and send nothing
    #[arg(long, group = "what")]
    pub example: bool,
    /// Which model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// How long the model may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// How it is reached.
    #[command(flatten)]
    pub reach: ReachArgs,
}
