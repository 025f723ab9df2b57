//! What can go wrong between this machine and the API server.

/// A failed conversation with the cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no usable kubeconfig, or the context, cluster or user that was asked for is not in it.
    #[error("{0}")]
    Configuration(String),
    /// A request failed.
    #[error("{what}: {why}")]
    Request {
        /// What was tried, for example `cannot read Deployment tf-serving/image-classifier`.
        what: String,
        /// What came back, and the next step.
        why: String,
        /// The HTTP status, where the API server answered.
        status: Option<u16>,
    },
}
