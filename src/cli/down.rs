//! The arguments of `down`.

use std::time::Duration;

use clap::{ArgAction, Args};

use super::apply::DryRun;
use crate::duration::parse_duration;
use crate::serving::MANAGER;

/// The arguments.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # What would go, and what would stay and why
  kubectl tfserve down image-classifier -n tf-serving --dry-run=server

  # One of several models behind the Service
  kubectl tfserve down image-classifier --variant resnet101 -n tf-serving --yes")]
pub struct DownArgs {
    /// NAME of `up`: the Service, and the label `app`
    pub name: String,
    /// Remove this variant alone; the Service stays while another one is left
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Leave the namespace, also where `up` created it and nothing is left in it
    #[arg(long)]
    pub keep_namespace: bool,
    /// How far the removal goes; both kinds of dry run read the cluster
    #[arg(long, value_enum, value_name = "STRATEGY", default_value = "none")]
    pub dry_run: DryRun,
    /// Wait until everything is gone, the pods too
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    pub wait: bool,
    /// How long to wait, for example 90s or 5m
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub timeout: Duration,
    /// The field manager that `up` and `autoscale` wrote with
    #[arg(long, value_name = "NAME", default_value = MANAGER)]
    pub field_manager: String,
}
