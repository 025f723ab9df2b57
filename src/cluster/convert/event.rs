//! Events.

use k8s_openapi::api::core::v1;

use super::{instant, time};
use crate::facts::{Event, ObjectEvent};

/// An event with the object that it is about.
pub(in crate::cluster) fn object_event(object: &v1::Event) -> ObjectEvent {
    let about = &object.involved_object;
    ObjectEvent {
        kind: about.kind.clone().unwrap_or_default(),
        name: about.name.clone().unwrap_or_default(),
        event: event(object),
    }
}

/// An event of core/v1. The HPA controller fills `count` and the timestamps of old; a recorder of
/// events.k8s.io fills `series` and `eventTime` instead.
pub(in crate::cluster) fn event(object: &v1::Event) -> Event {
    let series = object.series.as_ref();
    let event_time = object.event_time.as_ref().and_then(|time| instant(time.0));
    let created_at = time(object.metadata.creation_timestamp.as_ref());
    let first_seen = time(object.first_timestamp.as_ref())
        .or(event_time)
        .or(created_at);
    let observed = series
        .and_then(|series| series.last_observed_time.as_ref())
        .and_then(|time| instant(time.0));
    Event {
        type_: object.type_.clone().unwrap_or_default(),
        reason: object.reason.clone().unwrap_or_default(),
        message: object.message.clone().unwrap_or_default(),
        count: object
            .count
            .or(series.and_then(|series| series.count))
            .unwrap_or(1)
            .max(1),
        first_seen,
        last_seen: time(object.last_timestamp.as_ref()).or(observed).or(first_seen),
    }
}
