//! The connection.

use std::path::PathBuf;
use std::time::Duration;

use super::Error;

/// kubectl's global flags, as they were given.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--namespace`; the context's namespace, else `default`.
    pub namespace: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`.
    pub impersonate_groups: Vec<String>,
    /// `--request-timeout`; one request may take no longer.
    pub request_timeout: Option<Duration>,
}

/// A connection to one cluster. It never retries by itself: a 503 of an aggregated API is an answer.
#[derive(Clone)]
pub struct Cluster {
    /// kube's client, with its default retry off and a deadline on every request.
    pub client: kube::Client,
    /// The namespace that applies where a command names none.
    pub namespace: String,
}

impl Cluster {
    /// Reads the kubeconfig as kubectl does; sends no request yet.
    pub fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let _ = options;
        Err(Error::Configuration("not connected".to_owned()))
    }
}
