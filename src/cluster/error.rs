//! What can go wrong between this machine and the API server.

use std::time::Duration;

use kube::client::AuthError;

use super::Ask;

/// A failed conversation with the cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no usable kubeconfig, or the context, cluster or user that was asked for is not in it.
    #[error("{0}")]
    Configuration(String),
    /// The API server knows who asks, and does not allow it.
    #[error("{what}: {why}; ask for the right, and check it with `kubectl auth can-i {right}`")]
    Forbidden {
        /// What was tried.
        what: String,
        /// The API server's own sentence.
        why: String,
        /// The right that is missing, in the words of `kubectl auth can-i`.
        right: String,
    },
    /// A request failed.
    #[error("{what}: {why}")]
    Request {
        /// What was tried, for example `cannot get deployments.apps tf-serving/image-classifier`.
        what: String,
        /// What came back, and the next step.
        why: String,
        /// The HTTP status, where the API server answered.
        status: Option<u16>,
    },
}

impl Error {
    /// The HTTP status, where the API server answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Configuration(_) => None,
            Self::Forbidden { .. } => Some(403),
            Self::Request { status, .. } => *status,
        }
    }

    /// Whether the API server said that the object, or its kind, does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether every other request would fail in the same way: nothing answers, or not to this user.
    pub fn is_fatal(&self) -> bool {
        matches!(self.status(), None | Some(401))
    }

    /// What came back, without what was tried.
    pub fn why(&self) -> &str {
        match self {
            Self::Configuration(text) => text,
            Self::Forbidden { why, .. } | Self::Request { why, .. } => why,
        }
    }
}

/// Whom a request was sent to and in whose name; the words of errors need it.
#[derive(Debug, Clone, Default)]
pub(super) struct Peer {
    /// The API server's URL.
    pub(super) server: String,
    /// The kubeconfig's user.
    pub(super) user: Option<String>,
    /// The kubeconfig's context.
    pub(super) context: Option<String>,
}

impl Peer {
    /// Rewrites kube's error of a request.
    pub(super) fn explain(&self, ask: &Ask<'_>, error: &kube::Error) -> Error {
        let (why, status) = match error {
            kube::Error::Api(status) if status.code == 403 => {
                return Error::Forbidden {
                    what: format!("cannot {ask}"),
                    why: message(status),
                    right: ask.right(),
                };
            }
            kube::Error::Api(status) => (self.refusal(status), Some(status.code)),
            // The server answered; only its answer is not what was expected.
            kube::Error::SerdeError(error) => (
                format!("the answer of {} is not understood: {error}", self.server),
                Some(200),
            ),
            kube::Error::Auth(error) => (self.login(error, None), None),
            other => (self.transport(other), None),
        };
        Error::Request {
            what: format!("cannot {ask}"),
            why,
            status,
        }
    }

    /// No answer in time.
    pub(super) fn timed_out(&self, ask: &Ask<'_>, deadline: Duration) -> Error {
        Error::Request {
            what: format!("cannot {ask}"),
            why: format!(
                "no answer from {} within {deadline:?}; check the network, or give it more time with \
                 `--request-timeout`",
                self.server
            ),
            status: None,
        }
    }

    /// kube could not build a client from the kubeconfig.
    pub(super) fn unusable(&self, error: &kube::Error, install_hint: Option<&str>) -> Error {
        Error::Configuration(match error {
            kube::Error::Auth(error) => self.login(error, install_hint),
            other => format!("cannot use {}: {}", self.server, innermost(other)),
        })
    }

    fn refusal(&self, status: &kube::core::Status) -> String {
        match status.code {
            401 => format!(
                "{} does not accept the credentials of {} (401 Unauthorized); log in again, or choose another \
                 `--context` or `--user`",
                self.server,
                named("user", self.user.as_deref()),
            ),
            404 => message(status),
            code => format!("{} (HTTP {code})", message(status)),
        }
    }

    fn login(&self, error: &AuthError, install_hint: Option<&str>) -> String {
        let user = named("user", self.user.as_deref());
        match error {
            AuthError::AuthExecStart(error) => {
                let hint = install_hint.map(str::trim).filter(|hint| !hint.is_empty());
                format!(
                    "cannot run the login command of {user}: {error}; {}",
                    hint.unwrap_or("install it, or correct `users[].user.exec.command` in the kubeconfig")
                )
            }
            AuthError::AuthExecRun { cmd, out } => format!(
                "the login command of {user} failed, {}: {cmd} {}",
                out.status,
                String::from_utf8_lossy(&out.stderr).trim()
            ),
            other => format!("cannot log in as {user}: {}", innermost(other)),
        }
    }

    fn transport(&self, error: &kube::Error) -> String {
        let server = &self.server;
        let cause = innermost(error);
        if cause.contains("certificate") {
            format!(
                "the certificate of {server} is not trusted: {cause}; check `certificate-authority-data` and \
                 `tls-server-name` of the cluster in the kubeconfig"
            )
        } else if cause.contains("corrupt message") {
            format!("{server} does not speak TLS: {cause}; check `server` of the cluster in the kubeconfig")
        } else {
            format!(
                "{server} cannot be reached: {cause}; check that the cluster runs and that {} is the right one",
                named("context", self.context.as_deref())
            )
        }
    }
}

fn named(kind: &str, name: Option<&str>) -> String {
    name.map_or_else(|| format!("the {kind}"), |name| format!("{kind} `{name}`"))
}

/// The API server's sentence, or its status line where it wrote none.
fn message(status: &kube::core::Status) -> String {
    let text = status.message.trim();
    if text.is_empty() {
        http::StatusCode::from_u16(status.code)
            .ok()
            .and_then(|code| code.canonical_reason())
            .unwrap_or("no message")
            .to_lowercase()
    } else {
        text.to_owned()
    }
}

/// The last cause of a chain: `Connection refused (os error 111)` and not `client error (Connect)`.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
