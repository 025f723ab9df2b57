//! What the table does not hold: forms of long ago, names that play tricks, texts in pieces. Every text of the
//! table is tested beside it, in `catalogue/tests`.

use super::{ApiFailure, Message, MetricsApi, decode, invalid_metrics};

const METRIC: &str = "FailedGetResourceMetric";

fn missing(container: Option<&str>, pod: Option<&str>) -> Message {
    Message::MissingRequest {
        resource: "cpu".to_owned(),
        container: container.map(str::to_owned),
        pod: pod.map(str::to_owned),
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
fn mangled_percent_signs_do_not_hide_the_cause() {
    let text = "unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: Get \"https://10.0.0.1/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods?labelSelector=app%!D(MISSING)web%!C(MISSING)tier\": dial tcp 10.0.0.1:443: i/o timeout";
    assert_eq!(
        decode(METRIC, text),
        Message::MetricsApiFailed {
            api: MetricsApi::Resource,
            failure: ApiFailure::Transport,
        }
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

#[test]
fn rescale_events() {
    let rescale = |size, reason: &str, error: Option<&str>| Message::Rescale {
        size,
        reason: reason.into(),
        error: error.map(str::to_owned),
    };
    for (reason, text, expected) in [
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
    ] {
        assert_eq!(decode(reason, text), expected, "{text}");
    }
}

#[test]
fn before_1_23_the_pod_had_its_namespace() {
    assert_eq!(
        decode(METRIC, "missing request for cpu on container c in pod ns/p"),
        missing(Some("c"), Some("p"))
    );
}

/// A container and a metric may be called like the words around them.
#[test]
fn names_that_are_words_of_the_texts() {
    let text = "invalid metrics (1 invalid out of 1), first error is: failed to get container container metric value: \
                failed to get cpu utilization: container container not found in Pod not";
    assert_eq!(
        decode("FailedComputeMetricsReplicas", text),
        Message::ContainerNotFound {
            container: "container".into(),
            pod: "not".into(),
        }
    );
    let text = "unable to get metric missing: unable to fetch metrics from custom metrics API: the server could not \
                find the metric missing for pods";
    assert_eq!(
        decode("FailedGetPodsMetric", text),
        Message::MetricsApiFailed {
            api: MetricsApi::Custom,
            failure: ApiFailure::MetricUnknown,
        }
    );
}
