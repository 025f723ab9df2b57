//! The only room that knows kube: client, observation, apply, wait, metrics API.

mod adapter_metrics;
pub mod apply;
mod ask;
mod client;
mod convert;
mod dump;
mod error;
pub mod follow;
pub mod install;
mod kubeconfig;
mod live;
pub mod load_jobs;
mod metrics_api;
pub mod model;
pub mod monitoring;
pub mod names;
mod observe;
mod pages;
pub mod prerequisites;
mod proxy;
pub mod reach;
pub mod removal;
pub mod rights;
pub mod scalable;
mod scaled_by;
pub mod served;
pub mod service;

pub use ask::Ask;
pub use client::{Cluster, ConnectOptions, DEFAULT_DEADLINE};
pub use dump::facts_of_dump;
pub use error::Error;
pub use live::{Live, LiveEvent};
pub use observe::{Scope, Selection, Workload, by_name, observe, observe_deployment, observe_planned};
pub use scaled_by::{named_hpas, scaled_by};
