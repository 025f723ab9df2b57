//! Errors of counting, and of the HPA itself.

use super::super::render::Metric;
use super::{EXTERNAL, Origin, RESOURCES, Row, around, row};
use crate::hpa::message::{Message, MetricsApi};

/// The metrics client and the calculator.
pub(super) fn rows() -> Vec<Row> {
    let resources = || RESOURCES.map(Origin::Calculator);
    let plain = || {
        RESOURCES
            .map(Origin::Calculator)
            .into_iter()
            .chain([Origin::Calculator(Metric::Pods)])
    };
    let pods = || {
        plain().chain([
            Origin::ReadyPods(Metric::Object),
            Origin::ReadyPods(Metric::External),
        ])
    };
    let missing = |container: Option<&str>, pod: Option<&str>| Message::MissingRequest {
        resource: "cpu".into(),
        container: container.map(str::to_owned),
        pod: pod.map(str::to_owned),
    };
    vec![
        row(
            "container %s not present in metrics for pod %s/%s",
            &["app", "shop", "web-1"],
            [Origin::Sample(Metric::Container)],
            Message::ContainerNotInMetrics {
                container: "app".into(),
                pod: "web-1".into(),
            },
        ),
        row(
            "no metrics returned from resource metrics API",
            &[],
            RESOURCES.map(Origin::Client),
            Message::NoMetricsReturned(MetricsApi::Resource),
        ),
        row(
            "no metrics returned from custom metrics API",
            &[],
            [Origin::Client(Metric::Pods)],
            Message::NoMetricsReturned(MetricsApi::Custom),
        ),
        row(
            "no metrics returned from external metrics API",
            &[],
            EXTERNAL.map(Origin::Client),
            Message::NoMetricsReturned(MetricsApi::External),
        ),
        row(
            "unable to get pods while calculating replica count: %v",
            &["the cache is not synced"],
            pods(),
            Message::PodsNotListed,
        ),
        row(
            "no pods returned by selector while calculating replica count",
            &[],
            pods(),
            Message::NoPodsBySelector,
        ),
        row(
            "did not receive metrics for any ready pods",
            &[],
            plain(),
            Message::NoMetricsForPods,
        ),
        row(
            "did not receive metrics for targeted pods (pods might be unready)",
            &[],
            plain(),
            Message::NoMetricsForPods,
        ),
        row(
            "missing request for %s",
            &["cpu"],
            resources(),
            missing(None, None),
        ),
        row(
            "missing request for %s in container %s of Pod %s",
            &["cpu", "app", "web-1"],
            resources(),
            missing(Some("app"), Some("web-1")),
        ),
        row(
            "missing request for %s in container %s of Pod %s",
            &["nvidia.com/gpu", "container", "in-container.of-Pod-1"],
            resources(),
            Message::MissingRequest {
                resource: "nvidia.com/gpu".into(),
                container: Some("container".into()),
                pod: Some("in-container.of-Pod-1".into()),
            },
        ),
        row(
            "missing pod-level request for %s in Pod %s",
            &["memory", "web-1"],
            resources(),
            Message::MissingPodLevelRequest {
                resource: "memory".into(),
                pod: "web-1".into(),
            },
        ),
        row(
            "container %s not found in Pod %s",
            &["app", "web-1"],
            [Origin::Calculator(Metric::Container)],
            Message::ContainerNotFound {
                container: "app".into(),
                pod: "web-1".into(),
            },
        ),
        row(
            "no metrics returned matched known pods",
            &[],
            resources(),
            Message::NoMetricsMatchedPods,
        ),
    ]
}

/// Errors in the HPA itself.
pub(super) fn specs() -> Vec<Row> {
    let invalid = || Message::InvalidMetricSource;
    let selectors = || {
        [Metric::Pods, Metric::Object, Metric::ObjectAverage]
            .map(Origin::Spec)
            .into_iter()
            .chain(EXTERNAL.map(Origin::Client))
    };
    vec![
        row(
            "invalid resource metric source: neither a utilization target nor a value target was set",
            &[],
            RESOURCES.map(Origin::Spec),
            invalid(),
        ),
        row(
            "invalid resource metric source: neither an average utilization target nor an average value target was set",
            &[],
            RESOURCES.map(Origin::Spec),
            invalid(),
        ),
        row(
            "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
            &[],
            RESOURCES.map(Origin::Spec),
            invalid(),
        ),
        row(
            "invalid object metric source: neither a value target nor an average value target was set",
            &[],
            [Origin::Spec(Metric::Object)],
            invalid(),
        ),
        row(
            "invalid external metric source: neither a value target nor an average value target was set",
            &[],
            [Origin::Spec(Metric::External)],
            invalid(),
        ),
        row(
            "unknown metric source type %q",
            &["Sky"],
            [Origin::Type],
            Message::UnknownMetricType("Sky".into()),
        ),
        row(
            "ContainerResource metric type is not supported: disabled by the feature gate",
            &[],
            [Origin::OnlyInTheSum(Metric::Container)],
            Message::MetricTypeDisabled,
        ),
        row(
            "HPA %s/%s was deleted during reconciliation",
            &["shop", "web"],
            [Origin::Sync],
            Message::DeletedDuringSync,
        ),
        row(
            "%q is not a valid label selector operator",
            &["Near"],
            selectors(),
            invalid(),
        ),
        around(
            "values: Invalid value: []: ",
            row(
                "for 'in', 'notin' operators, values set can't be empty",
                &[],
                selectors(),
                invalid(),
            ),
            "",
        ),
        around(
            "values: Invalid value: [\"a\"]: ",
            row(
                "values set must be empty for exists and does not exist",
                &[],
                selectors(),
                invalid(),
            ),
            "",
        ),
    ]
}
