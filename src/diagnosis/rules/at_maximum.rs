//! TFS602 at-maximum
//!
//! ## What it detects
//! The metrics want more replicas than `maxReplicas` allows: the workload is short of capacity now.
//!
//! ## How it is proved
//! The controller's arithmetic on the live state wants more than `maxReplicas`, or its condition says
//! `TooManyReplicas` and was written by the last sync.
//!
//! ## What it is not
//! An HPA that stands at its maximum and wants no more is healthy. With a target of `Value` the number is relative to the
//! replicas that run: more replicas want more again, unless the value falls.
//!
//! ## Fix
//! Raise `maxReplicas` if the cluster has room, or let each replica do more. A total, such as the length of a queue, is
//! shared among the replicas by `averageValue`.
//!
//! ## Source
//! `convertDesiredReplicasWithRules` in `horizontal.go`, Kubernetes v1.37: `ScalingLimited=True/TooManyReplicas`.

use crate::diagnosis::adapters::{label, summed_series};
use crate::diagnosis::foreign;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::rules::value_multiplies::average;
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::MetricTarget;
use crate::hpa::replicas::Limit;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS602",
    name: "at-maximum",
    stage: Stage::Arithmetic,
    source: documentation!("at_maximum.rs"),
    explains: &[],
    needs: &[Need::PodMetrics],
    check,
};

/// Nobody raises a maximum to so many times what it is.
const BEYOND_REASON: i32 = 20;

/// The limit may be reached, or only in sight.
fn why(case: &Case<'_>, maximum: i32) -> String {
    let current = case.scale().map_or(maximum, |scale| scale.spec_replicas);
    if case.facts.hpa.effective_min_replicas() == maximum {
        format!("minReplicas and maxReplicas are both {maximum}, so this HPA can never scale")
    } else if current < maximum {
        format!(
            "the HPA scales up from {current} now, and {maximum} replicas will not be enough for this usage"
        )
    } else if multiplies_a_surge(case) {
        "more pods run than there are replicas, and the HPA multiplies by all of them".to_owned()
    } else {
        "the HPA has reached its limit, and the replicas that run are above the target".to_owned()
    }
}

