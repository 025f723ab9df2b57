//! Every error, in every text that can hold it, in every release that writes it.

use std::collections::BTreeSet;

use super::super::{Entry, Kind, NEWEST, OLDEST, entries};
use super::render::{METRICS, Metric, aggregated, condition, invalid, not_computed, render, written};
use super::rows::{Means, Origin, Row, rows};
use crate::hpa::message::{Message, decode};

/// What a release says, and what that must be read as.
struct Said {
    reason: &'static str,
    text: String,
    means: Message,
}

fn entry_of(row: &Row) -> &'static Entry {
    entries()
        .find(|entry| entry.template == row.template && matches!(entry.kind, Kind::Error | Kind::Foreign))
        .unwrap_or_else(|| panic!("`{}` is not in the table", row.template))
}

/// All texts of a release that hold an error.
fn said(row: &Row, origin: Origin, minor: u32) -> Vec<Said> {
    let error = render(row.template, row.arguments);
    let error = format!("{}{error}{}", row.before, row.after);
    let means = match (&row.means, origin) {
        (Means::Message(message), _) => message.clone(),
        (Means::Failure(failure), Origin::Answer(metric)) => Message::MetricsApiFailed {
            api: metric.api(),
            failure: failure.clone(),
        },
        (Means::Failure(failure), Origin::Scale) => Message::ScaleFailed(failure.clone()),
        (Means::Failure(failure), Origin::Status) => Message::StatusNotWritten(failure.clone()),
        (Means::Failure(_), other) => panic!("{other:?} tells no failure of an API"),
    };
    texts(origin, minor, &error)
        .into_iter()
        .map(|(reason, text)| Said {
            reason,
            text,
            means: means.clone(),
        })
        .collect()
}

fn texts(origin: Origin, minor: u32, error: &str) -> Vec<(&'static str, String)> {
    match origin {
        Origin::Answer(metric) => texts(Origin::Client(metric), minor, &metric.fetched(minor, error)),
        Origin::Sample(metric) => {
            let error = written(minor, "failed to get container metrics: %v", &[error]);
            texts(Origin::Client(metric), minor, &error)
        }
        Origin::Client(metric) => texts(Origin::Calculator(metric), minor, &metric.asked(minor, error)),
        Origin::ReadyPods(metric) => {
            let error = written(minor, "unable to calculate ready pods: %s", &[error]);
            texts(Origin::Calculator(metric), minor, &error)
        }
        Origin::Calculator(metric) => metric.said(minor, &metric.computed(minor, error), true),
        Origin::Spec(metric) => metric.said(minor, error, false),
        Origin::Type => vec![
            (
                "InvalidMetricSourceType",
                not_computed(minor, "InvalidMetricSourceType", error),
            ),
            ("InvalidMetricSourceType", error.to_owned()),
            ("FailedComputeMetricsReplicas", invalid(minor, error)),
        ],
        Origin::OnlyInTheSum(metric) => vec![(
            "FailedComputeMetricsReplicas",
            metric.first_error(minor, error, false),
        )],
        Origin::Sync => vec![
            ("FailedComputeMetricsReplicas", error.to_owned()),
            ("FailedComputeMetricsReplicas", aggregated(error)),
        ],
        Origin::Scale => vec![
            ("FailedGetScale", error.to_owned()),
            ("FailedGetScale", aggregated(error)),
            (
                "FailedGetScale",
                written(
                    minor,
                    "the HPA controller was unable to get the target's current scale: %v",
                    &[error],
                ),
            ),
            (
                "FailedUpdateScale",
                written(
                    minor,
                    "the HPA controller was unable to update the target scale: %v",
                    &[error],
                ),
            ),
        ],
        Origin::Status => vec![("FailedUpdateStatus", error.to_owned())],
    }
}

#[test]
fn every_error_is_read_out_of_every_text_that_holds_it() {
    let mut read = 0;
    for row in rows() {
        let entry = entry_of(&row);
        for minor in (OLDEST..=NEWEST).filter(|minor| entry.releases.contains(*minor)) {
            for origin in &row.origins {
                for said in said(&row, *origin, minor) {
                    assert_eq!(
                        decode(said.reason, &said.text),
                        said.means,
                        "1.{minor} {}: {}",
                        said.reason,
                        said.text
                    );
                    read += 1;
                }
            }
        }
    }
    assert!(read > 10_000, "{read} texts");
}

#[test]
fn every_error_of_the_table_has_a_row() {
    let tested: BTreeSet<&str> = rows().iter().map(|row| row.template).collect();
    for entry in entries().filter(|entry| matches!(entry.kind, Kind::Error | Kind::Foreign)) {
        assert!(
            tested.contains(entry.template) || fetches(entry),
            "nothing tests `{}`",
            entry.template
        );
    }
}

/// The three that hold an API's answer are tested by every answer.
fn fetches(entry: &Entry) -> bool {
    METRICS
        .iter()
        .any(|metric| metric.fetched(NEWEST, "x") == render(entry.template, &["x"]))
}

#[test]
fn every_wrapper_of_a_release_is_around_something() {
    for minor in OLDEST..=NEWEST {
        let mut around = String::new();
        for row in rows() {
            if entry_of(&row).releases.contains(minor) {
                for origin in &row.origins {
                    for said in said(&row, *origin, minor) {
                        around.push_str(&said.text);
                        around.push('\n');
                    }
                }
            }
        }
        for entry in entries().filter(|it| it.kind == Kind::Wrapper && it.releases.contains(minor)) {
            let mut from = 0;
            for piece in entry
                .template
                .split('%')
                .map(|piece| piece.trim_start_matches(['+', 'v', 's']))
            {
                let found = around.get(from..).and_then(|rest| rest.find(piece));
                assert!(found.is_some(), "1.{minor} never says `{}`", entry.template);
                from += found.unwrap_or_default();
            }
        }
    }
}

#[test]
fn an_error_of_tomorrow_is_called_unknown_and_kept_as_it_is() {
    let error = "the moon is 100%3D full";
    for minor in OLDEST..=NEWEST {
        for metric in METRICS {
            for (reason, text) in metric.said(minor, &metric.computed(minor, error), true) {
                assert_eq!(decode(reason, &text), Message::Unknown(text.clone()), "{text}");
            }
        }
        for (reason, text) in texts(Origin::Scale, minor, error) {
            assert_eq!(decode(reason, &text), Message::Unknown(text.clone()), "{text}");
        }
    }
}

/// An answer of an API may quote any of our texts: it stays the answer of the API.
#[test]
fn a_quoted_text_is_not_taken_for_the_controllers_own() {
    let quoted = "an error on the server (\"missing request for cpu in container app of Pod web-1\") has \
                  prevented the request from succeeding (get pods.metrics.k8s.io)";
    for metric in [
        Metric::Resource,
        Metric::Container,
        Metric::Pods,
        Metric::External,
    ] {
        for (reason, text) in texts(Origin::Answer(metric), NEWEST, quoted) {
            let read = decode(reason, &text);
            assert!(
                matches!(&read, Message::MetricsApiFailed { api, .. } if *api == metric.api()),
                "{text}: {read:?}"
            );
        }
    }
    assert_eq!(condition(28, "100%"), "100%!(NOVERB)");
}
