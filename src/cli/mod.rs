//! The command line: clap types, one file a command; no behaviour.

mod apply;
mod autoscale;
mod completion;
mod down;
mod explain_hpa;
mod format;
mod global;
mod help;
mod load;
mod model;
mod predict;
mod reach;
mod top;
mod up;

pub use apply::{ApplyArgs, DryRun, ObjectFormat};
pub use autoscale::{AutoscaleArgs, BehaviorArgs, MetricArgs, MetricsServerArgs, Select};
pub use completion::{CompleteArgs, CompletionAction, CompletionArgs};
pub use down::DownArgs;
pub use explain_hpa::ExplainHpaArgs;
pub use format::{FailOn, OutputFormat};
pub use global::GlobalArgs;
pub use help::{HelpArgs, TOPICS, Topic};
pub use load::{LoadArgs, PlanArgs, ResultArgs};
pub use model::ModelArgs;
pub use predict::PredictArgs;
pub use reach::{ReachArgs, ViaArg};
pub use top::TopArgs;
pub use up::{ServiceType, UpArgs};

use clap::{Parser, Subcommand};

/// Serve TensorFlow models on Kubernetes, autoscale them, and be told the true cause when the autoscaler misbehaves.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-tfserve",
    bin_name = "kubectl tfserve",
    about,
    disable_version_flag = true,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  # Why does this HPA not scale?
  kubectl tfserve explain-hpa image-classifier-resnet101 -n tf-serving

  # Usage, request and the HPA's view of every pod
  kubectl tfserve top image-classifier-resnet101 -n tf-serving

More:
  kubectl tfserve help topics"
)]
pub struct Cli {
    /// Print the version, and the commit it was built from
    #[arg(short = 'V', long)]
    pub version: bool,
    /// Output format of --version
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        requires = "version"
    )]
    pub output: OutputFormat,
    /// kubectl's own flags.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Deploy a model and wait until it serves
    Up(Box<UpArgs>),
    /// Autoscale a model, checked before and proven after
    Autoscale(Box<AutoscaleArgs>),
    /// Ask a model, through whichever way leads to it
    Predict(PredictArgs),
    /// Remove what up and autoscale made, and nothing else
    Down(DownArgs),
    /// Show usage, request and the HPA's view of every pod
    Top(TopArgs),
    /// Load a model or an address, and see what the server and its HPA make of it
    Load(Box<LoadArgs>),
    /// Explain why an HPA does what it does
    ExplainHpa(ExplainHpaArgs),
    /// Let the shell complete what follows `kubectl tfserve`
    Completion(CompletionArgs),
    /// Print the help of a command, or a topic: see `help topics`
    Help(HelpArgs),
    /// Answer kubectl, which completes a command line
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}
