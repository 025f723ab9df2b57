//! The error that a command ends with, and its exit code.

use crate::output::escape;
use crate::{cluster, exit};

/// Why a command could not do its work. Every text says what was tried, on what, what came back and what
/// to do next, as a lower-case fragment.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line, or a file it names, cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// The cluster could not be asked, or refused.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The command understood everything and did what it could; the result is not what was asked for.
    #[error("{0}")]
    Incomplete(String),
    /// Standard output was closed or cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
}

impl Error {
    /// The text for a terminal: much of it was written by a cluster.
    pub fn printable(&self) -> String {
        escape::line(&self.to_string().replace('\n', " ")).into_owned()
    }

    /// The exit code. A reader that closed the pipe early has got what it wanted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => exit::OK,
            Self::Cluster(_) | Self::Incomplete(_) | Self::Output(_) => exit::FAILED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;
    use crate::cluster;

    #[test]
    fn what_a_server_answers_cannot_move_the_cursor() {
        let error = Error::Cluster(cluster::Error::Request {
            what: "cannot list pods".to_owned(),
            why: "\u{1b}[2Jno\nsecond line\u{9b}31m\u{202e}".to_owned(),
            status: Some(500),
        });
        assert_eq!(
            error.printable(),
            "cannot list pods: \\u{1b}[2Jno second line\\u{9b}31m\\u{202e}"
        );
    }
}
