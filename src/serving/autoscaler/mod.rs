//! The `HorizontalPodAutoscaler` (autoscaling/v2) that `autoscale` applies.

pub mod adapter_rule;
pub mod behavior;
pub mod metric;
pub mod reference;
mod selector;

use serde_json::json;

use super::manifest::Manifest;
use super::{MANAGED_BY, MANAGER};
use crate::facts::{Behavior, Hpa, MetricSpec, ObjectReference};

/// An HPA to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autoscaler {
    /// The namespace; none leaves it to whoever applies the object.
    pub namespace: Option<String>,
    /// The HPA's own name.
    pub name: String,
    /// The object to scale.
    pub target: ObjectReference,
    /// The metrics, in spec order.
    pub metrics: Vec<MetricSpec>,
    /// `spec.minReplicas`.
    pub min_replicas: i32,
    /// `spec.maxReplicas`.
    pub max_replicas: i32,
    /// `spec.behavior`; none leaves the controller's defaults.
    pub behavior: Option<Behavior>,
}

impl Autoscaler {
    /// The object as facts, as if it had just been written and no controller had looked at it.
    pub fn facts(&self) -> Hpa {
        Hpa {
            namespace: self.namespace.clone().unwrap_or_default(),
            name: self.name.clone(),
            uid: String::new(),
            created_at: None,
            generation: None,
            observed_generation: None,
            target: self.target.clone(),
            min_replicas: Some(self.min_replicas),
            max_replicas: self.max_replicas,
            metrics: self.metrics.clone(),
            behavior: self.behavior.clone(),
            current_replicas: None,
            desired_replicas: 0,
            last_scale_time: None,
            current_metrics: Vec::new(),
            conditions: Vec::new(),
            status_changed_at: None,
            metrics_defaulted: false,
            spec_changed_at: None,
            keeper: None,
            limits_writers: Vec::new(),
            last_applied_limits: None,
            delivered_by: None,
        }
    }

    /// The object.
    pub fn manifest(&self) -> Manifest {
        let target = &self.target;
        let mut spec = json!({
            "scaleTargetRef": {"apiVersion": target.api_version, "kind": target.kind, "name": target.name},
            "minReplicas": self.min_replicas,
            "maxReplicas": self.max_replicas,
            "metrics": self.metrics.iter().map(metric::manifest).collect::<Vec<_>>(),
        });
        if let Some(behavior) = &self.behavior {
            spec["behavior"] = behavior::manifest(behavior);
        }
        let mut metadata = json!({"name": self.name, "labels": {MANAGED_BY: MANAGER}});
        if let Some(namespace) = &self.namespace {
            metadata["namespace"] = json!(namespace);
        }
        Manifest::new(json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
            "spec": spec,
        }))
    }
}

#[cfg(test)]
#[path = "autoscaler_test.rs"]
mod tests;
