//! TensorFlow Serving: names, manifests, the model's state, how to call it. Pure: no I/O and no kube type.

pub mod access;
pub mod autoscaler;
pub mod batching;
pub mod errors;
pub mod manifest;
pub mod manifests;
pub mod metrics_server;
pub mod model;
pub mod models_config;
pub mod monitoring;
pub mod names;
pub mod replicas;
pub mod request;
pub mod signature;
pub mod source;

/// The field manager of server-side apply, and the value of the label `app.kubernetes.io/managed-by`.
pub const MANAGER: &str = "kubectl-tfserve";
/// The label that marks what this program made.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label that names what an object is a part of: NAME.
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// The gRPC port of TensorFlow Serving (`tools/docker/Dockerfile`, 2.16 to 2.20).
pub const GRPC_PORT: u16 = 8500;
/// The REST port of its image (`tools/docker/Dockerfile`, 2.16 to 2.20).
pub const REST_PORT: u16 = 8501;
