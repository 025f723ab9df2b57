//! Who else has a hand in it: other HPAs, and what writes an HPA.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Condition, Fact, ObjectReference, Quantity};

/// Another HPA, with another scale target, that counts some of the same pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rival {
    /// The HPA's name.
    pub hpa: String,
    /// Its scale target; none where no HPA of that name exists any more.
    #[serde(default)]
    pub target: Option<ObjectReference>,
    /// The owner of that target with `controller: true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<ObjectReference>,
    /// The selector of that target's scale, serialized.
    #[serde(default)]
    pub selector: Fact<String>,
    /// The names of the pods that both selectors match.
    #[serde(default)]
    pub shared_pods: Vec<String>,
}

/// A `LimitRange`, as far as it gives containers a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LimitRange {
    /// Its name.
    pub name: String,
    /// `metadata.creationTimestamp`.
    pub created_at: Option<DateTime<Utc>>,
    /// The requests that it gives a container without one, by resource name: `defaultRequest`, which the API server
    /// fills from `default` and `max`.
    pub default_requests: BTreeMap<String, Quantity>,
}

/// What works in place of a scale target that a controller has scaled to zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Successor {
    /// The workload: the primary of Flagger, the `Rollout` of Argo.
    pub workload: ObjectReference,
    /// The owner of the primary, a `Canary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<ObjectReference>,
    /// Its `spec.replicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
}

/// A `ScaledObject` of KEDA, as far as its HPA depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScaledObject {
    /// Its name.
    pub name: String,
    /// The types of `spec.triggers`, for example `prometheus`, in order.
    pub triggers: Vec<String>,
    /// The annotations that pause it, `autoscaling.keda.sh/paused` and its like, without their values.
    pub pauses: Vec<String>,
    /// `status.conditions`: `Ready`, `Active`, `Fallback`, `Paused`.
    pub conditions: Vec<Condition>,
}

impl ScaledObject {
    /// The condition of a type, for example `Ready`.
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }
}
