//! What can go wrong, and what to do about it.

use std::path::PathBuf;
use std::time::Duration;

/// Why the sandbox could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The sandbox needs the whole of `127.0.0.0/8` on loopback and `/proc`.
    #[error("the sandbox runs on Linux only: it needs every address of 127.0.0.0/8 and /proc")]
    UnsupportedPlatform,

    /// The components are built from source and there is no compiler.
    #[error(
        "`go` was not found on PATH: install Go 1.26 or newer, \
         the sandbox builds its Kubernetes from source on first use"
    )]
    GoNotFound,

    /// A component did not compile.
    #[error("`go build` of {module} failed ({status})\n{output}")]
    Build {
        /// The module under `components/`.
        module: String,
        /// How the compiler ended.
        status: std::process::ExitStatus,
        /// The end of its output.
        output: String,
    },

    /// Packages of Python could not be installed.
    #[error(
        "{name} cannot be installed: PyPI, or the index that pip is configured for, must be reachable once\n{said}"
    )]
    Pip {
        /// What was to be installed.
        name: &'static str,
        /// What pip said.
        said: String,
    },

    /// A real node was asked for by somebody who is not root.
    #[error(
        "a real node needs root: it makes network namespaces, mounts and control groups; \
         without `--node` the sandbox needs none of them"
    )]
    NodeNeedsRoot,

    /// Programs that a real node calls are not on this machine.
    #[error(
        "a real node needs what this machine lacks: `apt-get install {0}`, or the same from your distribution"
    )]
    NodeLacks(
        /// Names of Debian packages.
        String,
    ),

    /// No such release among the pinned ones.
    #[error("no pinned components for Kubernetes {0}: use 1.34 or 1.37")]
    UnknownRelease(String),

    /// A file, a process or a socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },

    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),

    /// The API server refused, or could not be reached.
    #[error("{what}: {source}")]
    Api {
        /// What was tried.
        what: String,
        /// What the client said.
        source: Box<kube::Error>,
    },

    /// A component ended when it should run.
    #[error("{component} ended ({status}), its log says:\n{log}")]
    ComponentEnded {
        /// Which one.
        component: String,
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },

    /// A state that should come did not.
    #[error("{what} did not happen within {} s; last seen: {last}", waited.as_secs())]
    Timeout {
        /// What was awaited.
        what: String,
        /// For how long.
        waited: Duration,
        /// What was there instead.
        last: String,
    },

    /// `kubectl` ended with an error.
    #[error("`kubectl {arguments}` failed: {message}")]
    Kubectl {
        /// What was asked.
        arguments: String,
        /// What it wrote on stderr.
        message: String,
    },

    /// The object is not there, or not as it must be.
    #[error("{0}")]
    Unexpected(String),

    /// The record of the running sandbox cannot be read.
    #[error("{} is not a record of a sandbox: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: serde_json::Error,
    },
}

/// A result of the sandbox.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says what was tried when something fails.
pub(crate) trait Context<T> {
    /// Adds `what` to the error.
    fn context(self, what: impl Into<String>) -> Result<T>;
}

impl<T> Context<T> for std::io::Result<T> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Io {
            what: what.into(),
            source,
        })
    }
}

impl<T> Context<T> for kube::Result<T> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Api {
            what: what.into(),
            source: Box::new(source),
        })
    }
}
