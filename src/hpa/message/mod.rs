//! What the controller's texts mean.
//!
//! Source of every text: `pkg/controller/podautoscaler` (`horizontal.go`, `replica_calculator.go`,
//! `metrics/client.go`, `metrics/utilization.go`), Kubernetes v1.23 to v1.37, and the libraries whose errors
//! it passes on (`apimachinery/pkg/api/errors`, `client-go/scale`, `k8s.io/metrics`). All of them are listed in
//! [`catalogue`].

mod api;
pub mod catalogue;
mod metrics;
mod normalize;
mod scale;
#[cfg(test)]
mod tests;

pub use normalize::{is_aggregated, normalize};

/// Which metrics API a message speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsApi {
    /// `metrics.k8s.io`.
    Resource,
    /// `custom.metrics.k8s.io`.
    Custom,
    /// `external.metrics.k8s.io`.
    External,
}

/// How an API request of the controller failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiFailure {
    /// 404: the group, the version or the resource is not served.
    NotServed,
    /// 503: the aggregation layer has no available backend, or could not reach it.
    Unavailable,
    /// 500 and other server errors.
    ServerError,
    /// 504.
    TimedOut,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 429.
    TooManyRequests,
    /// An adapter that does not know the metric.
    MetricUnknown,
    /// Dial, TLS and deadline texts.
    Transport,
    /// 404 with a name: the object is not there.
    NotFound,
    /// 409: somebody else wrote the object in between.
    Conflict,
    /// An admission webhook or policy said no.
    Denied,
    /// 422: the object does not pass validation.
    Invalid,
    /// The API's versions or resources could not be discovered.
    Discovery,
    /// The answer was not what the API promises.
    BadAnswer,
    /// 400, 405, 406 and other statuses: the server does not take the request as it is.
    Rejected,
    /// A text of no known API error, as it is.
    Other(String),
}

/// What the innermost text of a condition or an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// `missing request for cpu in container C of Pod P`; container and pod from 1.26 on.
    MissingRequest {
        /// `cpu`, `memory`, ….
        resource: String,
        /// The container that the lister happened to return first.
        container: Option<String>,
        /// Its pod.
        pod: Option<String>,
    },
    /// `missing pod-level request for cpu in Pod P`, 1.34 and later.
    MissingPodLevelRequest {
        /// `cpu`, `memory`, ….
        resource: String,
        /// The pod.
        pod: String,
    },
    /// `container C not found in Pod P`, 1.35 and later.
    ContainerNotFound {
        /// The container of the `ContainerResource` metric.
        container: String,
        /// The pod.
        pod: String,
    },
    /// `container C not present in metrics for pod N/P`, up to 1.32.
    ContainerNotInMetrics {
        /// The container of the `ContainerResource` metric.
        container: String,
        /// The pod.
        pod: String,
    },
    /// `no metrics returned from … metrics API`: the API answered with an empty list.
    NoMetricsReturned(MetricsApi),
    /// `did not receive metrics for targeted pods (pods might be unready)` and its older form.
    NoMetricsForPods,
    /// `no pods returned by selector while calculating replica count`.
    NoPodsBySelector,
    /// `no metrics returned matched known pods`.
    NoMetricsMatchedPods,
    /// `unable to fetch metrics from … metrics API: …`.
    MetricsApiFailed {
        /// Which API.
        api: MetricsApi,
        /// How.
        failure: ApiFailure,
    },
    /// `… "NAME" not found` while the scale was read: the object, or its scale subresource, is missing.
    TargetNotFound {
        /// Plural and group, for example `deployments.apps`.
        resource: String,
        /// The name.
        name: String,
    },
    /// `no matches for kind "K" in group "G"`.
    KindUnknown {
        /// The kind.
        kind: String,
        /// The group, empty for the core group.
        group: String,
    },
    /// `unexpected GroupVersion string: …`.
    InvalidApiVersion(String),
    /// A built-in kind without a scale subresource.
    NoScaleSubresource,
    /// The scale could not be read or written for another reason.
    ScaleFailed(ApiFailure),
    /// The selector is missing or not parseable.
    InvalidSelector,
    /// `pods by selector … are controlled by multiple HPAs: […]`, 1.26 and later.
    AmbiguousSelector {
        /// `namespace/name` of the HPAs that the text names.
        hpas: Vec<String>,
    },
    /// An error in `spec.metrics`.
    InvalidMetricSource,
    /// `unknown metric source type "X"`.
    UnknownMetricType(String),
    /// `ContainerResource metric type is not supported: disabled by the feature gate`, 1.27 to 1.29.
    MetricTypeDisabled,
    /// `unable to get pods while calculating replica count: …`: the controller's own pod cache failed.
    PodsNotListed,
    /// `unable to map kind K to resource: …`: the described object's kind is not known.
    DescribedKindUnknown(String),
    /// `the spec replicas field "F" does not exist`: the custom resource has no value there.
    ReplicasFieldMissing(String),
    /// The answer of the scale subresource is not convertible to `autoscaling` `Scale`.
    ScaleNotConvertible,
    /// The HPA's status could not be written: what its conditions say may be frozen.
    StatusNotWritten(ApiFailure),
    /// `HPA N/N was deleted during reconciliation`, 1.37 and later.
    DeletedDuringSync,
    /// `New size: N; reason: …`, with the error of a failed rescale.
    Rescale {
        /// The new size.
        size: i32,
        /// The reason, empty where the controller gave none.
        reason: String,
        /// The error, for `FailedRescale`.
        error: Option<String>,
    },
    /// The fixed text of a healthy or limiting condition; its reason says everything.
    Informative,
    /// A text of no known release: it is shown as it is and never guessed at.
    Unknown(String),
}

/// Decodes the text of a condition or an event. Wrappers are taken off down to the innermost error; a text
/// that no release of the controller writes comes back as [`Message::Unknown`], unchanged.
pub fn decode(reason: &str, text: &str) -> Message {
    let readable = normalize(text);
    let decoded = match reason {
        "FailedGetScale" | "FailedUpdateScale" => scale::decode(&readable),
        "FailedRescale" | "SuccessfulRescale" => scale::rescale(&readable),
        "FailedUpdateStatus" => Some(Message::StatusNotWritten(api::failure(&readable))),
        _ => fixed(&readable)
            .or_else(|| metrics::decode(&readable))
            .or_else(|| scale::rescale(&readable)),
    };
    decoded
        .or_else(|| fixed(&readable))
        .unwrap_or_else(|| Message::Unknown(text.to_owned()))
}

/// How many metrics of how many failed: `invalid metrics (1 invalid out of 2), first error is: …`.
pub fn invalid_metrics(text: &str) -> Option<(usize, usize)> {
    let (_, rest) = text.split_once("invalid metrics (")?;
    let (invalid, rest) = rest.split_once(" invalid out of ")?;
    let (all, _) = rest.split_once(')')?;
    Some((invalid.parse().ok()?, all.parse().ok()?))
}

/// The texts whose reason says everything.
fn fixed(text: &str) -> Option<Message> {
    catalogue::is_informative(text).then_some(Message::Informative)
}
