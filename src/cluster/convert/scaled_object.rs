//! `ScaledObject`s of KEDA, read field by field.

use kube::core::DynamicObject;

use crate::facts::{Condition, ScaledObject};

/// The annotations that pause a `ScaledObject` begin like this.
const PAUSED: &str = "autoscaling.keda.sh/paused";

/// A `ScaledObject`.
pub(in crate::cluster) fn scaled_object(object: &DynamicObject) -> ScaledObject {
    let list = |pointer: &str| {
        let values = object.data.pointer(pointer).and_then(|value| value.as_array());
        values.into_iter().flatten()
    };
    ScaledObject {
        name: object.metadata.name.clone().unwrap_or_default(),
        triggers: list("/spec/triggers")
            .filter_map(|trigger| Some(trigger.get("type")?.as_str()?.to_owned()))
            .collect(),
        pauses: object
            .metadata
            .annotations
            .iter()
            .flatten()
            // KEDA takes every value that is not a false one for true (`getBoolAnnotation`, v2).
            .filter(|(key, value)| key.starts_with(PAUSED) && !is_false(value, key))
            .map(|(key, _)| key.clone())
            .collect(),
        conditions: list("/status/conditions")
            .filter_map(|value| serde_json::from_value::<Condition>(value.clone()).ok())
            .collect(),
    }
}

/// A number of replicas is never a false one.
fn is_false(value: &str, key: &str) -> bool {
    !key.ends_with("-replicas") && matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False")
}

#[cfg(test)]
mod tests {
    use super::scaled_object;

    #[test]
    fn pauses_triggers_and_conditions_are_read() {
        let object = serde_json::from_value(serde_json::json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": "web", "annotations": {"autoscaling.keda.sh/paused": "false",
                "autoscaling.keda.sh/paused-replicas": "0", "autoscaling.keda.sh/paused-scale-in": "yes",
                "other": "true"}},
            "spec": {"triggers": [{"type": "prometheus", "metadata": {"serverAddress": "http://p"}}, {}]},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "ScaledObjectCheckFailed",
                "message": "no"}, {"type": "Active", "status": "Unknown"}]}
        }));
        let read = object.map(|object| scaled_object(&object)).ok();
        let read = read.unwrap_or_default();
        assert_eq!(read.triggers, ["prometheus"]);
        let pauses = [
            "autoscaling.keda.sh/paused-replicas",
            "autoscaling.keda.sh/paused-scale-in",
        ];
        assert_eq!(read.pauses, pauses);
        assert_eq!(read.conditions.len(), 2);
        assert_eq!(
            read.condition("Ready").map(|it| it.reason.as_str()),
            Some("ScaledObjectCheckFailed")
        );
    }
}
