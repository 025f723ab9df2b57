//! Assumptions about the HPA itself and its scale.

use super::{NewTarget, Number};
use crate::facts::{
    Hpa, HpaFacts, MetricSpec, MetricTarget, ScalingPolicy, ScalingPolicyType, ScalingRules, SelectPolicy,
};
use crate::hpa::replicas::Controller;

/// Whether the API server would take the limits.
pub(super) fn check(hpa: &Hpa) -> Result<(), String> {
    let (min, max) = (hpa.effective_min_replicas(), hpa.max_replicas);
    if min < 0 || max < 1 || min > max {
        return Err(format!(
            "minReplicas {min} and maxReplicas {max} are no limits: assume 1 or more with max=, and not less than min="
        ));
    }
    Ok(())
}

/// `spec.replicas` of the scale; the pods stay as they are.
pub(super) fn replicas(facts: &mut HpaFacts, number: Number) -> Result<(), String> {
    let mut scale = facts.scale.known().cloned().ok_or("the scale was not read")?;
    let replicas = number.from(scale.spec_replicas);
    if replicas < 0 {
        return Err(format!("{replicas} replicas are too few"));
    }
    scale.spec_replicas = replicas;
    facts.scale = crate::facts::Fact::Known(scale);
    Ok(())
}

/// The target of the metric that is named, or of the only one.
pub(super) fn target(hpa: &mut Hpa, name: Option<&str>, target: &NewTarget) -> Result<(), String> {
    let names: Vec<String> = hpa.metrics.iter().map(|metric| metric.name.clone()).collect();
    let known = names
        .iter()
        .map(|name| format!("target.{name}="))
        .collect::<Vec<_>>()
        .join(", ");
    let mut matching = hpa
        .metrics
        .iter_mut()
        .filter(|metric| name.is_none_or(|name| name == metric.name));
    match (matching.next(), matching.next()) {
        (Some(metric), None) => set_target(metric, target),
        (None, _) if names.is_empty() => Err("the HPA has no metric".to_owned()),
        (None, _) => Err(format!(
            "the HPA has no metric {}; write {known}",
            name.unwrap_or_default()
        )),
        (Some(_), Some(_)) if name.is_none() => {
            Err(format!("the HPA has {} metrics; write {known}", names.len()))
        }
        (Some(_), Some(_)) => Err(format!(
            "more than one metric of the HPA is called {}",
            name.unwrap_or_default()
        )),
    }
}

fn set_target(metric: &mut MetricSpec, target: &NewTarget) -> Result<(), String> {
    let of_pods = matches!(metric.type_.as_str(), "Resource" | "ContainerResource");
    metric.target = match (target, &metric.target) {
        (NewTarget::Utilization(percent), _) if of_pods => MetricTarget::AverageUtilization(*percent),
        (NewTarget::Utilization(_), _) => {
            return Err(format!(
                "{} is a metric of type {}: its target is a quantity, not percent of a request",
                metric.name, metric.type_
            ));
        }
        (NewTarget::Amount(quantity), MetricTarget::Value(_)) => MetricTarget::Value(quantity.clone()),
        (NewTarget::Amount(quantity), _) => MetricTarget::AverageValue(quantity.clone()),
    };
    Ok(())
}

/// In both directions, whatever `spec.behavior` says.
pub(super) fn tolerance(hpa: &mut Hpa, controller: &mut Controller, ratio: f64) {
    controller.tolerance = ratio;
    let behavior = hpa.behavior.as_mut();
    for rules in behavior
        .into_iter()
        .flat_map(|behavior| [&mut behavior.scale_up, &mut behavior.scale_down])
        .flatten()
    {
        rules.tolerance = None;
    }
}

/// The length of a window; a behavior that is written for it gets the API's defaults
/// (`pkg/apis/autoscaling/v2/defaults.go`).
pub(super) fn window(hpa: &mut Hpa, up: bool, seconds: i32) {
    let behavior = hpa.behavior.get_or_insert_default();
    let percent = ScalingPolicy {
        type_: ScalingPolicyType::Percent,
        value: 100,
        period_seconds: 15,
    };
    let pods = ScalingPolicy {
        type_: ScalingPolicyType::Pods,
        value: 4,
        period_seconds: 15,
    };
    let defaults = |policies, window| ScalingRules {
        stabilization_window_seconds: window,
        select_policy: Some(SelectPolicy::Max),
        policies,
        tolerance: None,
    };
    let grow = behavior
        .scale_up
        .get_or_insert_with(|| defaults(vec![pods, percent.clone()], Some(0)));
    let shrink = behavior
        .scale_down
        .get_or_insert_with(|| defaults(vec![percent], None));
    let rules = if up { grow } else { shrink };
    rules.stabilization_window_seconds = Some(seconds);
}
