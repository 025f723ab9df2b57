//! One row for each text that a release from 1.23 to 1.37 writes.

use super::{ApiFailure, Message, MetricsApi, decode, invalid_metrics};

const METRIC: &str = "FailedGetResourceMetric";

fn missing(container: Option<&str>, pod: Option<&str>) -> Message {
    Message::MissingRequest {
        resource: "cpu".to_owned(),
        container: container.map(str::to_owned),
        pod: pod.map(str::to_owned),
    }
}

fn api(api: MetricsApi, failure: ApiFailure) -> Message {
    Message::MetricsApiFailed { api, failure }
}

fn assert_all(rows: Vec<(&str, &str, Message)>) {
    for (reason, text, expected) in rows {
        assert_eq!(decode(reason, text), expected, "{reason}: {text}");
    }
}

#[test]
fn wrappers_come_off_in_every_depth() {
    let inner = "missing request for cpu in container tf-serving of Pod web-1";
    for wrapper in [
        "",
        "failed to get cpu utilization: ",
        "failed to get cpu usage: ",
        "the HPA was unable to compute the replica count: failed to get cpu utilization: ",
        "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: ",
        "invalid metrics (2 invalid out of 3), first error is: failed to get app container metric value: failed to get cpu utilization: ",
        "(combined from similar events): failed to get cpu utilization: ",
    ] {
        let text = format!("{wrapper}{inner}");
        assert_eq!(
            decode(METRIC, &text),
            missing(Some("tf-serving"), Some("web-1")),
            "{text}"
        );
    }
}

#[test]
fn resource_metric_errors() {
    let resource = MetricsApi::Resource;
    assert_all(vec![
        (METRIC, "missing request for cpu", missing(None, None)),
        (
            METRIC,
            "missing request for cpu on container c in pod ns/p",
            missing(Some("c"), Some("p")),
        ),
        (
            METRIC,
            "failed to get cpu utilization: missing pod-level request for cpu in Pod p",
            Message::MissingPodLevelRequest {
                resource: "cpu".into(),
                pod: "p".into(),
            },
        ),
        (
            "FailedGetContainerResourceMetric",
            "failed to get cpu utilization: container c not found in Pod p",
            Message::ContainerNotFound {
                container: "c".into(),
                pod: "p".into(),
            },
        ),
        (
            "FailedGetContainerResourceMetric",
            "failed to get cpu utilization: unable to get metrics for resource cpu: failed to get container metrics: container c not present in metrics for pod ns/p",
            Message::ContainerNotInMetrics {
                container: "c".into(),
                pod: "p".into(),
            },
        ),
        (
            METRIC,
            "unable to get metrics for resource cpu: no metrics returned from resource metrics API",
            Message::NoMetricsReturned(resource),
        ),
        (
            METRIC,
            "did not receive metrics for targeted pods (pods might be unready)",
            Message::NoMetricsForPods,
        ),
        (
            METRIC,
            "failed to get cpu utilization: did not receive metrics for any ready pods",
            Message::NoMetricsForPods,
        ),
        (
            METRIC,
            "no pods returned by selector while calculating replica count",
            Message::NoPodsBySelector,
        ),
        (
            METRIC,
            "no metrics returned matched known pods",
            Message::NoMetricsMatchedPods,
        ),
        (
            METRIC,
            "unable to get pods while calculating replica count: cache not synced",
            Message::PodsNotListed,
        ),
    ]);
}

