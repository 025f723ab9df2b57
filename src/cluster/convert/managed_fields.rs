//! Who wrote which field, and when.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};

use super::time;
use crate::facts::FieldWriter;

/// When the status last changed.
pub(super) fn status_changed_at(metadata: &ObjectMeta) -> Option<DateTime<Utc>> {
    entries(metadata)
        .filter(|entry| entry.subresource.as_deref() == Some("status"))
        .filter_map(|entry| time(entry.time.as_ref()))
        .max()
}

/// When the spec last changed.
pub(super) fn spec_changed_at(metadata: &ObjectMeta) -> Option<DateTime<Utc>> {
    spec_writers(metadata)
        .into_iter()
        .filter_map(|writer| writer.time)
        .max()
}

/// Who owns `spec.replicas`, through the object or through its scale.
pub(super) fn replicas_writers(metadata: &ObjectMeta) -> Vec<FieldWriter> {
    writers(metadata, "/f:spec/f:replicas")
}

/// Who owns anything of the spec.
pub(super) fn spec_writers(metadata: &ObjectMeta) -> Vec<FieldWriter> {
    writers(metadata, "/f:spec")
}

/// Who wrote through a subresource.
pub(super) fn managers_of(metadata: &ObjectMeta, subresource: &str) -> Vec<String> {
    entries(metadata)
        .filter(|entry| entry.subresource.as_deref() == Some(subresource))
        .filter_map(|entry| entry.manager.clone())
        .collect()
}

/// Who owns a field, for example `/f:spec/f:metrics`.
pub(super) fn writers(metadata: &ObjectMeta, field: &str) -> Vec<FieldWriter> {
    entries(metadata)
        .filter(|entry| {
            let owned = entry
                .fields_v1
                .as_ref()
                .and_then(|fields| fields.0.pointer(field));
            owned.is_some()
        })
        .map(|entry| FieldWriter {
            manager: entry.manager.clone().unwrap_or_default(),
            operation: entry.operation.clone().unwrap_or_default(),
            subresource: entry.subresource.clone().unwrap_or_default(),
            time: time(entry.time.as_ref()),
        })
        .collect()
}

fn entries(metadata: &ObjectMeta) -> impl Iterator<Item = &ManagedFieldsEntry> {
    metadata.managed_fields.iter().flatten()
}
