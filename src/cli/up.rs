//! The arguments of `up`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::apply::ApplyArgs;
use crate::duration::parse_duration;
use crate::facts::Quantity;
use crate::serving::batching::Batching;
use crate::serving::manifests::STAGING_IMAGE;
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
  kubectl tfserve up image-classifier --variant resnet101 \\
    --model hostPath:/models/resnet101 -n tf-serving

  # From an object store, with a GPU and batching
  kubectl tfserve up bert --model s3://models/bert --s3-secret s3 --gpu 1 \\
    --batching

  # Several models in one server; their base paths are below /models/NAME
  kubectl tfserve up all --model pvc:models --models-config models.config

  # What would change, by the API server's own judgement
  kubectl tfserve up image-classifier --model pvc:models/resnet101 \\
    --dry-run=server

  # The manifests for Git, without a cluster
  kubectl tfserve up image-classifier --model gs://bucket/resnet101 \\
    --dry-run=client -o yaml
  kubectl tfserve up image-classifier --model gs://bucket/resnet101 \\
    --kustomize deploy/image-classifier")]
pub struct UpArgs {
    /// Name of the Service, and of the label `app`
    pub name: String,
    /// Where the model is
    #[arg(
        long,
        value_name = "SOURCE",
        required_unless_present = "models_config",
        help = "Where the model is: hostPath:/dir, pvc:CLAIM[/dir], gs://bucket/dir, s3://bucket/dir or image:REF[:/dir]"
    )]
    pub model: Option<ModelSource>,
    /// One of several models behind the Service: the Deployment is NAME-VARIANT
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
    /// The model's name in the REST and gRPC API [default: NAME]
    #[arg(long, value_name = "MODEL", value_parser = names::model_name)]
    pub model_name: Option<String>,
    /// Several models in one server: its model config file; `--model` then holds all of them
    #[arg(long, value_name = "FILE", conflicts_with = "model_name")]
    pub models_config: Option<PathBuf>,
    /// Image of TensorFlow Serving [default: tensorflow/serving:2.20.0, with `--gpu` its -gpu]
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
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
    /// GPUs of each pod: the resource nvidia.com/gpu, and the image for it
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=128))]
    pub gpu: Option<u32>,
    /// Batch requests that come together; with parameters, for example `=max_batch_size=64,num_batch_threads=2`
    #[arg(long, value_name = "NAME=VALUE,…", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub batching: Option<Batching>,
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
    /// What is rarely needed.
    #[command(flatten)]
    pub pod: PodArgs,
    /// Write a kustomization into a directory, and ask no cluster
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dry_run", "output"])]
    pub kustomize: Option<PathBuf>,
    /// How to write.
    #[command(flatten)]
    pub apply: ApplyArgs,
}

/// How the pod is made.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pod options")]
pub struct PodArgs {
    /// How long a load may take before the container is restarted
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub load_timeout: Duration,
    /// How long an ending pod goes on to answer: the server ignores SIGTERM, so it always takes all of it
    #[arg(long, value_name = "DURATION", default_value = "40s", value_parser = parse_duration)]
    pub grace_period: Duration,
    /// User of the containers [default: 1000; with hostPath the image's own]
    #[arg(long, value_name = "UID", value_parser = clap::value_parser!(i64).range(0..))]
    pub run_as_user: Option<i64>,
    /// Account of the pods: a bucket may be read with its identity
    #[arg(long, value_name = "NAME")]
    pub service_account: Option<String>,
    /// Mount image:REF as a volume beside the server, not as the server [default: where Kubernetes is 1.35 or newer]
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub image_volume: Option<bool>,
    /// Image with the AWS command line, which copies a model from s3://
    #[arg(long, value_name = "IMAGE", default_value = STAGING_IMAGE)]
    pub s3_image: String,
    /// Secret with the credentials for s3:// as environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`
    #[arg(long, value_name = "NAME")]
    pub s3_secret: Option<String>,
    /// Address of the object store, where it is not AWS
    #[arg(long, value_name = "URL")]
    pub s3_endpoint: Option<String>,
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