#[test]
fn answers_of_the_resource_metrics_api() {
    for (tail, failure) in [
        (
            "the server could not find the requested resource (get pods.metrics.k8s.io)",
            ApiFailure::NotServed,
        ),
        (
            "the server is currently unable to handle the request (get pods.metrics.k8s.io)",
            ApiFailure::Unavailable,
        ),
        (
            "an error on the server (\"Internal Server Error: \\\"/apis/metrics.k8s.io\\\": dial tcp\") has prevented the request from succeeding (get pods.metrics.k8s.io)",
            ApiFailure::ServerError,
        ),
        (
            "the server was unable to return a response in the time allotted, but may still be processing the request (get pods.metrics.k8s.io)",
            ApiFailure::TimedOut,
        ),
        (
            "the server has asked for the client to provide credentials (get pods.metrics.k8s.io)",
            ApiFailure::Unauthorized,
        ),
        ("Unauthorized", ApiFailure::Unauthorized),
        (
            "pods.metrics.k8s.io is forbidden: User \"system:serviceaccount:kube-system:horizontal-pod-autoscaler\" cannot list resource \"pods\" in API group \"metrics.k8s.io\" in the namespace \"ns\"",
            ApiFailure::Forbidden,
        ),
        (
            "the server has received too many requests and has asked us to try again later (get pods.metrics.k8s.io)",
            ApiFailure::TooManyRequests,
        ),
        (
            "Get \"https://10.0.0.1/apis/metrics.k8s.io\": dial tcp 10.0.0.1:443: connect: connection refused",
            ApiFailure::Transport,
        ),
        ("context deadline exceeded", ApiFailure::Transport),
        (
            "a text of tomorrow",
            ApiFailure::Other("a text of tomorrow".into()),
        ),
    ] {
        let text = format!(
            "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: {tail}"
        );
        assert_eq!(
            decode(METRIC, &text),
            api(MetricsApi::Resource, failure),
            "{tail}"
        );
    }
}

#[test]
fn custom_and_external_metric_errors() {
    let (custom, external) = (MetricsApi::Custom, MetricsApi::External);
    assert_all(vec![
        (
            "FailedGetPodsMetric",
            "unable to get metric qps: no metrics returned from custom metrics API",
            Message::NoMetricsReturned(custom),
        ),
        (
            "FailedGetPodsMetric",
            "unable to get metric qps: unable to fetch metrics from custom metrics API: the server could not find the metric qps for pods",
            api(custom, ApiFailure::MetricUnknown),
        ),
        (
            "FailedGetPodsMetric",
            "unable to get metric qps: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered",
            api(custom, ApiFailure::NotServed),
        ),
        (
            "FailedGetPodsMetric",
            "unable to get metric qps: unable to fetch metrics from custom metrics API: no known available metric versions found",
            api(custom, ApiFailure::Discovery),
        ),
        (
            "FailedGetObjectMetric",
            "unable to get metric qps on Ingress ns/web: unable to fetch metrics from custom metrics API: the server could not find the descriptor for metric qps: not found",
            api(custom, ApiFailure::MetricUnknown),
        ),
        (
            "FailedGetObjectMetric",
            "unable to get metric qps: Ingress on ns web/unable to fetch metrics from custom metrics API: the custom metrics API server returned 2 results when we asked for exactly one",
            api(custom, ApiFailure::BadAnswer),
        ),
        (
            "FailedGetObjectMetric",
            "unable to get metric qps on Foo ns/web: unable to fetch metrics from custom metrics API: unable to map kind Foo to resource: no matches for kind \"Foo\" in group \"\"",
            Message::DescribedKindUnknown("Foo".into()),
        ),
        (
            "FailedGetObjectMetric",
            "unable to calculate ready pods: no pods returned by selector while calculating replica count",
            Message::NoPodsBySelector,
        ),
        (
            "FailedGetExternalMetric",
            "unable to get external metric ns/queue/&LabelSelector{MatchLabels:map[string]string{app: x,},MatchExpressions:[]LabelSelectorRequirement{},}: no metrics returned from external metrics API",
            Message::NoMetricsReturned(external),
        ),
        (
            "FailedGetExternalMetric",
            "unable to get external metric ns/queue/nil: unable to fetch metrics from external metrics API: the server is currently unable to handle the request (get queue.external.metrics.k8s.io)",
            api(external, ApiFailure::Unavailable),
        ),
        (
            "FailedComputeMetricsReplicas",
            "invalid metrics (1 invalid out of 1), first error is: failed to get queue external metric value: failed to get queue external metric: unable to get external metric ns/queue/nil: no metrics returned from external metrics API",
            Message::NoMetricsReturned(external),
        ),
    ]);
}

