//! A real Kubernetes for the tests of `kubectl-tfserve`, on loopback, without root and without containers.
//!
//! etcd, kube-apiserver, kube-controller-manager (so the real HPA controller), kube-scheduler and
//! metrics-server run as plain processes that are built from their released Go modules; kwok stands in for
//! the kubelets. What a test sees is what a cluster says.
//!
//! ```no_run
//! use tfserve_sandbox::{MetricsServer, Options, Sandbox};
//!
//! let sandbox = Sandbox::start(&Options::default())?;
//! sandbox.metrics_server(MetricsServer::Ready)?;
//! let output = sandbox.kubectl().args(["top", "nodes"]).output();
//! # Ok::<(), tfserve_sandbox::Error>(())
//! ```
//!
//! Every method blocks and may be called from a plain `#[test]`; none may be called from async code.
//! Nothing outlives a [`Sandbox`], however its process ends.

mod adapter;
mod admission;
mod busy;
mod certificates;
pub mod components;
mod control_plane;
mod error;
mod kubeconfig;
mod kubelet;
mod kwok;
mod load;
mod locust;
mod loopback;
mod metrics_server;
mod namespace;
pub mod node;
mod objects;
mod oha;
mod options;
mod pods;
mod process;
mod sandbox;
pub mod tensorflow;
mod time;
mod venv;
mod wait;

pub use adapter::{Adapter, Answer, Doubt, MetricsGroup, Reach};
pub use admission::Sidecar;
pub use busy::BusyServer;
pub use components::Release;
pub use error::{Error, Result};
pub use kwok::SIMULATED_TAINT;
pub use load::{Load, Usage};
pub use locust::{locust, locust_image};
pub use metrics_server::MetricsServer;
pub use namespace::Namespace;
pub use oha::oha;
pub use options::{KubeletCertificate, Options};
pub use pods::{CPU_ANNOTATION, End, HOLD_ANNOTATION, LINGER_ANNOTATION, MEMORY_ANNOTATION};
pub use process::{resident_memory, start_time};
pub use sandbox::{Component, ComponentStatus, Sandbox};

/// The field manager of what the sandbox writes into the cluster.
const FIELD_MANAGER: &str = "tfserve-sandbox";
