//! The `HorizontalPodAutoscaler`.

use k8s_openapi::api::autoscaling::v2;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::core::Selector;

use super::delivery::delivered_by;
use super::{controller, last_applied, managed_fields, quantity, time};
use crate::facts::{
    Behavior, Condition, FieldWriter, Hpa, Limits, MetricSpec, MetricStatus, MetricTarget, MetricValue,
    ObjectReference, ScalingPolicy, ScalingPolicyType, ScalingRules, SelectPolicy,
};

/// An HPA of autoscaling/v2.
pub(in crate::cluster) fn hpa(object: &v2::HorizontalPodAutoscaler) -> Hpa {
    let metadata = &object.metadata;
    let spec = object.spec.clone().unwrap_or_default();
    let status = object.status.clone().unwrap_or_default();
    Hpa {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        created_at: time(metadata.creation_timestamp.as_ref()),
        generation: metadata.generation,
        observed_generation: status.observed_generation,
        target: reference(&spec.scale_target_ref),
        min_replicas: spec.min_replicas,
        max_replicas: spec.max_replicas,
        metrics: spec.metrics.iter().flatten().map(metric_spec).collect(),
        metrics_defaulted: metrics_defaulted(metadata, spec.metrics.as_deref().unwrap_or_default()),
        behavior: spec.behavior.as_ref().map(|behavior| Behavior {
            scale_up: behavior.scale_up.as_ref().map(rules),
            scale_down: behavior.scale_down.as_ref().map(rules),
        }),
        current_replicas: status.current_replicas,
        desired_replicas: status.desired_replicas,
        last_scale_time: time(status.last_scale_time.as_ref()),
        current_metrics: status
            .current_metrics
            .iter()
            .flatten()
            .map(metric_status)
            .collect(),
        conditions: status.conditions.iter().flatten().map(condition).collect(),
        status_changed_at: managed_fields::status_changed_at(metadata),
        spec_changed_at: managed_fields::spec_changed_at(metadata),
        keeper: controller_reference(metadata),
        limits_writers: limits_writers(metadata),
        last_applied_limits: last_applied_limits(metadata),
        delivered_by: delivered_by(metadata),
    }
}

/// The fields of the limits.
const LIMITS: [&str; 2] = ["minReplicas", "maxReplicas"];

/// Each once, who may own both.
fn limits_writers(metadata: &ObjectMeta) -> Vec<FieldWriter> {
    let mut found = Vec::new();
    for field in LIMITS {
        for writer in managed_fields::writers(metadata, &format!("/f:spec/f:{field}")) {
            if !found.contains(&writer) {
                found.push(writer);
            }
        }
    }
    found
}

/// The limits of the manifest that was applied last; nothing else of it is kept.
fn last_applied_limits(metadata: &ObjectMeta) -> Option<Limits> {
    let manifest = last_applied(metadata)?;
    let limit = |field: &str| i32::try_from(manifest.pointer(&format!("/spec/{field}"))?.as_i64()?).ok();
    Some(Limits {
        min_replicas: limit("minReplicas"),
        max_replicas: limit("maxReplicas"),
    })
}

/// The manager of `kubectl apply` without `--server-side`.
const CLIENT_SIDE_APPLY: &str = "kubectl-client-side-apply";

/// What the API server writes where nobody wrote metrics (`SetDefaults_HorizontalPodAutoscaler`, autoscaling/v2).
const DEFAULT_PERCENT: i32 = 80;

/// The fields that a metric of cpu is written to: those of autoscaling/v2 and of v1.
const METRIC_FIELDS: [&str; 2] = ["metrics", "targetCPUUtilizationPercentage"];

/// Whether nobody wrote the metric of cpu. An `Update` owns even what was defaulted, so there the manifest that
/// `kubectl apply` keeps has to tell; an `Apply` owns what it wrote.
fn metrics_defaulted(metadata: &ObjectMeta, metrics: &[v2::MetricSpec]) -> bool {
    let is_default = |metric: &v2::MetricSpec| {
        let resource = metric.resource.as_ref();
        resource.is_some_and(|it| it.name == "cpu" && it.target.average_utilization == Some(DEFAULT_PERCENT))
    };
    let [only] = metrics else { return false };
    if !is_default(only) {
        return false;
    }
    let owned = METRIC_FIELDS.map(|field| format!("/f:spec/f:{field}"));
    let mut owners = owned
        .iter()
        .flat_map(|field| managed_fields::writers(metadata, field));
    let spec_is_owned = !managed_fields::spec_writers(metadata).is_empty();
    match last_applied(metadata) {
        Some(manifest) => {
            let written = METRIC_FIELDS.map(|field| format!("/spec/{field}"));
            let absent = written.iter().all(|field| manifest.pointer(field).is_none());
            absent && owners.all(|owner| owner.manager == CLIENT_SIDE_APPLY)
        }
        None => spec_is_owned && owners.next().is_none(),
    }
}