#[test]
fn selector_and_spec_errors() {
    let both = Message::AmbiguousSelector {
        hpas: vec!["ns/a".into(), "ns/b".into()],
    };
    let source = Message::InvalidMetricSource;
    assert_all(vec![
        (
            "SelectorRequired",
            "selector is required",
            Message::InvalidSelector,
        ),
        (
            "InvalidSelector",
            "the HPA target's scale is missing a selector",
            Message::InvalidSelector,
        ),
        (
            "InvalidSelector",
            "couldn't convert selector into a corresponding internal selector object: unable to parse requirement: found 'cheddar'",
            Message::InvalidSelector,
        ),
        (
            "AmbiguousSelector",
            "pods by selector app=x are controlled by multiple HPAs: [ns/a ns/b]",
            both.clone(),
        ),
        (
            "AmbiguousSelector",
            "pods by selector app=x are controlled by more than one HPA (e.g. [ns/a ns/b])",
            both,
        ),
        (
            METRIC,
            "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
            source.clone(),
        ),
        (
            METRIC,
            "invalid resource metric source: neither a utilization target nor a value target was set",
            source.clone(),
        ),
        (
            "FailedGetObjectMetric",
            "invalid object metric source: neither a value target nor an average value target was set",
            source.clone(),
        ),
        (
            "FailedGetExternalMetric",
            "invalid external metric source: neither a value target nor an average value target was set",
            source.clone(),
        ),
        (
            "FailedGetPodsMetric",
            "\"Near\" is not a valid label selector operator",
            source,
        ),
        (
            "InvalidMetricSourceType",
            "unknown metric source type \"Sky\"",
            Message::UnknownMetricType("Sky".into()),
        ),
        (
            "FailedComputeMetricsReplicas",
            "invalid metrics (1 invalid out of 1), first error is: failed to get app container metric value: ContainerResource metric type is not supported: disabled by the feature gate",
            Message::MetricTypeDisabled,
        ),
        (
            "FailedComputeMetricsReplicas",
            "HPA ns/a was deleted during reconciliation",
            Message::DeletedDuringSync,
        ),
    ]);
}

#[test]
fn scale_errors() {
    const GET: &str = "FailedGetScale";
    const PUT: &str = "FailedUpdateScale";
    let kind = |kind: &str, group: &str| Message::KindUnknown {
        kind: kind.into(),
        group: group.into(),
    };
    assert_all(vec![
        (
            GET,
            "the HPA controller was unable to get the target's current scale: deployments.apps \"web\" not found",
            Message::TargetNotFound {
                resource: "deployments.apps".into(),
                name: "web".into(),
            },
        ),
        (
            GET,
            "unexpected GroupVersion string: a/b/c",
            Message::InvalidApiVersion("a/b/c".into()),
        ),
        (
            GET,
            "no matches for kind \"Deploymnt\" in group \"apps\"",
            kind("Deploymnt", "apps"),
        ),
        (
            GET,
            "no matches for kind \"Deployment\" in group \"\"",
            kind("Deployment", ""),
        ),
        (
            GET,
            "no matches for kind \"Foo\" in version \"example.com/v1\"",
            kind("Foo", "example.com"),
        ),
        (
            GET,
            "no matches for kind \"Foo\" in versions [\"example.com/v1\" \"example.com/v2\"]",
            kind("Foo", "example.com"),
        ),
        (
            GET,
            "the server could not find the requested resource",
            Message::NoScaleSubresource,
        ),
        (
            GET,
            "Internal error occurred: the spec replicas field \".spec.replicas\" does not exist",
            Message::ReplicasFieldMissing(".spec.replicas".into()),
        ),
        (
            GET,
            "deployments.apps \"web\" is forbidden: User \"u\" cannot get resource \"deployments/scale\" in API group \"apps\" in the namespace \"ns\"",
            Message::ScaleFailed(ApiFailure::Forbidden),
        ),
        (
            GET,
            "received an object from a /scale endpoint which was not convertible to autoscaling Scale: x",
            Message::ScaleNotConvertible,
        ),
        (
            GET,
            "could not find scale subresource for apps/v1, Resource=deployments in discovery information",
            Message::ScaleFailed(ApiFailure::Discovery),
        ),
        (
            GET,
            "the server is currently unable to handle the request",
            Message::ScaleFailed(ApiFailure::Unavailable),
        ),
        (
            GET,
            "unrecognized resource",
            Message::ScaleFailed(ApiFailure::Discovery),
        ),
        (
            PUT,
            "the HPA controller was unable to update the target scale: admission webhook \"cap.example.com\" denied the request: no",
            Message::ScaleFailed(ApiFailure::Denied),
        ),
        (
            PUT,
            "the HPA controller was unable to update the target scale: Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified",
            Message::ScaleFailed(ApiFailure::Conflict),
        ),
        (
            PUT,
            "the HPA controller was unable to update the target scale: Foo.example.com \"web\" is invalid: spec.replicas: Invalid value: 9",
            Message::ScaleFailed(ApiFailure::Invalid),
        ),
        (
            "FailedUpdateStatus",
            "Operation cannot be fulfilled on horizontalpodautoscalers.autoscaling \"web\": the object has been modified; please apply your changes to the latest version and try again",
            Message::StatusNotWritten(ApiFailure::Conflict),
        ),
        (
            "FailedUpdateStatus",
            "horizontalpodautoscalers.autoscaling \"web\" not found",
            Message::StatusNotWritten(ApiFailure::NotFound),
        ),
    ]);
}

