//! The arguments of `explain-hpa`.

use std::path::PathBuf;
use std::time::Duration;

use super::format::interval;
use super::{FailOn, OutputFormat};
use crate::hpa::what_if::{self, Assumption};

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Why does this HPA not scale?
  kubectl tfserve explain-hpa image-classifier-resnet101 -n tf-serving

  # Every HPA of the cluster, for a script: exit code 1 when one is broken
  kubectl tfserve explain-hpa -A -o json

  # Every HPA of the namespace once, then only what changes
  kubectl tfserve explain-hpa -n tf-serving --watch

  # What would the controller do with a higher limit, and more load on every pod?
  kubectl tfserve explain-hpa image-classifier-resnet101 -n tf-serving \\
    --what-if max=8 --what-if cpu=900m

  # A bug report that needs no cluster: save on one machine, explain on another
  kubectl tfserve explain-hpa image-classifier-resnet101 -n tf-serving \\
    --save-facts facts.yaml
  kubectl tfserve explain-hpa --facts facts.yaml

Exit codes:
  0 nothing wrong  1 a problem was found  2 usage  3 no answer of the cluster")]
pub struct ExplainHpaArgs {
    /// Name of the HPA, or of the workload that it scales; all HPAs of the namespace where it is not given
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
    /// Explain facts that were saved, or what `kubectl get hpa,deployments,pods,events -o yaml` printed, without a
    /// cluster; - reads stdin; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all_namespaces", "selector", "save_facts"])]
    pub facts: Vec<PathBuf>,
    /// Save what was read, as JSON where the name ends in .json, else as YAML; - writes it to stdout in place
    /// of the explanation
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,
    /// Show what the controller would decide if this were so, for example cpu=900m, max=8, target=50% or
    /// pods=+2; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = assumption)]
    pub what_if: Vec<(String, Assumption)>,
    /// Explain once, then print only what changes, until interrupted
    #[arg(short, long, conflicts_with_all = ["facts", "save_facts", "what_if"])]
    pub watch: bool,
    /// How long to wait between readings with --watch; the default is the controller's sync period
    #[arg(long, value_name = "DURATION", default_value = "15s", requires = "watch", value_parser = interval)]
    pub interval: Duration,
    /// From which severity on to exit with 1
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    pub fail_on: FailOn,
    /// Print what is behind a code, for example TFS301, and exit
    #[arg(long, value_name = "CODE", exclusive = true)]
    pub code: Option<String>,
}

/// The words of an assumption, and what they mean.
fn assumption(text: &str) -> Result<(String, Assumption), String> {
    Ok((text.to_owned(), what_if::parse(text)?))
}