/// Whether the metric is not above its target, and more replicas are wanted because more pods run than there are replicas.
fn multiplies_a_surge(case: &Case<'_>) -> bool {
    let current = case.scale().map_or(0, |scale| scale.spec_replicas);
    let surge = case.own_pods().filter(|pod| pod.takes_room()).count();
    let deciding = case.deciding_metric();
    deciding.is_some_and(|metric| metric.ratio.is_some_and(|ratio| ratio <= 1.0))
        && i32::try_from(surge).is_ok_and(|surge| surge > current)
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let maximum = case.facts.hpa.max_replicas;
    let wanted = case
        .recommendation
        .and_then(|recommendation| recommendation.metrics_want);
    let above = case.scale().is_some_and(|scale| scale.spec_replicas > maximum);
    // At the maximum it is the maximum that counts, whatever a window would hold as well.
    let computed = wanted.is_some_and(|wanted| wanted > maximum)
        && case.recommendation.is_some_and(|it| match it.limited_by {
            Some(Limit::MaxReplicas) => true,
            Some(Limit::Stabilization) => it.current_replicas == maximum,
            _ => false,
        });
    let said = case
        .said
        .current("ScalingLimited")
        .filter(|symptom| symptom.condition.reason == "TooManyReplicas");
    if above || !computed && (wanted.is_some() || said.is_none()) {
        return None;
    }
    // The pods of somebody else want that many, not these: TFS701.
    if foreign::multiply(case) || foreign::wanted_without(case).is_some_and(|wanted| wanted <= maximum) {
        return None;
    }
    let title = match (wanted, case.current_of_target()) {
        (Some(wanted), Some(current)) => {
            format!("{current}: the metrics want {wanted} replicas, maxReplicas allows {maximum}")
        }
        _ => format!("The metrics want more replicas than maxReplicas allows, {maximum}"),
    };
    let mut finding = case.on_hpa(RULE.finding(Severity::Warning, title, why(case, maximum)));
    finding = finding.saw("maxReplicas", maximum.to_string(), "spec.maxReplicas");
    if let Some(symptom) = said {
        finding = finding.saw(
            "condition ScalingLimited",
            &symptom.condition.reason,
            "status.conditions",
        );
    }
    finding = case.with_default_metric(finding);
    finding = with_series(case, finding);
    let of_whole = share_the_whole(case);
    let relative = of_whole.is_some();
    if let Some((index, target, command)) = of_whole {
        finding = finding
            .saw(
                format!("spec.metrics[{index}]"),
                format!("value {target}: the HPA multiplies the replicas until the value falls"),
                "GET the HPA",
            )
            .fix(
                "share the value among the replicas, if it is a total such as the length of a queue",
                command,
                "changes the HPA alone",
            );
    }
    // Below the target more replicas are no remedy.
    if multiplies_a_surge(case) {
        return Some(finding.advice(
            format!(
                "wait until the rollout of {} is over, or let fewer pods surge (`maxSurge`)",
                case.target_label()
            ),
            "the HPA multiplies by the pods that run, those of the surge among them",
        ));
    }
    if wanted.is_some_and(|wanted| wanted >= maximum.saturating_mul(BEYOND_REASON)) {
        finding = finding.advice(
            "compare the metric with its target first: so far above it may be another unit, a total, or a counter",
            "a higher maxReplicas would be filled as well",
        );
    } else if let Some(wanted) = wanted {
        finding = finding.fix(
            "allow as many replicas as the metrics want",
            case.patch_hpa(&format!(r#"{{"maxReplicas":{wanted}}}"#)),
            if relative {
                "changes the HPA alone; unless the value falls, it then wants more again"
            } else {
                "changes the HPA alone; the nodes need room for the new pods"
            },
        );
    }
    Some(let_each_do_more(case, finding))
}

/// An `External` metric is the sum of all series that its selector matches: a part of them may be meant.
fn with_series(case: &Case<'_>, finding: Finding) -> Finding {
    let found = case.deciding_metric().and_then(|metric| {
        let spec = case.facts.hpa.metrics.get(metric.index)?;
        Some((spec, summed_series(case, metric.index)?))
    });
    let Some((spec, series)) = found else {
        return finding;
    };
    let finding = finding.saw(
        format!("{} is the sum of", label(spec)),
        series,
        "the metric's own API",
    );
    if spec
        .selector
        .as_deref()
        .is_some_and(|selector| !selector.is_empty())
    {
        return finding;
    }
    finding.advice(
        "name the series that are meant (`external.metric.selector.matchLabels`), if not all of them are",
        "changes the HPA alone; without a selector the HPA takes the sum",
    )
}

/// A larger request changes a percentage, and nothing else.
fn let_each_do_more(case: &Case<'_>, finding: Finding) -> Finding {
    let target = case
        .deciding_metric()
        .and_then(|metric| case.facts.hpa.metrics.get(metric.index))
        .map(|metric| &metric.target);
    match target {
        None | Some(MetricTarget::AverageUtilization(_)) => finding.advice(
            "give each replica more: a larger request makes the same usage a smaller percentage",
            format!("rolls the pods of {}", case.target_label()),
        ),
        Some(_) => finding.advice(
            "raise the target, if a replica can take more",
            "changes the HPA alone",
        ),
    }
}

/// The index of the metric that decides where its target is a `Value`, that value, and the command that makes it an
/// `AverageValue`.
fn share_the_whole(case: &Case<'_>) -> Option<(usize, String, String)> {
    let index = case.deciding_metric()?.index;
    let metric = case.facts.hpa.metrics.get(index)?;
    let MetricTarget::Value(target) = &metric.target else {
        return None;
    };
    let command = average(case, index, metric, &target.to_string());
    Some((index, target.to_string(), command))
}