#[test]
fn rescale_events() {
    let rescale = |size, reason: &str, error: Option<&str>| Message::Rescale {
        size,
        reason: reason.into(),
        error: error.map(str::to_owned),
    };
    assert_all(vec![
        (
            "SuccessfulRescale",
            "New size: 4; reason: cpu resource utilization (percentage of request) above target",
            rescale(
                4,
                "cpu resource utilization (percentage of request) above target",
                None,
            ),
        ),
        ("SuccessfulRescale", "New size: 9; reason: ", rescale(9, "", None)),
        ("SuccessfulRescale", "New size: 9; reason:", rescale(9, "", None)),
        (
            "FailedRescale",
            "New size: 1; reason: All metrics below target; error: it is forbidden",
            rescale(1, "All metrics below target", Some("it is forbidden")),
        ),
    ]);
}

#[test]
fn healthy_and_limiting_conditions() {
    for (reason, text) in [
        (
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        ),
        (
            "SucceededRescale",
            "the HPA controller was able to update the target scale to 4",
        ),
        (
            "ScaleDownStabilized",
            "recent recommendations were higher than current one, applying the highest recent recommendation",
        ),
        (
            "ScaleUpStabilized",
            "recent recommendations were lower than current one, applying the lowest recent recommendation",
        ),
        ("ReadyForNewScale", "recommended size matches current size"),
        (
            "ScalingDisabled",
            "scaling is disabled since the replica count of the target is zero",
        ),
        (
            "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
        ),
        (
            "TooManyReplicas",
            "the desired replica count is more than the maximum replica count",
        ),
        (
            "TooFewReplicas",
            "the desired replica count is less than the minimum replica count",
        ),
        (
            "ScaleUpLimit",
            "the desired replica count is increasing faster than the maximum scale rate",
        ),
        (
            "ScaleDownLimit",
            "the desired replica count is decreasing faster than the maximum scale rate",
        ),
        (
            "DesiredWithinRange",
            "the desired count is within the acceptable range",
        ),
        ("ScaledToZero", "the HPA controller scaled the workload to zero"),
        (
            "NotScaledToZero",
            "the HPA controller did not scale the workload to zero",
        ),
    ] {
        assert_eq!(decode(reason, text), Message::Informative, "{reason}");
    }
}

#[test]
fn mangled_percent_signs_do_not_hide_the_cause() {
    let text = "unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: Get \"https://10.0.0.1/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods?labelSelector=app%!D(MISSING)web%!C(MISSING)tier\": dial tcp 10.0.0.1:443: i/o timeout";
    assert_eq!(
        decode(METRIC, text),
        api(MetricsApi::Resource, ApiFailure::Transport)
    );
    assert_eq!(
        super::normalize("a%!D(MISSING)b 5%!(NOVERB) %!x(MISSING) %!"),
        "a%3Db 5% %x %!"
    );
}

#[test]
fn a_text_of_no_release_stays_as_it_is() {
    for text in ["", "the moon is full", "(combined from similar events): 100%!x"] {
        assert_eq!(decode("SomethingNew", text), Message::Unknown(text.to_owned()));
        assert_eq!(decode(METRIC, text), Message::Unknown(text.to_owned()));
    }
}

#[test]
fn counts_of_failed_metrics_are_read() {
    let text = "invalid metrics (2 invalid out of 3), first error is: x";
    assert_eq!(invalid_metrics(text), Some((2, 3)));
    assert_eq!(invalid_metrics("x"), None);
}
