//! What comes of the scale and the status.

use super::{Origin, Row, around, failure, row};
use crate::hpa::message::{ApiFailure, Message};

/// Reading and writing the scale and the status.
pub(super) fn rows() -> Vec<Row> {
    let scale = || [Origin::Scale];
    let kind = |group: &str| Message::KindUnknown {
        kind: "Foo".into(),
        group: group.into(),
    };
    let both = || [Origin::Scale, Origin::Status];
    vec![
        row(
            "%s %q not found",
            &["deployments.apps", "web"],
            scale(),
            Message::TargetNotFound {
                resource: "deployments.apps".into(),
                name: "web".into(),
            },
        ),
        failure(
            "%s %q not found",
            &["horizontalpodautoscalers.autoscaling", "web"],
            [Origin::Status],
            ApiFailure::NotFound,
        ),
        failure(
            "Operation cannot be fulfilled on %s %q: %v",
            &[
                "deployments.apps",
                "web",
                "the object has been modified; please apply your changes to the latest version and try again",
            ],
            both(),
            ApiFailure::Conflict,
        ),
        failure(
            "%s %q is invalid: %v",
            &[
                "Foo.example.com",
                "web",
                "spec.replicas: Invalid value: 9: should be less than or equal to 5",
            ],
            both(),
            ApiFailure::Invalid,
        ),
        around(
            "Internal error occurred: ",
            row(
                "the spec replicas field %q does not exist",
                &[".spec.replicas"],
                scale(),
                Message::ReplicasFieldMissing(".spec.replicas".into()),
            ),
            "",
        ),
        around(
            "",
            failure(
                "admission webhook %q denied the request",
                &["cap.example.com"],
                both(),
                ApiFailure::Denied,
            ),
            ": no more than 5",
        ),
        around(
            "deployments.apps \"web\" is forbidden: ",
            failure(
                "ValidatingAdmissionPolicy '%s' with binding '%s' denied request: %s",
                &["cap", "cap", "no more than 5"],
                both(),
                ApiFailure::Denied,
            ),
            "",
        ),
        row(
            "unexpected GroupVersion string: %v",
            &["a/b/c"],
            scale(),
            Message::InvalidApiVersion("a/b/c".into()),
        ),
        row(
            "no matches for kind %q in group %q",
            &["Foo", "example.com"],
            scale(),
            kind("example.com"),
        ),
        row(
            "no matches for kind %q in group %q",
            &["Foo", ""],
            scale(),
            kind(""),
        ),
        row(
            "no matches for kind %q in version %q",
            &["Foo", "example.com/v1"],
            scale(),
            kind("example.com"),
        ),
        row(
            "no matches for kind %q in version %q",
            &["Foo", "v1"],
            scale(),
            kind(""),
        ),
        row(
            "no matches for kind %q in versions %q",
            &["Foo", "[example.com/v1 example.com/v2]"],
            scale(),
            kind("example.com"),
        ),
        failure("unrecognized resource", &[], scale(), ApiFailure::Discovery),
        row(
            "received an object from a /scale endpoint which was not convertible to autoscaling Scale: %v",
            &["converting (v1.Foo) to (scheme.Scale): unknown conversion"],
            scale(),
            Message::ScaleNotConvertible,
        ),
        failure(
            "unable to get full preferred group-version-resource for %s: %v",
            &["foos.example.com", "no matches for example.com/, Resource=foos"],
            scale(),
            ApiFailure::Discovery,
        ),
        failure(
            "could not find proper group-version for scale subresource of %s: %v",
            &["apps/v1, Resource=deployments", "not today"],
            scale(),
            ApiFailure::Discovery,
        ),
        failure(
            "unable to get client for %s: %v",
            &["foos.example.com", "not today"],
            scale(),
            ApiFailure::Discovery,
        ),
        failure(
            "could not convert scale update to external Scale: %v",
            &["unknown conversion"],
            scale(),
            ApiFailure::BadAnswer,
        ),
        failure(
            "could not encode scale update to external Scale: %v",
            &["unknown encoding"],
            scale(),
            ApiFailure::BadAnswer,
        ),
        failure(
            "unable to fetch discovery information for %s: %v",
            &["apps/v1, Resource=deployments", "not today"],
            scale(),
            ApiFailure::Discovery,
        ),
        failure(
            "could not find scale subresource for %s in discovery information",
            &["apps/v1, Resource=deployments"],
            scale(),
            ApiFailure::Discovery,
        ),
    ]
}
