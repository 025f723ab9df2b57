//! The arguments of `autoscale`.

use std::time::Duration;

use clap::Args;

use super::apply::ApplyArgs;
use crate::duration::parse_duration;
use crate::serving::autoscaler::Target;

/// The arguments.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # Keep the pods at 60% of their cpu request, with 1 to 4 of them
  kubectl tfserve autoscale image-classifier --cpu 60% --min 1 --max 4 -n tf-serving

  # The same on a cluster without metrics-server whose kubelets sign their own certificates (minikube, kind)
  kubectl tfserve autoscale image-classifier --cpu 60% --min 1 --max 4 -n tf-serving \\
    --install-metrics-server --kubelet-insecure-tls")]
pub struct AutoscaleArgs {
    /// A Deployment, or the NAME of `up` where it has a single variant
    pub name: String,
    /// Average cpu of a pod: 60% of its request, or a quantity such as 500m
    #[arg(long, value_name = "TARGET", requires = "max", required_unless_present_any = ["cpu_percent", "memory", "install_metrics_server"])]
    pub cpu: Option<Target>,
    /// Average cpu of a pod in percent of its request, as older kubectl spells it
    #[arg(long, value_name = "PERCENT", requires = "max", conflicts_with = "cpu", value_parser = clap::value_parser!(i32).range(1..))]
    pub cpu_percent: Option<i32>,
    /// Average memory of a pod: 70% of its request, or a quantity such as 2Gi
    #[arg(long, value_name = "TARGET", requires = "max")]
    pub memory: Option<Target>,
    /// The fewest pods
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    pub min: i32,
    /// The most pods
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    pub max: Option<i32>,
    /// How long a lower recommendation must hold before pods go [default: the controller's, 5m]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub scale_down_window: Option<Duration>,
    /// Write the HPA although the checks found that it cannot work yet
    #[arg(long)]
    pub force: bool,
    /// Wait until the HPA has its first valid metric
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    pub wait: bool,
    /// How long to wait, for example 90s or 5m
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// How metrics-server is installed.
    #[command(flatten)]
    pub metrics_server: MetricsServerArgs,
    /// How to write.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

/// The metrics API.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Metrics API options")]
pub struct MetricsServerArgs {
    /// Install metrics-server first, where nothing serves metrics.k8s.io
    #[arg(long)]
    pub install_metrics_server: bool,
    /// Let the installed metrics-server accept any certificate of a kubelet; for test clusters
    #[arg(long, requires = "install_metrics_server")]
    pub kubelet_insecure_tls: bool,
}
