//! Events that do not describe the present, and why.

use super::explanation::HistoryEntry;
use super::offenders::offenders;
use super::phrase::{seconds_since, span};
use super::{Case, case::is_available};
use crate::facts::Event;
use crate::hpa::message::{ApiFailure, Message, MetricsApi, decode};
use crate::hpa::overdue::PATIENCE_SECONDS;
use crate::hpa::symptoms::SyncStage;

/// The Warning events that are history, oldest first.
pub(super) fn entries(case: &Case<'_>) -> Vec<HistoryEntry> {
    let events = case.facts.events.known().map_or(&[][..], Vec::as_slice);
    let warnings = events.iter().filter(|event| event.type_ == "Warning");
    warnings
        .filter_map(|event| Some(entry(event, note(case, event)?)))
        .collect()
}

fn entry(event: &Event, note: String) -> HistoryEntry {
    HistoryEntry {
        reason: event.reason.clone(),
        message: event.message.clone(),
        count: event.count,
        last_seen: event.last_seen,
        note,
    }
}

/// Since when the HPA works again; a condition that has just turned may turn back.
fn recovered(case: &Case<'_>) -> String {
    let since = case
        .facts
        .hpa
        .condition("ScalingActive")
        .and_then(|active| active.last_transition_time)
        .map(|since| seconds_since(since, case.now));
    match since.filter(|since| *since < PATIENCE_SECONDS) {
        Some(since) => format!("the HPA works again for {} only", span(since)),
        None => "the HPA has recovered since".to_owned(),
    }
}

/// Why an event is history; none where it describes the present.
fn note(case: &Case<'_>, event: &Event) -> Option<String> {
    let said = decode(&event.reason, &event.message);
    if matches!(
        case.said.stage,
        SyncStage::NeverSynced | SyncStage::StatusNotWritten
    ) {
        // The status does not show how it went on.
        let present = matches!(said, Message::StatusNotWritten(_));
        return (!present).then(|| "whether this lasts, the status does not show".to_owned());
    }
    let Some(blocking) = case.said.blocking() else {
        let partial = !case.said.failed_metrics.is_empty() && event.reason.starts_with("FailedGet");
        return (!partial).then(|| recovered(case));
    };
    if let Some(contradiction) = contradiction(case, &said) {
        return Some(format!(
            "does not fit what the cluster shows now: {contradiction}"
        ));
    }
    let same = match &said {
        // The event wraps the error that the condition has bare.
        Message::Rescale {
            error: Some(error), ..
        } => decode("FailedUpdateScale", error) == blocking.message,
        _ => std::mem::discriminant(&said) == std::mem::discriminant(&blocking.message),
    };
    (!same).then(|| "the controller reports something else now".to_owned())
}

/// What on the live cluster speaks against a text.
fn contradiction(case: &Case<'_>, said: &Message) -> Option<String> {
    match said {
        Message::MissingRequest { resource, .. } => {
            let lacks = offenders(case)
                .iter()
                .any(|offender| offender.resource == resource);
            let seen = !case.pods().is_empty() && !lacks;
            seen.then(|| format!("every container requests {resource}"))
        }
        Message::MetricsApiFailed {
            api: MetricsApi::Resource,
            failure: ApiFailure::NotServed | ApiFailure::Unavailable,
        } => {
            let available = case
                .cluster
                .resource_metrics_api
                .known()
                .is_some_and(is_available);
            available.then(|| "metrics.k8s.io is available".to_owned())
        }
        Message::NoPodsBySelector => {
            (!case.pods().is_empty()).then(|| format!("{} pods match the selector", case.pods().len()))
        }
        _ => None,
    }
}
