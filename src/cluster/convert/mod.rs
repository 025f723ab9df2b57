//! From k8s-openapi's types to the facts: the only place that knows both.

mod delivery;
mod event;
mod hpa;
mod limit_range;
mod listed_pod;
mod managed_fields;
mod pod;
mod rollout;
mod room;
mod scaled_object;
mod serving;
mod workload;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::api::resource;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;

use crate::facts::{ApiService, Condition, Quantity, ServiceReference};

pub(super) use event::{event, object_event};
pub(super) use hpa::hpa;
pub(super) use limit_range::limit_range;
pub(super) use listed_pod::ListedPod;
pub(super) use pod::{controller, pod};
pub(super) use rollout::{of_pods as events_of_pods, rollout};
pub(super) use room::{allocatable, quota, unfit};
pub(super) use scaled_object::scaled_object;
pub(super) use serving::{serving, without_secrets};
pub(super) use workload::{scale_of_object, scale_target};

/// Where `kubectl apply` keeps the manifest.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A time of the API server, whole microseconds kept.
pub(super) fn instant(timestamp: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(timestamp.as_microsecond())
}

fn time(time: Option<&Time>) -> Option<DateTime<Utc>> {
    time.and_then(|time| instant(time.0))
}

/// When an object was created.
pub(super) fn created_at(metadata: &ObjectMeta) -> Option<DateTime<Utc>> {
    time(metadata.creation_timestamp.as_ref())
}

fn quantity(quantity: &resource::Quantity) -> Quantity {
    Quantity(quantity.0.clone())
}

fn quantities(quantities: Option<&BTreeMap<String, resource::Quantity>>) -> BTreeMap<String, Quantity> {
    quantities
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), quantity(value)))
        .collect()
}

/// The manifest that `kubectl apply` keeps of what it applied last.
fn last_applied(metadata: &ObjectMeta) -> Option<serde_json::Value> {
    let text = metadata.annotations.as_ref()?.get(LAST_APPLIED)?;
    serde_json::from_str(text).ok()
}

/// An `APIService`, with the condition that tells whether it answers.
pub(super) fn api_service(object: &APIService) -> ApiService {
    let spec = object.spec.as_ref();
    let conditions = object
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    ApiService {
        name: object.metadata.name.clone().unwrap_or_default(),
        created_at: time(object.metadata.creation_timestamp.as_ref()),
        service: spec
            .and_then(|spec| spec.service.as_ref())
            .map(|service| ServiceReference {
                namespace: service.namespace.clone().unwrap_or_default(),
                name: service.name.clone().unwrap_or_default(),
                port: service.port.unwrap_or(443),
            }),
        available: conditions
            .into_iter()
            .flatten()
            .find(|entry| entry.type_ == "Available")
            .map(|entry| Condition {
                type_: entry.type_.clone(),
                status: entry.status.clone(),
                reason: entry.reason.clone().unwrap_or_default(),
                message: entry.message.clone().unwrap_or_default(),
                last_transition_time: time(entry.last_transition_time.as_ref()),
            }),
        has_ca_bundle: spec
            .filter(|spec| spec.service.is_some() && spec.insecure_skip_tls_verify != Some(true))
            .map(|spec| spec.ca_bundle.as_ref().is_some_and(|bundle| !bundle.0.is_empty())),
        ca_injected_from: object.metadata.annotations.as_ref().and_then(|annotations| {
            INJECTED.iter().find_map(|(annotation, kind)| {
                let from = annotations.get(*annotation)?;
                Some(format!("{kind} {from}"))
            })
        }),
    }
}

/// The annotations by which cert-manager is told where an authority comes from, `NAMESPACE/NAME`
/// (`pkg/apis/certmanager/v1/types.go`, cert-manager v1.18), and the kind of it.
const INJECTED: [(&str, &str); 2] = [
    ("cert-manager.io/inject-ca-from", "Certificate"),
    ("cert-manager.io/inject-ca-from-secret", "Secret"),
];
