//! Errors of reading and writing the target's scale, and the two rescale events.

use super::{ApiFailure, Message, api};

/// What the controller puts before the error in the condition; the event has the bare error.
const WRAPPERS: &[&str] = &[
    "the HPA controller was unable to get the target's current scale: ",
    "the HPA controller was unable to update the target scale: ",
];

/// Decodes the text of `FailedGetScale` and `FailedUpdateScale`.
pub(super) fn decode(text: &str) -> Option<Message> {
    let error = WRAPPERS
        .iter()
        .find_map(|wrapper| text.strip_prefix(wrapper))
        .unwrap_or(text);
    mapping(error).or_else(|| subresource(error)).or_else(|| {
        match api::failure(error) {
            ApiFailure::Other(_) => None,
            // A go-restful server's bare 404: a built-in kind that has no such subresource.
            ApiFailure::NotServed => Some(Message::NoScaleSubresource),
            failure => Some(Message::ScaleFailed(failure)),
        }
    })
}

/// Errors of `schema.ParseGroupVersion` and of the REST mapper.
fn mapping(error: &str) -> Option<Message> {
    if let Some(version) = error.strip_prefix("unexpected GroupVersion string: ") {
        return Some(Message::InvalidApiVersion(version.to_owned()));
    }
    let (kind, rest) = error.strip_prefix("no matches for kind \"")?.split_once('"')?;
    let group = match quoted(rest, " in group ") {
        Some(group) => group,
        None => quoted(rest, " in version ")
            .or_else(|| quoted(rest, " in versions ["))?
            .split_once('/')
            .map_or("", |(group, _)| group),
    };
    Some(Message::KindUnknown {
        kind: kind.to_owned(),
        group: group.to_owned(),
    })
}

/// Errors of the scale subresource itself.
fn subresource(error: &str) -> Option<Message> {
    if let Some((_, rest)) = error.split_once("the spec replicas field ") {
        let (field, _) = rest.split_once(" does not exist")?;
        return Some(Message::ReplicasFieldMissing(field.trim_matches('"').to_owned()));
    }
    if error.contains("not convertible to autoscaling Scale") {
        return Some(Message::ScaleNotConvertible);
    }
    let (resource, name) = error.strip_suffix("\" not found")?.rsplit_once(" \"")?;
    (!resource.contains(char::is_whitespace)).then(|| Message::TargetNotFound {
        resource: resource.to_owned(),
        name: name.to_owned(),
    })
}

/// `New size: N; reason: R` and `New size: N; reason: R; error: E`.
pub(super) fn rescale(text: &str) -> Option<Message> {
    let (size, rest) = text.strip_prefix("New size: ")?.split_once("; reason:")?;
    let (reason, error) = match rest.split_once("; error: ") {
        Some((reason, error)) => (reason, Some(error.to_owned())),
        None => (rest, None),
    };
    Some(Message::Rescale {
        size: size.parse().ok()?,
        reason: reason.trim().to_owned(),
        error,
    })
}

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (value, _) = text.strip_prefix(before)?.strip_prefix('"')?.split_once('"')?;
    Some(value)
}
