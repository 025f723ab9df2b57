//! The only room that knows kube: client, observation, apply, wait, metrics API.

mod ask;
mod client;
mod convert;
mod error;
mod kubeconfig;
mod metrics_api;
mod observe;
mod proxy;

pub use ask::Ask;
pub use client::{Cluster, ConnectOptions, DEFAULT_DEADLINE};
pub use error::Error;
pub use observe::{Scope, Selection, Workload, observe, observe_deployment};
