//! The `HorizontalPodAutoscaler` (autoscaling/v2) that `autoscale` applies.

use serde_json::{Value, json};

use super::manifest::Manifest;
use super::{MANAGED_BY, MANAGER};
use crate::facts::{Behavior, Hpa, MetricSpec, MetricTarget, ObjectReference, Quantity, ScalingRules};

/// What one resource metric aims at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Percent of the request, averaged over the pods: `60%` or `60`.
    Utilization(i32),
    /// A value for each pod, averaged: `500m`, `2Gi`.
    AverageValue(Quantity),
}

/// A text that is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no target: write a percentage of the request such as `60%`, or a quantity a pod such as `500m`"
)]
pub struct InvalidTarget(String);

impl std::str::FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let invalid = || InvalidTarget(text.to_owned());
        if let Some(percent) = text.strip_suffix('%') {
            return percent
                .parse()
                .ok()
                .filter(|percent| *percent > 0)
                .map(Self::Utilization)
                .ok_or_else(invalid);
        }
        let quantity = Quantity::from(text);
        match quantity.milli_value() {
            Ok(value) if value > 0 => Ok(Self::AverageValue(quantity)),
            _ => Err(invalid()),
        }
    }
}

/// An HPA to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autoscaler {
    /// The namespace; none leaves it to whoever applies the object.
    pub namespace: Option<String>,
    /// The Deployment, and the HPA's own name.
    pub deployment: String,
    /// The metrics, by resource name, in spec order.
    pub metrics: Vec<(String, Target)>,
    /// `spec.minReplicas`.
    pub min_replicas: i32,
    /// `spec.maxReplicas`.
    pub max_replicas: i32,
    /// `spec.behavior.scaleDown.stabilizationWindowSeconds`, seconds.
    pub scale_down_window: Option<i32>,
}

impl Autoscaler {
    /// The object as facts, as if it had just been written and no controller had looked at it.
    pub fn facts(&self) -> Hpa {
        let behavior = self.scale_down_window.map(|seconds| Behavior {
            scale_up: None,
            scale_down: Some(ScalingRules {
                stabilization_window_seconds: Some(seconds),
                ..ScalingRules::default()
            }),
        });
        Hpa {
            namespace: self.namespace.clone().unwrap_or_default(),
            name: self.deployment.clone(),
            uid: String::new(),
            created_at: None,
            generation: None,
            observed_generation: None,
            target: ObjectReference {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                name: self.deployment.clone(),
            },
            min_replicas: Some(self.min_replicas),
            max_replicas: self.max_replicas,
            metrics: self.metrics.iter().map(fact).collect(),
            behavior,
            current_replicas: None,
            desired_replicas: 0,
            last_scale_time: None,
            current_metrics: Vec::new(),
            conditions: Vec::new(),
            status_changed_at: None,
            spec_changed_at: None,
            keeper: None,
        }
    }

    /// The object.
    pub fn manifest(&self) -> Manifest {
        let mut spec = json!({
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.deployment},
            "minReplicas": self.min_replicas,
            "maxReplicas": self.max_replicas,
            "metrics": self.metrics.iter().map(metric).collect::<Vec<_>>(),
        });
        if let Some(seconds) = self.scale_down_window {
            spec["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": seconds}});
        }
        let mut metadata = json!({"name": self.deployment, "labels": {MANAGED_BY: MANAGER}});
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

fn fact((resource, target): &(String, Target)) -> MetricSpec {
    MetricSpec {
        type_: "Resource".to_owned(),
        name: resource.clone(),
        container: None,
        object: None,
        selector: None,
        target: match target {
            Target::Utilization(percent) => MetricTarget::AverageUtilization(*percent),
            Target::AverageValue(quantity) => MetricTarget::AverageValue(quantity.clone()),
        },
    }
}

fn metric((resource, target): &(String, Target)) -> Value {
    let target = match target {
        Target::Utilization(percent) => json!({"type": "Utilization", "averageUtilization": percent}),
        Target::AverageValue(quantity) => json!({"type": "AverageValue", "averageValue": quantity.0}),
    };
    json!({"type": "Resource", "resource": {"name": resource, "target": target}})
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        assert_eq!("60%".parse(), Ok(Target::Utilization(60)));
        assert_eq!("500m".parse(), Ok(Target::AverageValue(Quantity::from("500m"))));
        for wrong in ["0%", "-5%", "x%", "%", "", "much", "0"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_object() {
        let autoscaler = Autoscaler {
            namespace: Some("tf-serving".to_owned()),
            deployment: "image-classifier-resnet101".to_owned(),
            metrics: vec![
                ("cpu".to_owned(), Target::Utilization(60)),
                ("memory".to_owned(), Target::AverageValue(Quantity::from("2Gi"))),
            ],
            min_replicas: 1,
            max_replicas: 4,
            scale_down_window: Some(30),
        };
        let text = serde_saphyr::to_string(autoscaler.manifest().value()).unwrap();
        insta::assert_snapshot!(text);
    }
}
