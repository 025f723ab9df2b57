//! Texts as a release of the controller writes them: rendered, wrapped, and mangled where it mangles them.

use super::super::{Kind, entries};
use crate::hpa::message::MetricsApi;

/// Where a metric comes from, and how its target is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    Resource,
    ResourceAverage,
    Container,
    Pods,
    Object,
    ObjectAverage,
    External,
    ExternalAverage,
}

pub(super) const METRICS: [Metric; 8] = [
    Metric::Resource,
    Metric::ResourceAverage,
    Metric::Container,
    Metric::Pods,
    Metric::Object,
    Metric::ObjectAverage,
    Metric::External,
    Metric::ExternalAverage,
];

const SELECTOR: &str =
    "&LabelSelector{MatchLabels:map[string]string{app: x,},MatchExpressions:[]LabelSelectorRequirement{},}";

impl Metric {
    pub(super) fn api(self) -> MetricsApi {
        match self {
            Self::Resource | Self::ResourceAverage | Self::Container => MetricsApi::Resource,
            Self::Pods | Self::Object | Self::ObjectAverage => MetricsApi::Custom,
            Self::External | Self::ExternalAverage => MetricsApi::External,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Resource | Self::ResourceAverage => "FailedGetResourceMetric",
            Self::Container => "FailedGetContainerResourceMetric",
            Self::Pods => "FailedGetPodsMetric",
            Self::Object | Self::ObjectAverage => "FailedGetObjectMetric",
            Self::External | Self::ExternalAverage => "FailedGetExternalMetric",
        }
    }

    /// What the metrics client puts before an answer of the API.
    pub(super) fn fetched(self, minor: u32, answer: &str) -> String {
        let template = match self.api() {
            MetricsApi::Resource => "unable to fetch metrics from resource metrics API: %v",
            MetricsApi::Custom => "unable to fetch metrics from custom metrics API: %v",
            MetricsApi::External => "unable to fetch metrics from external metrics API: %v",
        };
        written(minor, template, &[answer])
    }

    /// What the calculator puts before an error of the metrics client.
    pub(super) fn asked(self, minor: u32, error: &str) -> String {
        match self {
            Self::Resource | Self::ResourceAverage | Self::Container => written(
                minor,
                "unable to get metrics for resource %s: %v",
                &["cpu", error],
            ),
            Self::Pods => written(minor, "unable to get metric %s: %v", &["qps", error]),
            Self::Object | Self::ObjectAverage if minor <= 36 => written(
                minor,
                "unable to get metric %s: %v on %s %s/%s",
                &["qps", "Ingress", "shop", "web", error],
            ),
            Self::Object | Self::ObjectAverage => written(
                minor,
                "unable to get metric %s on %s %s/%s: %v",
                &["qps", "Ingress", "shop", "web", error],
            ),
            Self::External | Self::ExternalAverage => written(
                minor,
                "unable to get external metric %s/%s/%+v: %s",
                &["shop", "queue", SELECTOR, error],
            ),
        }
    }

    /// What the event `Failed…Metric` says of an error of the calculator.
    pub(super) fn computed(self, minor: u32, error: &str) -> String {
        match self {
            Self::ResourceAverage if minor >= 26 => {
                written(minor, "failed to get %s usage: %v", &["cpu", error])
            }
            Self::Resource | Self::ResourceAverage | Self::Container => {
                written(minor, "failed to get %s utilization: %v", &["cpu", error])
            }
            _ => error.to_owned(),
        }
    }

