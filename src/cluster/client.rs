//! The connection.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};

use super::error::Peer;
use super::{Ask, Error, kubeconfig, proxy};

/// How long one request may take where `--request-timeout` says nothing.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// How long a connection may take to come up.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// Sent with every request, for the API server's audit log and its flow control.
const USER_AGENT: &str = concat!("kubectl-tfserve/", env!("CARGO_PKG_VERSION"));

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
    /// `--as-uid`.
    pub impersonate_uid: Option<String>,
    /// `--request-timeout`; one request may take no longer. Zero waits for ever, none means
    /// [`DEFAULT_DEADLINE`].
    pub request_timeout: Option<Duration>,
}

/// A connection to one cluster. It never retries by itself: a 503 of an aggregated API is an answer.
#[derive(Clone)]
pub struct Cluster {
    /// kube's client, with its default retry off and a deadline for the head of every answer; a body that
    /// must not hang is read through [`Cluster::ask`].
    pub client: Client,
    /// The same connection without that deadline, for answers that a model takes its time for.
    pub(super) patient: Client,
    /// The namespace that applies where a command names none.
    pub namespace: String,
    deadline: Option<Duration>,
    peer: Peer,
    requests: Arc<AtomicUsize>,
}

impl Cluster {
    /// Reads the kubeconfig as kubectl does; sends no request yet, but runs the user's login command where
    /// there is one. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// There is no usable kubeconfig, or it does not have what the flags name.
    pub fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let (mut config, mut peer, install_hint) = configure(options)?;
        let impersonation = &mut config.auth_info;
        impersonation.impersonate = options.impersonate.clone().or(impersonation.impersonate.take());
        impersonation.impersonate_uid = options
            .impersonate_uid
            .clone()
            .or(impersonation.impersonate_uid.take());
        if !options.impersonate_groups.is_empty() {
            impersonation.impersonate_groups = Some(options.impersonate_groups.clone());
        }
        if impersonation.impersonate.is_none()
            && (impersonation.impersonate_groups.is_some() || impersonation.impersonate_uid.is_some())
        {
            return Err(Error::Configuration(
                "`--as-group` and `--as-uid` need `--as`: groups and uid belong to a user".to_owned(),
            ));
        }
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_DEADLINE);
        config.headers.push((
            http::header::USER_AGENT,
            http::HeaderValue::from_static(USER_AGENT),
        ));
        config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .clone_into(&mut peer.server);

        let deadline = match options.request_timeout {
            None => Some(DEFAULT_DEADLINE),
            Some(Duration::ZERO) => None,
            Some(timeout) => Some(timeout),
        };
        let namespace = options
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let requests = Arc::new(AtomicUsize::new(0));
        let patient = build(config, Arc::clone(&requests))
            .map_err(|error| peer.unusable(&error, install_hint.as_deref()))?;
        let client = deadline.map_or_else(|| patient.clone(), |deadline| hurried(&patient, deadline));
        Ok(Self {
            client,
            patient,
            namespace,
            deadline,
            peer,
            requests,
        })
    }

    /// A connection over a client that exists already, for tests.
    pub fn from_client(client: Client, namespace: impl Into<String>) -> Self {
        Self {
            patient: client.clone(),
            client,
            namespace: namespace.into(),
            deadline: Some(DEFAULT_DEADLINE),
            peer: Peer::default(),
            requests: Arc::default(),
        }
    }

    /// Awaits a request, its body included, within the deadline, and rewrites what went wrong.
    ///
    /// # Errors
    /// The request failed, was refused or took too long.
    pub async fn ask<T>(
        &self,
        ask: Ask<'_>,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Error> {
        let Some(deadline) = self.deadline else {
            return request.await.map_err(|error| self.explain(&ask, &error));
        };
        match tokio::time::timeout(deadline, request).await {
            Ok(answer) => answer.map_err(|error| self.explain(&ask, &error)),
            Err(_) => Err(self.peer.timed_out(&ask, deadline)),
        }
    }

    /// Rewrites kube's error of a request that was not sent through [`Cluster::ask`].
    pub fn explain(&self, ask: &Ask<'_>, error: &kube::Error) -> Error {
        match (error, self.deadline) {
            (kube::Error::Service(source), Some(deadline))
                if source.is::<tower::timeout::error::Elapsed>() =>
            {
                self.peer.timed_out(ask, deadline)
            }
            _ => self.peer.explain(ask, error),
        }
    }

    /// How long one request may take; none where it may take for ever.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.peer.server
    }

    /// How many requests were sent.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// kube's configuration, whom it speaks to, and the login command's own advice.
fn configure(options: &ConnectOptions) -> Result<(Config, Peer, Option<String>), Error> {
    let Some(kubeconfig) = kubeconfig::read(options.kubeconfig.as_deref())? else {
        return in_cluster(options);
    };
    let selection = kubeconfig::select(kubeconfig, options)?;
    let peer = Peer {
        server: selection.cluster.server.clone().unwrap_or_default(),
        user: selection.user,
        context: selection.context,
    };
    let install_hint = selection.auth.exec.and_then(|exec| exec.install_hint);
    let mut config = Config::try_from(selection.kubeconfig).map_err(|error| {
        Error::Configuration(format!("cannot use the kubeconfig for {}: {error}", peer.server))
    })?;
    let environment = |name: &str| std::env::var(name).ok();
    config.proxy_url = proxy::select(
        selection.cluster.proxy_url.as_deref(),
        &config.cluster_url,
        environment,
    )?;
    Ok((config, peer, install_hint))
}

/// The service account of the pod that this runs in, where it runs in one.
fn in_cluster(options: &ConnectOptions) -> Result<(Config, Peer, Option<String>), Error> {
    let looked = || {
        let paths = kubeconfig::default_paths();
        paths
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    if let Some(context) = &options.context {
        return Err(Error::Configuration(format!(
            "there is no kubeconfig that could have the context `{context}`; looked for {}",
            looked()
        )));
    }
    let config = Config::incluster().map_err(|_| {
        Error::Configuration(format!(
            "there is no kubeconfig; looked for {}; set `KUBECONFIG` or give `--kubeconfig`",
            looked()
        ))
    })?;
    let peer = Peer {
        user: Some("the pod's service account".to_owned()),
        ..Peer::default()
    };
    Ok((config, peer, None))
}

fn build(config: Config, requests: Arc<AtomicUsize>) -> kube::Result<Client> {
    let count = move |request: http::Request<Body>| {
        requests.fetch_add(1, Ordering::Relaxed);
        request
    };
    Ok(ClientBuilder::try_from(config)?
        .with_layer(&tower::util::MapRequestLayer::new(count))
        .build())
}

/// The same client with a deadline for the head of every answer.
fn hurried(client: &Client, deadline: Duration) -> Client {
    let inner = client.clone();
    let send = tower::service_fn(move |request: http::Request<Body>| {
        let inner = inner.clone();
        async move { inner.send(request).await }
    });
    Client::new(
        tower::timeout::Timeout::new(send, deadline),
        client.default_namespace(),
    )
}
