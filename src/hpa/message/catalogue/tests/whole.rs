//! Every event reason, every condition and every piece of them.

use super::super::{Entry, Kind, NEWEST, OLDEST, entries};
use super::render::{METRICS, aggregated, condition, render};
use crate::hpa::message::{ApiFailure, Message, decode};

const MISSING: &str = "missing request for cpu in container app of Pod web-1";

fn missing() -> Message {
    Message::MissingRequest {
        resource: "cpu".into(),
        container: Some("app".into()),
        pod: Some("web-1".into()),
    }
}

/// Realistic arguments for a whole text, and what it must be read as.
fn sample(entry: &Entry, reason: &str) -> (&'static [&'static str], Message) {
    match reason {
        "FailedGetScale" => (
            &["deployments.apps \"web\" not found"],
            Message::TargetNotFound {
                resource: "deployments.apps".into(),
                name: "web".into(),
            },
        ),
        "FailedUpdateScale" => (
            &["admission webhook \"cap.example.com\" denied the request: too many"],
            Message::ScaleFailed(ApiFailure::Denied),
        ),
        "InvalidSelector" if entry.template.contains('%') => (
            &["unable to parse requirement: found '%2C', expected: identifier"],
            Message::InvalidSelector,
        ),
        "SelectorRequired" | "InvalidSelector" => (&[], Message::InvalidSelector),
        "AmbiguousSelector" => (
            &["app in (a, b),tier!=x", "[shop/a shop/b]"],
            Message::AmbiguousSelector {
                hpas: vec!["shop/a".into(), "shop/b".into()],
            },
        ),
        "InvalidMetricSourceType" => (
            &["unknown metric source type \"Sky\""],
            Message::UnknownMetricType("Sky".into()),
        ),
        "FailedGetObjectMetric"
        | "FailedGetPodsMetric"
        | "FailedGetResourceMetric"
        | "FailedGetContainerResourceMetric"
        | "FailedGetExternalMetric"
        | "FailedComputeMetricsReplicas" => (&[MISSING], missing()),
        "FailedRescale" => (
            &["4", "All metrics below target", "it is forbidden; error: twice"],
            Message::Rescale {
                size: 4,
                reason: "All metrics below target".into(),
                error: Some("it is forbidden; error: twice".into()),
            },
        ),
        "SuccessfulRescale" => (
            &["4", "pods metric qps above target"],
            Message::Rescale {
                size: 4,
                reason: "pods metric qps above target".into(),
                error: None,
            },
        ),
        "FailedUpdateStatus" => (
            &["horizontalpodautoscalers.autoscaling \"web\" not found"],
            Message::StatusNotWritten(ApiFailure::NotFound),
        ),
        "SucceededRescale" => (&["4"], Message::Informative),
        "ValidMetricFound" => (
            &["cpu resource utilization (percentage of request)"],
            Message::Informative,
        ),
        "SucceededGetScale"
        | "ScaleDownStabilized"
        | "ScaleUpStabilized"
        | "ReadyForNewScale"
        | "ScalingDisabled"
        | "TooManyReplicas"
        | "TooFewReplicas"
        | "ScaleUpLimit"
        | "ScaleDownLimit"
        | "DesiredWithinRange"
        | "ScaledToZero"
        | "NotScaledToZero" => (&[], Message::Informative),
        other => panic!("nothing tests the reason {other}"),
    }
}

#[test]
fn every_event_is_read() {
    for entry in entries() {
        let Kind::Event { reason, .. } = entry.kind else {
            continue;
        };
        let (arguments, means) = sample(entry, reason);
        let text = render(entry.template, arguments);
        assert_eq!(decode(reason, &text), means, "{reason}: {text}");
        assert_eq!(decode(reason, &aggregated(&text)), means, "{reason}: {text}");
    }
}

#[test]
fn every_condition_is_read() {
    for entry in entries() {
        let Kind::Condition { reason, .. } = entry.kind else {
            continue;
        };
        let (arguments, means) = sample(entry, reason);
        for minor in (OLDEST..=NEWEST).filter(|minor| entry.releases.contains(*minor)) {
            let text = condition(minor, &render(entry.template, arguments));
            assert_eq!(decode(reason, &text), means, "1.{minor} {reason}: {text}");
        }
    }
}

/// The name of a metric, or the reason of a rescale, may be anything: it is taken as it is.
#[test]
fn every_piece_is_kept_in_the_events_that_hold_it() {
    for entry in entries().filter(|entry| entry.kind == Kind::Phrase) {
        let arguments: Vec<&str> = ["cpu", "qps"]
            .into_iter()
            .take(entry.template.matches('%').count())
            .collect();
        let piece = render(entry.template, &arguments);
        for (reason, text, error) in [
            ("SuccessfulRescale", format!("New size: 3; reason: {piece}"), None),
            (
                "FailedRescale",
                format!("New size: 3; reason: {piece}; error: no"),
                Some("no"),
            ),
        ] {
            let means = Message::Rescale {
                size: 3,
                reason: piece.clone(),
                error: error.map(str::to_owned),
            };
            assert_eq!(decode(reason, &text), means, "{text}");
        }
        let found = format!("the HPA was able to successfully calculate a replica count from {piece}");
        assert_eq!(decode("ValidMetricFound", &found), Message::Informative);
    }
}

/// A text says what it says under whatever reason it stands: releases to come may rename reasons.
#[test]
fn errors_of_metrics_do_not_depend_on_the_reason() {
    for metric in METRICS {
        for (_, text) in metric.said(NEWEST, &metric.computed(NEWEST, MISSING), true) {
            assert_eq!(decode("FailedGetSomethingNew", &text), missing(), "{text}");
        }
    }
}
