//! The arguments of `up`.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::apply::ApplyArgs;
use crate::duration::parse_duration;
use crate::facts::Quantity;
use crate::serving::names;
use crate::serving::source::ModelSource;

/// The type of the Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceType {
    /// Reachable inside the cluster
    #[value(name = "ClusterIP")]
    ClusterIp,
    /// Reachable on a port of every node
    #[value(name = "NodePort")]
    NodePort,
    /// Reachable from outside, where something gives out addresses
    #[value(name = "LoadBalancer")]
    LoadBalancer,
}

/// The arguments.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # A model in a directory of the node, which holds one directory a version, such as 1/
  kubectl tfserve up image-classifier --variant resnet101 --model hostPath:/models/resnet101 -n tf-serving

  # The manifests for Git, without a cluster
  kubectl tfserve up image-classifier --model gs://bucket/resnet101 --dry-run=client -o yaml")]
pub struct UpArgs {
    /// Name of the Service, and of the label `app`
    pub name: String,
    /// Where the model is
    #[arg(
        long,
        value_name = "SOURCE",
        help = "Where the model is: hostPath:/dir, pvc:CLAIM[/dir] or gs://bucket/dir"
    )]
    pub model: ModelSource,
    /// One of several models behind the Service: the Deployment is NAME-VARIANT
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
    /// The model's name in the REST and gRPC API [default: NAME]
    #[arg(long, value_name = "MODEL", value_parser = names::model_name)]
    pub model_name: Option<String>,
    /// Image of TensorFlow Serving
    #[arg(long, value_name = "IMAGE", default_value = "tensorflow/serving:2.20.0")]
    pub image: String,
    /// Cpu request: an HPA on cpu utilization counts in percent of it
    #[arg(long, value_name = "QUANTITY", default_value = "500m", value_parser = quantity)]
    pub cpu: Quantity,
    /// Memory request: two versions of the model are in memory while one follows the other
    #[arg(long, value_name = "QUANTITY", default_value = "1Gi", value_parser = quantity)]
    pub memory: Quantity,
    /// Cpu limit [default: none]
    #[arg(long, value_name = "QUANTITY", value_parser = quantity)]
    pub cpu_limit: Option<Quantity>,
    /// Memory limit [default: none]
    #[arg(long, value_name = "QUANTITY", value_parser = quantity)]
    pub memory_limit: Option<Quantity>,
    /// Number of pods; not sent while an HPA decides it [default: 1, later what it is]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    pub replicas: Option<i32>,
    /// Type of the Service
    #[arg(long, value_enum, value_name = "TYPE", default_value = "ClusterIP")]
    pub service_type: ServiceType,
    /// Create the namespace where it does not exist
    #[arg(long)]
    pub create_namespace: bool,
    /// Wait until the model serves
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    pub wait: bool,
    /// How long to wait, for example 90s or 5m
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// How to write.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

/// A positive quantity.
fn quantity(text: &str) -> Result<Quantity, String> {
    let quantity = Quantity::from(text);
    match quantity.milli_value() {
        Ok(value) if value > 0 => Ok(quantity),
        Ok(_) => {
            Err("a request is more than 0: an HPA has nothing to count in percent of otherwise".to_owned())
        }
        Err(error) => Err(format!("{error}, for example 500m or 2 for cpu, 1Gi for memory")),
    }
}