    /// What `FailedComputeMetricsReplicas` says of it. `said` is the text of the event `Failed…Metric`;
    /// `counted` is false for errors of the spec, which never came to the calculator.
    pub(super) fn first_error(self, minor: u32, said: &str, counted: bool) -> String {
        let inner = match self {
            Self::ObjectAverage if counted => {
                written(minor, "failed to get %s object metric: %v", &["qps", said])
            }
            Self::External if counted => {
                written(minor, "failed to get external metric %s: %v", &["queue", said])
            }
            Self::ExternalAverage if counted => {
                written(minor, "failed to get %s external metric: %v", &["queue", said])
            }
            _ => said.to_owned(),
        };
        let error = match self {
            Self::Pods => written(minor, "failed to get pods metric value: %v", &[&inner]),
            Self::Object | Self::ObjectAverage => {
                written(minor, "failed to get object metric value: %v", &[&inner])
            }
            _ if minor < 25 => inner,
            Self::Resource | Self::ResourceAverage => written(
                minor,
                "failed to get %s resource metric value: %v",
                &["cpu", &inner],
            ),
            Self::Container => written(
                minor,
                "failed to get %s container metric value: %v",
                &["app", &inner],
            ),
            Self::External | Self::ExternalAverage => written(
                minor,
                "failed to get %s external metric value: %v",
                &["queue", &inner],
            ),
        };
        invalid(minor, &error)
    }

    /// Everything that a release says of a failed metric: as (reason, text).
    pub(super) fn said(self, minor: u32, error: &str, counted: bool) -> Vec<(&'static str, String)> {
        let reason = self.reason();
        let first = self.first_error(minor, error, counted);
        vec![
            (reason, not_computed(minor, reason, error)),
            (reason, error.to_owned()),
            (reason, aggregated(error)),
            ("FailedComputeMetricsReplicas", aggregated(&first)),
            ("FailedComputeMetricsReplicas", first),
        ]
    }
}

/// The event `FailedComputeMetricsReplicas`.
pub(super) fn invalid(minor: u32, error: &str) -> String {
    written(
        minor,
        "invalid metrics (%v invalid out of %v), first error is: %v",
        &["1", "2", error],
    )
}

/// The condition `ScalingActive=False` of a failed metric.
pub(super) fn not_computed(minor: u32, reason: &str, error: &str) -> String {
    let template = "the HPA was unable to compute the replica count: %v";
    assert!(
        entries().any(|entry| entry.template == template
            && matches!(entry.kind, Kind::Condition { reason: listed, .. } if listed == reason)),
        "no condition {reason}"
    );
    condition(minor, &render(template, &[error]))
}

/// A condition whose text is made before it is set: up to 1.28 it is a format string without arguments.
pub(super) fn condition(minor: u32, text: &str) -> String {
    if minor <= 28 {
        format(text)
    } else {
        text.to_owned()
    }
}

/// The newest of ten or more similar events.
pub(super) fn aggregated(text: &str) -> String {
    format!("(combined from similar events): {text}")
}

/// A template of the table, rendered; it must be one that the release has.
pub(super) fn written(minor: u32, template: &str, arguments: &[&str]) -> String {
    assert!(
        entries().any(|entry| entry.template == template && entry.releases.contains(minor)),
        "1.{minor} does not write `{template}`"
    );
    render(template, arguments)
}

/// Go's `Sprintf`, as far as the templates need it.
pub(super) fn render(template: &str, arguments: &[&str]) -> String {
    let mut pieces = template.split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    let mut arguments = arguments.iter();
    for piece in pieces {
        let piece = piece.strip_prefix('+').unwrap_or(piece);
        let argument = arguments.next().copied().unwrap_or_default();
        let rest = piece.get(1..).unwrap_or_default();
        text.push_str(&if piece.starts_with('q') {
            quote(argument)
        } else {
            argument.to_owned()
        });
        text.push_str(rest);
    }
    assert_eq!(arguments.next(), None, "too many arguments for `{template}`");
    text
}

/// `%q` of a string, or of each string of a list that is written as `[a b]`.
fn quote(argument: &str) -> String {
    match argument.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
        Some(list) => {
            let quoted: Vec<String> = list.split(' ').map(|word| format!("{word:?}")).collect();
            format!("[{}]", quoted.join(" "))
        }
        None => format!("{argument:?}"),
    }
}

/// Go's `Sprintf` of a text that was never meant to be a format.
fn format(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut formatted = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let verb = piece.trim_start_matches(|it: char| it.is_ascii_digit());
        let mut characters = verb.chars();
        match characters.next() {
            Some(letter) => {
                formatted.extend([
                    "%!",
                    letter.encode_utf8(&mut [0; 4]),
                    "(MISSING)",
                    characters.as_str(),
                ]);
            }
            None => formatted.push_str("%!(NOVERB)"),
        }
    }
    formatted
}
