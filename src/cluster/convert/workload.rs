//! Scale targets of any kind, read field by field: a kind that is shaped differently loses a field, not all.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::core::DynamicObject;
use serde::de::DeserializeOwned;

use super::delivery::delivered_by;
use super::hpa::{controller_reference, serialize_selector};
use super::{last_applied, managed_fields, pod, room, time};
use crate::facts::{Condition, PodTemplate, Scale, ScaleTarget, UpdateStrategy};

/// How kube-downscaler's annotations begin.
const SLEEP_MARKS: &str = "downscaler/";

/// The object that an HPA scales.
pub(in crate::cluster) fn scale_target(object: &DynamicObject, api_version: &str, kind: &str) -> ScaleTarget {
    let metadata = &object.metadata;
    ScaleTarget {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        created_at: time(metadata.creation_timestamp.as_ref()),
        deleted_at: time(metadata.deletion_timestamp.as_ref()),
        generation: metadata.generation,
        observed_generation: field(object, "/status/observedGeneration"),
        controller: controller_reference(metadata),
        replicas: field(object, "/spec/replicas"),
        selector: field(object, "/status/selector"),
        paused: field(object, "/spec/paused").unwrap_or_default(),
        template: field::<PodTemplateSpec>(object, "/spec/template").map(|spec| template(&spec)),
        conditions: field::<Vec<serde_json::Value>>(object, "/status/conditions")
            .into_iter()
            .flatten()
            .filter_map(condition)
            .collect(),
        last_applied_replicas: last_applied_replicas(metadata),
        replicas_writers: managed_fields::replicas_writers(metadata),
        spec_writers: managed_fields::spec_writers(metadata),
        update_strategy: field::<String>(object, "/spec/updateStrategy/type").map(|type_| UpdateStrategy {
            type_,
            partition: field(object, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or_default(),
        }),
        pod_management_policy: field(object, "/spec/podManagementPolicy"),
        sleep_marks: sleep_marks(metadata),
        delivered_by: delivered_by(metadata),
    }
}

/// The annotations that tell of its sleep.
fn sleep_marks(metadata: &ObjectMeta) -> BTreeMap<String, String> {
    let annotations = metadata.annotations.iter().flatten();
    annotations
        .filter(|(key, _)| key.starts_with(SLEEP_MARKS))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The replicas of the manifest that was applied last; nothing else of it is kept.
fn last_applied_replicas(metadata: &ObjectMeta) -> Option<i32> {
    let manifest = last_applied(metadata)?;
    i32::try_from(manifest.pointer("/spec/replicas")?.as_i64()?).ok()
}

/// The scale of a built-in workload, as its `/scale` serves it: the same fields under the same conditions
/// (`pkg/registry/apps/*/storage`, v1.37). None for an object without a selector.
pub(in crate::cluster) fn scale_of_object(object: &DynamicObject) -> Option<Scale> {
    let selector = object.data.pointer("/spec/selector")?;
    // A ReplicationController's selector is a plain map; everybody else's is a LabelSelector.
    let selector = if selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some() {
        serde_json::from_value::<LabelSelector>(selector.clone()).ok()?
    } else {
        LabelSelector {
            match_labels: Some(serde_json::from_value(selector.clone()).ok()?),
            match_expressions: None,
        }
    };
    Some(Scale {
        spec_replicas: field(object, "/spec/replicas").unwrap_or(1),
        status_replicas: field(object, "/status/replicas").unwrap_or_default(),
        selector: serialize_selector(&selector)?,
    })
}

fn template(spec: &PodTemplateSpec) -> PodTemplate {
    PodTemplate {
        labels: spec
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.labels.clone())
            .unwrap_or_default(),
        containers: spec.spec.as_ref().map(pod::containers).unwrap_or_default(),
        resources: spec
            .spec
            .as_ref()
            .and_then(|spec| spec.resources.as_ref())
            .map(pod::resources),
        termination_grace_period_seconds: spec
            .spec
            .as_ref()
            .and_then(|spec| spec.termination_grace_period_seconds),
        node_selector: spec
            .spec
            .as_ref()
            .and_then(|spec| spec.node_selector.clone())
            .unwrap_or_default(),
        tolerations: spec.spec.as_ref().map(room::tolerations).unwrap_or_default(),
    }
}

/// A condition in the shape that all kinds share.
fn condition(value: serde_json::Value) -> Option<Condition> {
    serde_json::from_value(value).ok()
}

fn field<T: DeserializeOwned>(object: &DynamicObject, pointer: &str) -> Option<T> {
    object
        .data
        .pointer(pointer)
        .and_then(|value| serde_json::from_value(value.clone()).ok())
}
