//! The only room that knows kube: client, observation, apply, wait, metrics API.

pub mod apply;
mod ask;
mod client;
mod error;
mod kubeconfig;
pub mod model;
mod proxy;
mod rollout;
pub mod service;
pub mod wait;

pub use ask::Ask;
pub use client::{Cluster, ConnectOptions, DEFAULT_DEADLINE};
pub use error::Error;
