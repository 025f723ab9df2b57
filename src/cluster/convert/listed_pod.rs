//! A pod as a page of many is read: `managedFields` without the fields, which are half of a pod and of no use here.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, OwnerReference, Time};
use serde::Deserialize;

/// A pod without what nobody reads.
#[derive(Debug, Deserialize)]
pub(in crate::cluster) struct ListedPod {
    metadata: Metadata,
    #[serde(default)]
    spec: Option<v1::PodSpec>,
    #[serde(default)]
    status: Option<v1::PodStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    deletion_grace_period_seconds: Option<i64>,
    finalizers: Option<Vec<String>>,
    owner_references: Option<Vec<OwnerReference>>,
    managed_fields: Option<Vec<Writer>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Writer {
    manager: Option<String>,
    operation: Option<String>,
    subresource: Option<String>,
    time: Option<Time>,
}

impl From<ListedPod> for v1::Pod {
    fn from(pod: ListedPod) -> Self {
        let metadata = pod.metadata;
        let writers = metadata.managed_fields.map(|writers| {
            let entries = writers.into_iter().map(|writer| ManagedFieldsEntry {
                manager: writer.manager,
                operation: writer.operation,
                subresource: writer.subresource,
                time: writer.time,
                ..ManagedFieldsEntry::default()
            });
            entries.collect()
        });
        Self {
            metadata: ObjectMeta {
                name: metadata.name,
                namespace: metadata.namespace,
                labels: metadata.labels,
                annotations: metadata.annotations,
                creation_timestamp: metadata.creation_timestamp,
                deletion_timestamp: metadata.deletion_timestamp,
                deletion_grace_period_seconds: metadata.deletion_grace_period_seconds,
                finalizers: metadata.finalizers,
                owner_references: metadata.owner_references,
                managed_fields: writers,
                ..ObjectMeta::default()
            },
            spec: pod.spec,
            status: pod.status,
        }
    }
}
