//! The only room that knows kube: client, observation, apply, wait, metrics API.

mod client;
mod error;

pub use client::{Cluster, ConnectOptions};
pub use error::Error;
