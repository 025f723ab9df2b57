//! Errors of the libraries and of the servers that the controller asks: it passes them on word for word.
//!
//! They are the tails of other texts, and the same in all releases. What an adapter, a webhook or Go's network
//! packages write has no end: of it only the words are listed that decide what happened.

use super::{ALL, Entry, Kind};

const fn foreign(template: &'static str, source: &'static str, meaning: &'static str) -> Entry {
    Entry {
        kind: Kind::Foreign,
        template,
        releases: ALL,
        source,
        meaning,
    }
}

const STATUS: &str = "k8s.io/apimachinery/pkg/api/errors/errors.go: NewGenericServerResponse";
const ERRORS: &str = "k8s.io/apimachinery/pkg/api/errors/errors.go";
const MAPPING: &str = "k8s.io/apimachinery/pkg/api/meta/errors.go: NoKindMatchError";
const SCALE: &str = "k8s.io/client-go/scale/client.go";
const SCALE_KIND: &str = "k8s.io/client-go/scale/util.go";
const CUSTOM: &str = "k8s.io/metrics/pkg/client/custom_metrics";
const SELECTOR: &str = "k8s.io/apimachinery/pkg/labels/selector.go: NewRequirement";
const ADAPTER: &str = "sigs.k8s.io/custom-metrics-apiserver/pkg/provider/errors.go";
const ADMISSION: &str = "k8s.io/apiserver/pkg/admission/plugin";
const NETWORK: &str = "Go's packages net, net/http, crypto/tls, crypto/x509 and context";