/// The owner with `controller: true`, as a reference would name it.
pub(super) fn controller_reference(metadata: &ObjectMeta) -> Option<ObjectReference> {
    controller(metadata).map(|owner| ObjectReference {
        api_version: owner.api_version.clone(),
        kind: owner.kind.clone(),
        name: owner.name.clone(),
    })
}

fn reference(reference: &v2::CrossVersionObjectReference) -> ObjectReference {
    ObjectReference {
        api_version: reference.api_version.clone().unwrap_or_default(),
        kind: reference.kind.clone(),
        name: reference.name.clone(),
    }
}

fn condition(condition: &v2::HorizontalPodAutoscalerCondition) -> Condition {
    Condition {
        type_: condition.type_.clone(),
        status: condition.status.clone(),
        reason: condition.reason.clone().unwrap_or_default(),
        message: condition.message.clone().unwrap_or_default(),
        last_transition_time: time(condition.last_transition_time.as_ref()),
    }
}

fn metric_spec(metric: &v2::MetricSpec) -> MetricSpec {
    let mut spec = MetricSpec {
        type_: metric.type_.clone(),
        name: String::new(),
        container: None,
        object: None,
        selector: None,
        target: MetricTarget::None,
    };
    if let Some(source) = &metric.resource {
        spec.name.clone_from(&source.name);
        spec.target = target(&source.target);
    } else if let Some(source) = &metric.container_resource {
        spec.name.clone_from(&source.name);
        spec.container = Some(source.container.clone());
        spec.target = target(&source.target);
    } else if let Some(source) = &metric.pods {
        identify(&mut spec, &source.metric);
        spec.target = target(&source.target);
    } else if let Some(source) = &metric.object {
        identify(&mut spec, &source.metric);
        spec.object = Some(reference(&source.described_object));
        spec.target = target(&source.target);
    } else if let Some(source) = &metric.external {
        identify(&mut spec, &source.metric);
        spec.target = target(&source.target);
    }
    spec
}

fn identify(spec: &mut MetricSpec, metric: &v2::MetricIdentifier) {
    spec.name.clone_from(&metric.name);
    spec.selector = metric.selector.as_ref().and_then(serialize_selector);
}

/// A label selector as `kubectl -l` takes it; none where an operator is unknown.
pub(super) fn serialize_selector(selector: &LabelSelector) -> Option<String> {
    Selector::try_from(selector.clone())
        .ok()
        .map(|selector| selector.to_string())
}

fn target(target: &v2::MetricTarget) -> MetricTarget {
    if let Some(percent) = target.average_utilization {
        MetricTarget::AverageUtilization(percent)
    } else if let Some(value) = &target.average_value {
        MetricTarget::AverageValue(quantity(value))
    } else if let Some(value) = &target.value {
        MetricTarget::Value(quantity(value))
    } else {
        MetricTarget::None
    }
}

fn metric_status(metric: &v2::MetricStatus) -> MetricStatus {
    let (name, current) = if let Some(source) = &metric.resource {
        (source.name.clone(), &source.current)
    } else if let Some(source) = &metric.container_resource {
        (source.name.clone(), &source.current)
    } else if let Some(source) = &metric.pods {
        (source.metric.name.clone(), &source.current)
    } else if let Some(source) = &metric.object {
        (source.metric.name.clone(), &source.current)
    } else if let Some(source) = &metric.external {
        (source.metric.name.clone(), &source.current)
    } else {
        (String::new(), &v2::MetricValueStatus::default())
    };
    MetricStatus {
        type_: metric.type_.clone(),
        name,
        current: MetricValue {
            average_utilization: current.average_utilization,
            average_value: current.average_value.as_ref().map(quantity),
            value: current.value.as_ref().map(quantity),
        },
    }
}

fn rules(rules: &v2::HPAScalingRules) -> ScalingRules {
    ScalingRules {
        stabilization_window_seconds: rules.stabilization_window_seconds,
        select_policy: rules.select_policy.as_deref().and_then(|policy| match policy {
            "Max" => Some(SelectPolicy::Max),
            "Min" => Some(SelectPolicy::Min),
            "Disabled" => Some(SelectPolicy::Disabled),
            _ => None,
        }),
        policies: rules.policies.iter().flatten().filter_map(policy).collect(),
        tolerance: rules.tolerance.as_ref().map(quantity),
    }
}

fn policy(policy: &v2::HPAScalingPolicy) -> Option<ScalingPolicy> {
    let type_ = match policy.type_.as_str() {
        "Pods" => ScalingPolicyType::Pods,
        "Percent" => ScalingPolicyType::Percent,
        _ => return None,
    };
    Some(ScalingPolicy {
        type_,
        value: policy.value,
        period_seconds: policy.period_seconds,
    })
}
