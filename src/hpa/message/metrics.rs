//! Errors of the metrics path: everything behind `ScalingActive=False` and `Failed…Metric`.

use super::{ApiFailure, Message, MetricsApi, api};

const APIS: &[(MetricsApi, &str)] = &[
    (MetricsApi::Resource, "resource"),
    (MetricsApi::Custom, "custom"),
    (MetricsApi::External, "external"),
];

/// Decodes the innermost error of a text, whatever is wrapped around it.
pub(super) fn decode(text: &str) -> Option<Message> {
    metrics_api(text)
        .or_else(|| requests(text))
        .or_else(|| counted_pods(text))
        .or_else(|| selector(text))
        .or_else(|| spec(text))
        .or_else(|| {
            text.ends_with("was deleted during reconciliation")
                .then_some(Message::DeletedDuringSync)
        })
}

/// R2, R3, P2, P3, X2, X3 of the metrics client.
fn metrics_api(text: &str) -> Option<Message> {
    for (api, name) in APIS {
        if let Some(tail) = after(
            text,
            &format!("unable to fetch metrics from {name} metrics API: "),
        ) {
            return Some(failed(*api, tail));
        }
        if text.ends_with(&format!("no metrics returned from {name} metrics API")) {
            return Some(Message::NoMetricsReturned(*api));
        }
    }
    None
}

fn failed(api: MetricsApi, tail: &str) -> Message {
    if let Some((kind, _)) =
        after(tail, "unable to map kind ").and_then(|rest| rest.split_once(" to resource: "))
    {
        return Message::DescribedKindUnknown(kind.to_owned());
    }
    let failure = match api::failure(tail) {
        // An adapter answers with the metric's own name.
        ApiFailure::NotFound if api != MetricsApi::Resource => ApiFailure::MetricUnknown,
        failure => failure,
    };
    Message::MetricsApiFailed { api, failure }
}

/// R4, R8, R9 and R10: what a pod or its sample lacks.
fn requests(text: &str) -> Option<Message> {
    if let Some(rest) = after(text, "missing pod-level request for ") {
        let (resource, pod) = rest.split_once(" in Pod ")?;
        return Some(Message::MissingPodLevelRequest {
            resource: word(resource)?,
            pod: word(pod)?,
        });
    }
    if let Some(rest) = after(text, "missing request for ") {
        return missing_request(rest);
    }
    if let Some((front, pod)) = text.rsplit_once(" not found in Pod ") {
        return Some(Message::ContainerNotFound {
            container: container(front)?,
            pod: word(pod)?,
        });
    }
    let (front, pod) = text.rsplit_once(" not present in metrics for pod ")?;
    Some(Message::ContainerNotInMetrics {
        container: container(front)?,
        pod: pod.rsplit_once('/').and_then(|(_, name)| word(name))?,
    })
}

/// The name at the end of `… container NAME`. Wrappers have the word, too: `failed to get app container metric
/// value: …`.
fn container(front: &str) -> Option<String> {
    front.rsplit_once("container ").and_then(|(_, name)| word(name))
}

/// The name of container and pod came with 1.26; releases before 1.23 had a form of their own.
fn missing_request(rest: &str) -> Option<Message> {
    let named = [(" in container ", " of Pod "), (" on container ", " in pod ")]
        .into_iter()
        .find_map(|(before, between)| {
            let (resource, names) = rest.split_once(before)?;
            let (container, pod) = names.split_once(between)?;
            Some((resource, container, pod.rsplit('/').next().unwrap_or(pod)))
        });
    let Some((resource, container, pod)) = named else {
        return Some(Message::MissingRequest {
            resource: word(rest)?,
            container: None,
            pod: None,
        });
    };
    Some(Message::MissingRequest {
        resource: word(resource)?,
        container: Some(word(container)?),
        pod: Some(word(pod)?),
    })
}

/// R5, R6, R7 and R11.
fn counted_pods(text: &str) -> Option<Message> {
    const FOR_PODS: &[&str] = &[
        "did not receive metrics for targeted pods (pods might be unready)",
        "did not receive metrics for any ready pods",
    ];
    if FOR_PODS.iter().any(|words| text.ends_with(words)) {
        return Some(Message::NoMetricsForPods);
    }
    if text.ends_with("no pods returned by selector while calculating replica count") {
        return Some(Message::NoPodsBySelector);
    }
    if text.ends_with("no metrics returned matched known pods") {
        return Some(Message::NoMetricsMatchedPods);
    }
    text.contains("unable to get pods while calculating replica count: ")
        .then_some(Message::PodsNotListed)
}

/// What `validateAndParseSelector` says.
fn selector(text: &str) -> Option<Message> {
    if text == "selector is required"
        || text == "the HPA target's scale is missing a selector"
        || text.starts_with("couldn't convert selector into a corresponding internal selector object: ")
    {
        return Some(Message::InvalidSelector);
    }
    let names = [
        " are controlled by multiple HPAs: [",
        " are controlled by more than one HPA (e.g. [",
    ]
    .into_iter()
    .find_map(|words| after(text, words))?;
    let (names, _) = names.split_once(']')?;
    Some(Message::AmbiguousSelector {
        hpas: names.split_whitespace().map(str::to_owned).collect(),
    })
}

/// Errors in `spec.metrics`.
fn spec(text: &str) -> Option<Message> {
    const SELECTOR_ERRORS: &[&str] = &[
        " is not a valid label selector operator",
        "for 'in', 'notin' operators, values set can't be empty",
        "values set must be empty for exists and does not exist",
        "exact-match compatibility requires one single value",
        "Invalid value: ",
    ];
    if let Some(rest) = after(text, "unknown metric source type \"") {
        let (type_, _) = rest.split_once('"')?;
        return Some(Message::UnknownMetricType(type_.to_owned()));
    }
    if text.ends_with("metric type is not supported: disabled by the feature gate") {
        return Some(Message::MetricTypeDisabled);
    }
    let source = text.contains("invalid resource metric source: ")
        || text.contains("invalid object metric source: ")
        || text.contains("invalid external metric source: ");
    (source || SELECTOR_ERRORS.iter().any(|words| text.contains(words)))
        .then_some(Message::InvalidMetricSource)
}

/// What follows the first occurrence of some words.
fn after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    text.split_once(words).map(|(_, rest)| rest)
}

/// A name: one word, nothing else.
fn word(text: &str) -> Option<String> {
    (!text.is_empty() && !text.contains(char::is_whitespace)).then(|| text.to_owned())
}
