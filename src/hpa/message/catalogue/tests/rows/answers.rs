//! What a metrics API answers.

use super::super::render::METRICS;
use super::{CUSTOM, EXTERNAL, Origin, Row, around, failure, row};
use crate::hpa::message::{ApiFailure, Message};

/// What an API server, or the way to it, answers to any request.
pub(super) fn rows() -> Vec<Row> {
    const GET: &str = " (get pods.metrics.k8s.io)";
    let metrics = || METRICS.map(Origin::Answer);
    let all = || metrics().into_iter().chain([Origin::Scale, Origin::Status]);
    let status = |template, arguments, failed| around("", failure(template, arguments, all(), failed), GET);
    vec![
        around(
            "",
            failure(
                "the server could not find the requested resource",
                &[],
                metrics(),
                ApiFailure::NotServed,
            ),
            GET,
        ),
        row(
            "the server could not find the requested resource",
            &[],
            [Origin::Scale],
            Message::NoScaleSubresource,
        ),
        status(
            "the server is currently unable to handle the request",
            &[],
            ApiFailure::Unavailable,
        ),
        status(
            "an error on the server (%q) has prevented the request from succeeding",
            &["Internal Server Error: \"/apis/metrics.k8s.io\": dial tcp: x509: 100%"],
            ApiFailure::ServerError,
        ),
        status(
            "the server was unable to return a response in the time allotted, but may still be processing the request",
            &[],
            ApiFailure::TimedOut,
        ),
        status(
            "the server has asked for the client to provide credentials",
            &[],
            ApiFailure::Unauthorized,
        ),
        status(
            "the server has received too many requests and has asked us to try again later",
            &[],
            ApiFailure::TooManyRequests,
        ),
        status("the server reported a conflict", &[], ApiFailure::Conflict),
        status(
            "the server rejected our request for an unknown reason",
            &[],
            ApiFailure::Rejected,
        ),
        status(
            "the server rejected our request due to an error in our request",
            &[],
            ApiFailure::Invalid,
        ),
        status(
            "the server does not allow this method on the requested resource",
            &[],
            ApiFailure::Rejected,
        ),
        status(
            "the server was unable to respond with a content type that the client supports",
            &[],
            ApiFailure::Rejected,
        ),
        status(
            "the server responded with the status code %d but did not return more information",
            &["418"],
            ApiFailure::Rejected,
        ),
        failure(
            "%s is forbidden: %v",
            &[
                "pods.metrics.k8s.io",
                "User \"system:serviceaccount:kube-system:horizontal-pod-autoscaler\" cannot list resource \
                 \"pods\" in API group \"metrics.k8s.io\" in the namespace \"shop\"",
            ],
            all(),
            ApiFailure::Forbidden,
        ),
        failure(
            "%s %q is forbidden: %v",
            &[
                "deployments.apps",
                "web",
                "User \"u\" cannot get resource \"deployments/scale\"",
            ],
            all(),
            ApiFailure::Forbidden,
        ),
        failure(
            "forbidden: %v",
            &["User \"u\" cannot get path \"/apis/metrics.k8s.io\""],
            all(),
            ApiFailure::Forbidden,
        ),
        failure(
            "Internal error occurred: %v",
            &["etcd is away"],
            all(),
            ApiFailure::ServerError,
        ),
        failure(
            "Timeout: %s",
            &["request did not complete"],
            all(),
            ApiFailure::TimedOut,
        ),
        failure(
            "The %s operation against %s could not be completed at this time, please try again.",
            &["list", "pods.metrics.k8s.io"],
            all(),
            ApiFailure::TimedOut,
        ),
        failure(
            "Too many requests: %s",
            &["too many requests, please try again later"],
            all(),
            ApiFailure::TooManyRequests,
        ),
        failure("Unauthorized", &[], all(), ApiFailure::Unauthorized),
        around(
            "Get \"https://10.0.0.1/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?labelSelector=app%3Dweb%2Ctier\": ",
            failure(
                "dial tcp %s: connect: connection refused",
                &["10.0.0.1:443"],
                all(),
                ApiFailure::Transport,
            ),
            "",
        ),
        failure(
            "dial tcp %s: i/o timeout",
            &["10.0.0.1:443"],
            all(),
            ApiFailure::Transport,
        ),
        failure("context deadline exceeded", &[], all(), ApiFailure::Transport),
        failure(
            "tls: failed to verify certificate: x509: %s",
            &["certificate signed by unknown authority"],
            all(),
            ApiFailure::Transport,
        ),
        failure("unexpected EOF", &[], all(), ApiFailure::Transport),
    ]
}

/// The client and the adapters of custom and external metrics.
pub(super) fn adapters() -> Vec<Row> {
    let custom = || CUSTOM.map(Origin::Answer);
    let adapted = || custom().into_iter().chain(EXTERNAL.map(Origin::Answer));
    vec![
        failure(
            "no custom metrics API (%s) registered",
            &["custom.metrics.k8s.io"],
            custom(),
            ApiFailure::NotServed,
        ),
        failure(
            "no known available metric versions found",
            &[],
            custom(),
            ApiFailure::Discovery,
        ),
        row(
            "unable to map kind %s to resource: %v",
            &[
                "Foo.example.com",
                "no matches for kind \"Foo\" in group \"example.com\"",
            ],
            custom(),
            Message::DescribedKindUnknown("Foo.example.com".into()),
        ),
        failure(
            "the custom metrics API server returned %v results when we asked for exactly one",
            &["2"],
            custom(),
            ApiFailure::BadAnswer,
        ),
        failure(
            "the custom metrics API server didn't return MetricValueList, the type is %v",
            &["*v1.Status"],
            custom(),
            ApiFailure::BadAnswer,
        ),
        failure(
            "the server could not find the metric %s for %s",
            &["qps", "pods"],
            adapted(),
            ApiFailure::MetricUnknown,
        ),
        failure(
            "the server could not find the metric %s for %s %s",
            &["qps", "ingresses.networking.k8s.io", "web"],
            adapted(),
            ApiFailure::MetricUnknown,
        ),
        failure(
            "the server could not find the descriptor for metric %s: %s",
            &["qps", "not found"],
            adapted(),
            ApiFailure::MetricUnknown,
        ),
        failure(
            "%s %q not found",
            &["queue.external.metrics.k8s.io", "queue"],
            adapted(),
            ApiFailure::MetricUnknown,
        ),
        failure(
            "unable to retrieve the complete list of server APIs: %s",
            &["custom.metrics.k8s.io/v1beta1: stale GroupVersion discovery"],
            adapted(),
            ApiFailure::Discovery,
        ),
    ]
}
