//! Quotas and nodes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1;

use super::quantities;
use crate::facts::{PodTemplate, Quantity, Quota, Toleration};

/// A `ResourceQuota`, as its controller has counted it.
pub(in crate::cluster) fn quota(object: &v1::ResourceQuota) -> Quota {
    let (spec, status) = (object.spec.as_ref(), object.status.as_ref());
    Quota {
        name: object.metadata.name.clone().unwrap_or_default(),
        hard: quantities(status.and_then(|status| status.hard.as_ref())),
        used: quantities(status.and_then(|status| status.used.as_ref())),
        scoped: spec.is_some_and(|spec| spec.scopes.is_some() || spec.scope_selector.is_some()),
    }
}

/// The tolerations of a pod.
pub(super) fn tolerations(spec: &v1::PodSpec) -> Vec<Toleration> {
    let all = spec.tolerations.iter().flatten();
    all.map(|toleration| Toleration {
        key: toleration.key.clone().unwrap_or_default(),
        operator: toleration.operator.clone().unwrap_or_default(),
        value: toleration.value.clone().unwrap_or_default(),
        effect: toleration.effect.clone().unwrap_or_default(),
    })
    .collect()
}

/// `status.allocatable` of a node, of some resources.
pub(in crate::cluster) fn allocatable(
    node: &v1::Node,
    wanted: &BTreeMap<String, i64>,
) -> BTreeMap<String, Quantity> {
    let mut all = quantities(
        node.status
            .as_ref()
            .and_then(|status| status.allocatable.as_ref()),
    );
    all.retain(|name, _| wanted.contains_key(name));
    all
}

/// Why a node takes no new pod of a template; none where it does. Affinity is not looked at.
pub(in crate::cluster) fn unfit(node: &v1::Node, template: &PodTemplate) -> Option<String> {
    let spec = node.spec.as_ref();
    if spec.is_some_and(|spec| spec.unschedulable == Some(true)) {
        return Some("is cordoned".to_owned());
    }
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True");
    if !ready {
        return Some("is not ready".to_owned());
    }
    let labels = node.metadata.labels.as_ref();
    let missing = template
        .node_selector
        .iter()
        .find(|(key, value)| labels.and_then(|labels| labels.get(*key)) != Some(*value));
    if let Some((key, value)) = missing {
        return Some(format!("lacks the label {key}={value} of the nodeSelector"));
    }
    let mut taints = spec.and_then(|spec| spec.taints.as_ref()).into_iter().flatten();
    let taint = taints.find(|taint| {
        taint.effect != "PreferNoSchedule" && !template.tolerations.iter().any(|it| tolerates(it, taint))
    })?;
    Some(format!("has the taint {}:{}", taint.key, taint.effect))
}

/// `ToleratesTaint` in `k8s.io/api/core/v1`, v1.37.
fn tolerates(toleration: &Toleration, taint: &v1::Taint) -> bool {
    let effect = toleration.effect.is_empty() || toleration.effect == taint.effect;
    let key = toleration.key.is_empty() || toleration.key == taint.key;
    let value =
        toleration.operator == "Exists" || toleration.value == taint.value.as_deref().unwrap_or_default();
    effect && key && value
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn why(spec: &Value, template: &Value) -> Option<String> {
        let node = json!({"metadata": {"name": "a", "labels": {"zone": "east"}}, "spec": spec,
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        let template: PodTemplate = serde_json::from_value(template.clone()).unwrap();
        unfit(&serde_json::from_value(node).unwrap(), &template)
    }

    #[test]
    fn where_pods_may_be_placed() {
        let plain = json!({});
        assert_eq!(why(&plain, &plain), None);
        assert_eq!(
            why(&json!({"unschedulable": true}), &plain).unwrap(),
            "is cordoned"
        );
        assert_eq!(why(&plain, &json!({"nodeSelector": {"zone": "east"}})), None);
        assert_eq!(
            why(&plain, &json!({"nodeSelector": {"zone": "west"}})).unwrap(),
            "lacks the label zone=west of the nodeSelector"
        );
        let tainted = json!({"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]});
        assert_eq!(why(&tainted, &plain).unwrap(), "has the taint gpu:NoSchedule");
        for tolerated in [
            json!({"operator": "Exists"}),
            json!({"key": "gpu", "operator": "Exists"}),
            json!({"key": "gpu", "value": "yes", "effect": "NoSchedule"}),
        ] {
            assert_eq!(why(&tainted, &json!({"tolerations": [tolerated]})), None);
        }
        for not in [
            json!({"key": "gpu", "value": "no"}),
            json!({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}),
        ] {
            assert!(why(&tainted, &json!({"tolerations": [not]})).is_some());
        }
        let preferred = json!({"taints": [{"key": "gpu", "effect": "PreferNoSchedule"}]});
        assert_eq!(why(&preferred, &plain), None);
    }
}