pub(super) const ENTRIES: &[Entry] = &[
    // What an API server answers, by its HTTP status.
    foreign(
        "the server could not find the requested resource",
        STATUS,
        "404: the group, the version or the resource is not served",
    ),
    foreign(
        "the server is currently unable to handle the request",
        STATUS,
        "503: nothing available answers for the API",
    ),
    foreign(
        "an error on the server (%q) has prevented the request from succeeding",
        STATUS,
        "5xx: the server failed; what it said stands in the brackets",
    ),
    foreign(
        "the server was unable to return a response in the time allotted, but may still be processing the request",
        STATUS,
        "504: too slow",
    ),
    foreign(
        "the server has asked for the client to provide credentials",
        STATUS,
        "401: the controller's credentials are not accepted",
    ),
    foreign(
        "the server has received too many requests and has asked us to try again later",
        STATUS,
        "429: throttled",
    ),
    foreign(
        "the server reported a conflict",
        STATUS,
        "409: somebody else wrote the object meanwhile",
    ),
    foreign(
        "the server rejected our request for an unknown reason",
        STATUS,
        "400: the request is not understood",
    ),
    foreign(
        "the server rejected our request due to an error in our request",
        STATUS,
        "422: the object does not pass validation",
    ),
    foreign(
        "the server does not allow this method on the requested resource",
        STATUS,
        "405: the resource cannot be read or written like this",
    ),
    foreign(
        "the server was unable to respond with a content type that the client supports",
        STATUS,
        "406: no common format",
    ),
    foreign(
        "the server responded with the status code %d but did not return more information",
        STATUS,
        "any other status",
    ),
    foreign(
        "%s %q not found",
        ERRORS,
        "404: no object of this name; of a custom kind also: it has no scale subresource",
    ),
    foreign(
        "%s %q is forbidden: %v",
        ERRORS,
        "403: a right on this object is missing",
    ),
    foreign(
        "%s is forbidden: %v",
        ERRORS,
        "403: a right on this resource is missing",
    ),
    foreign("forbidden: %v", ERRORS, "403: a right is missing"),
    foreign(
        "Operation cannot be fulfilled on %s %q: %v",
        ERRORS,
        "409: somebody else wrote the object meanwhile",
    ),
    foreign(
        "%s %q is invalid: %v",
        ERRORS,
        "422: the object does not pass validation",
    ),
    foreign("Internal error occurred: %v", ERRORS, "500: the server failed"),
    foreign("Timeout: %s", ERRORS, "504: too slow"),
    foreign(
        "The %s operation against %s could not be completed at this time, please try again.",
        ERRORS,
        "500: too slow",
    ),
    foreign("Too many requests: %s", ERRORS, "429: throttled"),
    foreign(
        "Unauthorized",
        "k8s.io/apiserver/pkg/endpoints/filters/authentication.go",
        "401: the controller's credentials are not accepted",
    ),
    foreign(
        "the spec replicas field %q does not exist",
        "k8s.io/apiextensions-apiserver/pkg/registry/customresource/etcd.go",
        "the custom object has no value at the specReplicasPath of its CRD",
    ),
    // Admission.
    foreign(
        "admission webhook %q denied the request",
        ADMISSION,
        "a webhook refused the new number of replicas",
    ),
    foreign(
        "ValidatingAdmissionPolicy '%s' with binding '%s' denied request: %s",
        ADMISSION,
        "a policy refused the new number of replicas",
    ),
    // The way to the target.
    foreign(
        "unexpected GroupVersion string: %v",
        "k8s.io/apimachinery/pkg/runtime/schema/group_version.go: ParseGroupVersion",
        "apiVersion of the scaleTargetRef has more than one slash",
    ),
    foreign(
        "no matches for kind %q in group %q",
        MAPPING,
        "the kind does not exist in this group",
    ),
    foreign(
        "no matches for kind %q in version %q",
        MAPPING,
        "the kind does not exist in this version",
    ),
    foreign(
        "no matches for kind %q in versions %q",
        MAPPING,
        "the kind does not exist in these versions",
    ),
    foreign(
        "unable to get full preferred group-version-resource for %s: %v",
        SCALE,
        "the group of the target could not be discovered",
    ),
    foreign(
        "received an object from a /scale endpoint which was not convertible to autoscaling Scale: %v",
        SCALE,
        "the target's server answers /scale with another object",
    ),
    foreign(
        "could not find proper group-version for scale subresource of %s: %v",
        SCALE,
        "the scale subresource of the target could not be discovered",
    ),
    foreign(
        "unable to get client for %s: %v",
        SCALE,
        "the group of the target could not be discovered",
    ),
    foreign(
        "could not convert scale update to external Scale: %v",
        SCALE,
        "the new scale has no form that the target's server takes",
    ),
    foreign(
        "could not encode scale update to external Scale: %v",
        SCALE,
        "the new scale has no form that the target's server takes",
    ),
    foreign(
        "unable to fetch discovery information for %s: %v",
        SCALE_KIND,
        "the group of the target could not be discovered",
    ),
    foreign(
        "could not find scale subresource for %s in discovery information",
        SCALE_KIND,
        "discovery lists no scale subresource of the target",
    ),
    foreign(
        "unable to retrieve the complete list of server APIs: %s",
        "k8s.io/client-go/discovery/discovery_client.go",
        "an aggregated API does not answer to discovery",
    ),
    // The client and the adapters of custom and external metrics.
    foreign(
        "no custom metrics API (%s) registered",
        CUSTOM,
        "no adapter serves custom.metrics.k8s.io",
    ),
    foreign(
        "no known available metric versions found",
        CUSTOM,
        "custom.metrics.k8s.io is served in no version that the controller knows, or in none whose adapter answers to \
         discovery",
    ),
    foreign(
        "unable to map kind %s to resource: %v",
        CUSTOM,
        "the kind of the described object is not served",
    ),
    foreign(
        "the custom metrics API server returned %v results when we asked for exactly one",
        CUSTOM,
        "the adapter answered with several values for one object",
    ),
    foreign(
        "the custom metrics API server didn't return MetricValueList, the type is %v",
        CUSTOM,
        "the adapter answered with something else",
    ),
    foreign(
        "the server could not find the metric %s for %s",
        ADAPTER,
        "the adapter does not know the metric",
    ),
    foreign(
        "the server could not find the metric %s for %s %s",
        ADAPTER,
        "the adapter does not know the metric of this object",
    ),
    foreign(
        "the server could not find the descriptor for metric %s: %s",
        ADAPTER,
        "the adapter does not know the metric",
    ),
    // metric.selector.
    foreign(
        "%q is not a valid label selector operator",
        "k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go: LabelSelectorAsSelector",
        "metric.selector has an operator that does not exist",
    ),
    foreign(
        "for 'in', 'notin' operators, values set can't be empty",
        SELECTOR,
        "metric.selector lacks values",
    ),
    foreign(
        "values set must be empty for exists and does not exist",
        SELECTOR,
        "metric.selector has values that it must not have",
    ),
    // The network.
    foreign(
        "dial tcp %s: connect: connection refused",
        NETWORK,
        "nothing listens",
    ),
    foreign("dial tcp %s: i/o timeout", NETWORK, "nothing answers"),
    foreign(
        "context deadline exceeded",
        NETWORK,
        "nothing answered before the deadline",
    ),
    foreign(
        "tls: failed to verify certificate: x509: %s",
        NETWORK,
        "the server's certificate is not trusted",
    ),
    foreign("unexpected EOF", NETWORK, "the connection was closed"),
];
