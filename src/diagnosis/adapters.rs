//! Metrics that an adapter serves (custom.metrics.k8s.io, external.metrics.k8s.io), and why they fail.

use super::{Case, Finding, Severity};
use crate::facts::{AdapterApi, Fact, MetricSpec};
use crate::hpa::message::{ApiFailure, Message, MetricsApi, decode};

/// A metric that failed in the last sync.
#[derive(Debug, Clone)]
pub(super) struct FailedMetric<'a> {
    /// Its place in `spec.metrics`.
    pub index: usize,
    /// The metric.
    pub spec: &'a MetricSpec,
    /// What the controller says of it: the condition, or the newest event of its reason.
    pub text: &'a str,
    /// The same, decoded.
    pub message: Message,
}

/// The metrics API that a type of metric is read from.
pub(super) fn api_of(type_: &str) -> MetricsApi {
    match type_ {
        "Pods" | "Object" => MetricsApi::Custom,
        "External" => MetricsApi::External,
        _ => MetricsApi::Resource,
    }
}

/// The group of an API.
pub(super) fn group_of(api: MetricsApi) -> &'static str {
    match api {
        MetricsApi::Resource => "metrics.k8s.io",
        MetricsApi::Custom => "custom.metrics.k8s.io",
        MetricsApi::External => "external.metrics.k8s.io",
    }
}

/// The metrics that failed in the last sync, with what the controller said of them: nothing where its events are
/// gone or may not be read.
pub(super) fn failed<'a>(case: &Case<'a>) -> Vec<FailedMetric<'a>> {
    let metrics = &case.facts.hpa.metrics;
    let failed = case.said.failed_metrics.iter();
    failed
        .filter_map(|index| {
            let spec = metrics.get(*index)?;
            let (text, message) = if case.facts.hpa.is_planned() {
                ("", will_say(case, spec, *index))
            } else {
                said(case, spec)
            };
            Some(FailedMetric {
                index: *index,
                spec,
                text,
                message,
            })
        })
        .collect()
}

/// The failed metrics of the adapters.
pub(super) fn failed_of_adapters<'a>(case: &Case<'a>) -> Vec<FailedMetric<'a>> {
    let mut found = failed(case);
    found.retain(|metric| api_of(&metric.spec.type_) != MetricsApi::Resource && !is_invalid(&metric.message));
    found
}

/// Whether the controller refuses the metric as it is written, before it asks any API.
pub(super) fn is_invalid(message: &Message) -> bool {
    matches!(
        message,
        Message::InvalidMetricSource | Message::UnknownMetricType(_) | Message::MetricTypeDisabled
    )
}

/// What the controller will be told of a metric of an HPA that is not written yet.
fn will_say(case: &Case<'_>, spec: &MetricSpec, index: usize) -> Message {
    let api = api_of(&spec.type_);
    let failure = match case.facts.metric_value(index) {
        Some(Fact::Known(_)) => return Message::NoMetricsReturned(api),
        Some(Fact::Absent) if served_by(case, spec).is_absent() => ApiFailure::NotServed,
        Some(Fact::Absent) => ApiFailure::MetricUnknown,
        Some(Fact::NotReadable(_)) | None => ApiFailure::Unavailable,
    };
    Message::MetricsApiFailed { api, failure }
}

fn said<'a>(case: &Case<'a>, spec: &MetricSpec) -> (&'a str, Message) {
    let reason = match spec.type_.as_str() {
        "Resource" | "ContainerResource" | "Pods" | "Object" | "External" => {
            format!("FailedGet{}Metric", spec.type_)
        }
        _ => "InvalidMetricSourceType".to_owned(),
    };
    let condition = case.facts.hpa.condition("ScalingActive");
    let blocking = condition.filter(|it| case.said.blocking().is_some() && it.reason == reason);
    let newest = || {
        let mut events = case.facts.events.known()?.iter().rev();
        events.find(|event| event.reason == reason)
    };
    let text = blocking
        .map(|condition| condition.message.as_str())
        .or_else(|| newest().map(|event| event.message.as_str()))
        .unwrap_or_default();
    (text, decode(&reason, text))
}

/// What is known of the API that serves a metric.
pub(super) fn served_by<'a>(case: &Case<'a>, spec: &MetricSpec) -> &'a Fact<AdapterApi> {
    match api_of(&spec.type_) {
        MetricsApi::External => &case.cluster.external_metrics_api,
        MetricsApi::Custom | MetricsApi::Resource => &case.cluster.custom_metrics_api,
    }
}

/// The version of custom.metrics.k8s.io that the values were asked of: the one that is known to answer, else the oldest,
/// which every adapter serves.
pub(super) fn custom_version<'a>(case: &Case<'a>) -> &'a str {
    let api = case.cluster.custom_metrics_api.known();
    api.and_then(|api| api.group_version.split_once('/'))
        .map_or("v1beta1", |(_, version)| version)
}

/// Whether the API of a metric answers with values now, whatever the last sync met.
pub(super) fn answers_now(case: &Case<'_>, index: usize) -> bool {
    let samples = case.facts.metric_value(index).and_then(Fact::known);
    samples.is_some_and(|samples| !samples.is_empty()) && no_number(case, index).is_none()
}

