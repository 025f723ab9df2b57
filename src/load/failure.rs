//! Why a request got no answer that counts.

use serde::Serialize;

/// The kinds that a person treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "status")]
pub enum Failure {
    /// Nobody listens at the port.
    Refused,
    /// The way there is missing.
    Unreachable,
    /// The other side tore the connection down.
    Reset,
    /// The other side closed the connection before it answered.
    Closed,
    /// No whole answer within the time that a request may take.
    Timeout,
    /// An answer whose status is no 2xx.
    Status(u16),
    /// The answer began and ended before its announced length.
    BodyTooShort,
    /// The certificate or the handshake.
    Tls,
    /// The answer is no HTTP/1.1.
    Protocol,
    /// This machine has no port, file or memory left for another connection.
    ClientExhausted,
    /// Anything else.
    Other,
}

impl Failure {
    /// In a person's words.
    pub fn words(self) -> String {
        match self {
            Self::Refused => "connection refused".to_owned(),
            Self::Unreachable => "host or network unreachable".to_owned(),
            Self::Reset => "connection reset".to_owned(),
            Self::Closed => "connection closed before the answer".to_owned(),
            Self::Timeout => "no answer in time".to_owned(),
            Self::Status(status) => format!("HTTP {status}"),
            Self::BodyTooShort => "body shorter than announced".to_owned(),
            Self::Tls => "TLS handshake failed".to_owned(),
            Self::Protocol => "answer is no HTTP/1.1".to_owned(),
            Self::ClientExhausted => "this machine has no sockets left".to_owned(),
            Self::Other => "other".to_owned(),
        }
    }

    /// Whether there was nobody to talk to: a user who tries again at once would only burn CPU.
    pub fn is_without_connection(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::Unreachable
                | Self::Reset
                | Self::Closed
                | Self::Tls
                | Self::ClientExhausted
        )
    }

    /// Whether this machine, and not the server, is to blame.
    pub fn is_of_the_client(self) -> bool {
        self == Self::ClientExhausted
    }
}
