//! The arguments of `autoscale`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::apply::ApplyArgs;
use crate::duration::parse_duration;
use crate::facts::Quantity;
use crate::serving::autoscaler::behavior::{Policies, tolerance, window};
use crate::serving::autoscaler::metric::{ContainerTarget, NamedTarget, Target};
use crate::serving::autoscaler::reference::Reference;

/// The arguments.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # Keep the pods at 60% of their cpu request, with 1 to 4 of them
  kubectl tfserve autoscale image-classifier --cpu 60% --min 1 --max 4 \\
    -n tf-serving

  # The same on a cluster without metrics-server whose kubelets sign their own certificates (minikube, kind)
  kubectl tfserve autoscale image-classifier --cpu 60% --min 1 --max 4 \\
    -n tf-serving --install-metrics-server --kubelet-insecure-tls

  # 50 predict requests a second for each pod, up fast and down slowly
  kubectl tfserve autoscale image-classifier --metric requests-per-second=50 \\
    --max 8 -n tf-serving --scale-up-policy '4pods/15s|100%/15s' \\
    --scale-down-policy 1pod/1m --scale-down-window 10m

  # What the Prometheus adapter must be told for that
  kubectl tfserve autoscale --print-adapter-rule")]
pub struct AutoscaleArgs {
    /// What to scale: NAME of a Deployment or of `up`, or KIND/NAME, for example statefulset/web or rollout.argoproj.io/web
    #[arg(value_name = "TARGET", required_unless_present = "print_adapter_rule")]
    pub target: Option<Reference>,
    /// The name of the HPA [default: that of the target]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The fewest pods
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    pub min: i32,
    /// The most pods
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    pub max: Option<i32>,
    /// Write the HPA although the checks found that it cannot work yet
    #[arg(long)]
    pub force: bool,
    /// Wait until the HPA has its first valid metric
    #[arg(long, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    pub wait: bool,
    /// How long to wait, for example 90s or 5m
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// What to scale by.
    #[command(flatten)]
    pub metrics: MetricArgs,
    /// How fast.
    #[command(flatten)]
    pub behavior: BehaviorArgs,
    /// How metrics-server is installed.
    #[command(flatten)]
    pub metrics_server: MetricsServerArgs,
    /// How to write.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

/// `spec.metrics`: the HPA takes the greatest proposal of them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricArgs {
    /// Average cpu of a pod: 60% of its request, or a quantity such as 500m
    #[arg(long, value_name = "TARGET", requires = "max", required_unless_present_any = ["cpu_percent", "memory", "container_cpu", "container_memory", "metric", "external_metric", "install_metrics_server", "print_adapter_rule"])]
    pub cpu: Option<Target>,
    /// Average cpu of a pod in percent of its request, as older kubectl spells it
    #[arg(long, value_name = "PERCENT", requires = "max", conflicts_with = "cpu", value_parser = clap::value_parser!(i32).range(1..))]
    pub cpu_percent: Option<i32>,
    /// Average memory of a pod: 70% of its request, or a quantity such as 2Gi
    #[arg(long, value_name = "TARGET", requires = "max")]
    pub memory: Option<Target>,
    /// Average cpu of one container, without its sidecars: tf-serving=60%; may be repeated
    #[arg(long, value_name = "CONTAINER=TARGET", requires = "max")]
    pub container_cpu: Vec<ContainerTarget>,
    /// Average memory of one container: tf-serving=2Gi; may be repeated
    #[arg(long, value_name = "CONTAINER=TARGET", requires = "max")]
    pub container_memory: Vec<ContainerTarget>,
    /// Average of a metric of the pods that an adapter serves, for example requests-per-second=50, TensorFlow Serving's own rate; may be repeated
    #[arg(long, value_name = "NAME=VALUE[,SELECTOR]", requires = "max")]
    pub metric: Vec<NamedTarget>,
    /// Share of each pod in a metric of something outside of the cluster: queue=30,topic=orders; may be repeated
    #[arg(long, value_name = "NAME=VALUE[,SELECTOR]", requires = "max")]
    pub external_metric: Vec<NamedTarget>,
    /// Print what prometheus-adapter needs to serve requests-per-second, and end
    #[arg(long)]
    pub print_adapter_rule: bool,
}

/// `spec.behavior`: what is left out is the controller's default.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Behavior")]
pub struct BehaviorArgs {
    /// How long a higher recommendation must hold before pods come [default: the controller's, 0s]
    #[arg(long, value_name = "DURATION", value_parser = window)]
    pub scale_up_window: Option<i32>,
    /// How many pods may come in how long: '4pods/15s|100%/15s'; may be repeated [default: the controller's, this one]
    #[arg(long, value_name = "CHANGE/PERIOD")]
    pub scale_up_policy: Vec<Policies>,
    /// Which of the policies decides [default: max]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub scale_up_select: Option<Select>,
    /// How far above the target usage may be before pods come: 5% or 0.05; Kubernetes 1.35 and later [default: 10%]
    #[arg(long, value_name = "RATIO", value_parser = tolerance)]
    pub scale_up_tolerance: Option<Quantity>,
    /// How long a lower recommendation must hold before pods go [default: the controller's, 5m]
    #[arg(long, value_name = "DURATION", value_parser = window)]
    pub scale_down_window: Option<i32>,
    /// How many pods may go in how long: 1pod/1m; may be repeated [default: the controller's, 100%/15s]
    #[arg(long, value_name = "CHANGE/PERIOD")]
    pub scale_down_policy: Vec<Policies>,
    /// Which of the policies decides [default: max]
    #[arg(long, value_enum, value_name = "POLICY")]
    pub scale_down_select: Option<Select>,
    /// How far below the target usage may be before pods go: 5% or 0.05; Kubernetes 1.35 and later [default: 10%]
    #[arg(long, value_name = "RATIO", value_parser = tolerance)]
    pub scale_down_tolerance: Option<Quantity>,
}

/// `selectPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Select {
    /// The policy that allows the greatest change
    Max,
    /// The policy that allows the smallest change
    Min,
    /// No change in this direction
    Disabled,
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
