//! The tail of an error: what an API server, or the way to it, answered.

use super::ApiFailure;

/// Reads the text of an API error. The most telling words come first, because a server's own error may
/// quote another one.
pub(super) fn failure(text: &str) -> ApiFailure {
    KNOWN
        .iter()
        .find(|(words, _)| words.iter().any(|word| text.contains(word)))
        .map_or_else(
            || ApiFailure::Other(text.to_owned()),
            |(_, failure)| failure.clone(),
        )
}

/// `apimachinery/pkg/api/errors/errors.go`, `k8s.io/metrics/pkg/client/custom_metrics`, the error helpers of
/// custom-metrics-apiserver, and Go's net, tls and context packages.
const KNOWN: &[(&[&str], ApiFailure)] = &[
    (
        &[
            "the server could not find the metric ",
            "could not find the descriptor for metric ",
        ],
        ApiFailure::MetricUnknown,
    ),
    (
        &[
            "the server could not find the requested resource",
            "no custom metrics API (",
        ],
        ApiFailure::NotServed,
    ),
    (
        &["the server is currently unable to handle the request"],
        ApiFailure::Unavailable,
    ),
    (
        &["admission webhook \"", "denied the request", " denied request: "],
        ApiFailure::Denied,
    ),
    (
        &["an error on the server (", "Internal error occurred: "],
        ApiFailure::ServerError,
    ),
    (
        &[
            "the server was unable to return a response in the time allotted",
            "Timeout: ",
            " could not be completed at this time, please try again",
        ],
        ApiFailure::TimedOut,
    ),
    (
        &[
            "the server has asked for the client to provide credentials",
            "Unauthorized",
        ],
        ApiFailure::Unauthorized,
    ),
    (&[" is forbidden: ", "forbidden: "], ApiFailure::Forbidden),
    (
        &["the server has received too many requests", "Too many requests"],
        ApiFailure::TooManyRequests,
    ),
    (
        &[
            "Operation cannot be fulfilled on ",
            "the server reported a conflict",
        ],
        ApiFailure::Conflict,
    ),
    (
        &[
            " is invalid: ",
            "the server rejected our request due to an error in our request",
        ],
        ApiFailure::Invalid,
    ),
    (
        &[
            "the server rejected our request for an unknown reason",
            "the server does not allow this method on the requested resource",
            "the server was unable to respond with a content type that the client supports",
            "the server responded with the status code ",
        ],
        ApiFailure::Rejected,
    ),
    (
        &[
            "unrecognized resource",
            "no known available metric versions found",
            "unable to get full preferred group-version-resource",
            "unable to fetch discovery information",
            "could not find scale subresource for ",
            "could not find proper group-version for scale subresource",
            "unable to get client for ",
            "unable to retrieve the complete list of server APIs",
        ],
        ApiFailure::Discovery,
    ),
    (
        &[
            " results when we asked for exactly one",
            "the custom metrics API server didn't return ",
            "could not convert scale update to external Scale",
            "could not encode scale update to external Scale",
        ],
        ApiFailure::BadAnswer,
    ),
    (
        &[
            "dial tcp",
            "connection refused",
            "connection reset by peer",
            "context deadline exceeded",
            "context canceled",
            "i/o timeout",
            "no such host",
            "no route to host",
            "x509: ",
            "tls: ",
            "http2: ",
            "EOF",
            "Client.Timeout exceeded",
            "TLS handshake timeout",
        ],
        ApiFailure::Transport,
    ),
    (&["\" not found"], ApiFailure::NotFound),
];
