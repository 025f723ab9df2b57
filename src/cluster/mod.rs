//! The only room that knows kube: client, observation, apply, wait, metrics API.

mod ask;
mod client;
mod error;
mod kubeconfig;
mod proxy;

pub use ask::Ask;
pub use client::{Cluster, ConnectOptions, DEFAULT_DEADLINE};
pub use error::Error;