/// What the API of a metric answers now in place of a number, such as `NaN`: the controller can read nothing of the
/// whole answer then.
pub(super) fn no_number<'a>(case: &Case<'a>, index: usize) -> Option<&'a str> {
    let samples = case.facts.metric_value(index)?.known()?;
    let wrong = samples
        .iter()
        .find(|sample| sample.value.milli_value().is_err())?;
    Some(&wrong.value.0)
}

/// How many series are named.
const SERIES_NAMED: usize = 3;

/// The series that the value of an `External` metric is the sum of, the largest first: `series=orders-dlq 300`. None where it
/// is one alone.
pub(super) fn summed_series(case: &Case<'_>, index: usize) -> Option<String> {
    let spec = case.facts.hpa.metrics.get(index)?;
    let samples = case.facts.metric_value(index)?.known()?;
    if spec.type_ != "External" || samples.len() < 2 {
        return None;
    }
    let mut sorted: Vec<_> = samples.iter().collect();
    sorted.sort_by_key(|sample| std::cmp::Reverse(sample.value.milli_value().unwrap_or(0)));
    let named = sorted.iter().take(SERIES_NAMED).map(|sample| {
        let labels = sample.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let labels: Vec<String> = labels.collect();
        format!("{} {}", labels.join(","), sample.value).trim().to_owned()
    });
    let more = match sorted.len().saturating_sub(SERIES_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("{}{more}", named.collect::<Vec<_>>().join(", ")))
}

/// `Pods metric http_requests`.
pub(super) fn label(spec: &MetricSpec) -> String {
    format!("{} metric {}", spec.type_, spec.name)
        .trim_end()
        .to_owned()
}

/// An error where the failure stops the HPA, a warning where other metrics go on.
pub(super) fn severity(case: &Case<'_>) -> Severity {
    let hpa = &case.facts.hpa;
    let none_left = hpa.is_planned() && case.said.failed_metrics.len() == hpa.metrics.len();
    if none_left || case.said.blocking().is_some() {
        Severity::Error
    } else {
        Severity::Warning
    }
}

/// What a reader can do at once, whoever runs the adapter: go on without the metric.
pub(super) fn without(case: &Case<'_>, finding: Finding, metric: &FailedMetric<'_>) -> Finding {
    // Another one that works must be left.
    if case.facts.hpa.metrics.len() > case.said.failed_metrics.len().max(1) {
        let patch = format!(r#"[{{"op":"remove","path":"/spec/metrics/{}"}}]"#, metric.index);
        return finding.fix(
            format!("until then, go on without {}", label(metric.spec)),
            case.patch_hpa_json(&patch),
            "changes the HPA alone; it scales by its other metrics",
        );
    }
    if case.scale().is_some_and(|scale| scale.spec_replicas == 0) {
        return awake(case, finding);
    }
    // Where cpu is asked for already, it fails as well.
    let by_cpu = |metric: &MetricSpec| metric.type_ == "Resource" && metric.name == "cpu";
    if case.facts.hpa.metrics.iter().any(by_cpu) {
        return finding;
    }
    // Without a metric of something else than pods the API allows no minimum of 0.
    let minimum = match case.facts.hpa.min_replicas {
        Some(0) => r#""minReplicas":1,"#,
        _ => "",
    };
    let patch = format!(
        r#"{{{minimum}"metrics":[{{"type":"Resource","resource":{{"name":"cpu","target":{{"type":"Utilization","averageUtilization":80}}}}}}]}}"#
    );
    finding.fix(
        "until then, scale by cpu",
        case.patch_hpa(&patch),
        "changes the HPA alone; every container needs a cpu request",
    )
}

/// What sleeps at zero is woken by the metric alone, and the HPA keeps what somebody else woke while the metric fails.
fn awake(case: &Case<'_>, finding: Finding) -> Finding {
    finding.fix(
        "until then, wake it by hand",
        case.scale_up(),
        "the HPA leaves it so while its metric fails",
    )
}

/// The name that was probably meant, among those that exist: the same but for case and signs, or one that goes on.
pub(super) fn nearest<'a>(wanted: &str, names: &[&'a str]) -> Option<&'a str> {
    let distance = |name: &str| {
        let (wanted, name) = (plain(wanted), plain(name));
        if wanted.len() > 3 && (name.starts_with(&wanted) || wanted.starts_with(&name) && name.len() > 3) {
            return 1;
        }
        edits(&wanted, &name)
    };
    let limit = (wanted.len() / 3).clamp(1, 4);
    names
        .iter()
        .map(|name| (distance(name), *name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Levenshtein's distance.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, character) in left.chars().enumerate() {
        let mut next = vec![line + 1];
        let cells = right.iter().zip(row.iter().zip(row.iter().skip(1)));
        for (other, (diagonal, above)) in cells {
            let before = next.last().copied().unwrap_or(0);
            let changed = diagonal + usize::from(*other != character);
            next.push(changed.min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognized_and_another_name_is_not() {
        let names = ["http_requests_per_second", "queue_depth", "app"];
        assert_eq!(nearest("http_requests", &names), Some("http_requests_per_second"));
        assert_eq!(nearest("queue-depht", &names), Some("queue_depth"));
        assert_eq!(nearest("ap", &names), Some("app"));
        assert_eq!(nearest("latency", &names), None);
        assert_eq!(nearest("web", &["sidecar"]), None);
    }
}
