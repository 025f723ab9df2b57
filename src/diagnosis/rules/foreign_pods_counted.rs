//! TFS701 foreign-pods-counted
//!
//! ## What it detects
//! Pods of somebody else match the HPA's selector and are averaged in: idle ones hide a load, busy ones invent one.
//!
//! ## How it is proved
//! The list of pods with the scale's own selector holds live pods whose owner is not the scale target.
//!
//! ## What it is not
//! Foreign pods without a request stop the HPA altogether (TFS403). Two HPAs on the same pods are TFS201.
//!
//! ## Fix
//! Give the foreign pods other labels, or make the selector of the workload more specific; the selector of a
//! Deployment cannot be changed, so it has to be created anew.
//!
//! ## Source
//! `GetResourceReplicas` in `replica_calculator.go`, Kubernetes v1.37: pods are chosen by label alone.

use crate::diagnosis::case::{is_leftover, owner_label};
use crate::diagnosis::foreign;
use crate::diagnosis::offenders::{self, Origin};
use crate::diagnosis::phrase::{count, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, successor};
use crate::facts::{MetricSpec, MetricTarget, Pod};
use crate::hpa::replicas::Counted;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS701",
    name: "foreign-pods-counted",
    stage: Stage::Others,
    source: documentation!("foreign_pods_counted.rs"),
    explains: &[],
    needs: &[Need::Pods],
    check,
};

/// How many pods are proved one by one.
const PROVED: usize = 3;

/// Whether a pod takes part in the arithmetic. One that succeeded does: it has no sample any more, and the
/// controller fills in 0 for it before it scales up and its whole request before it scales down (`groupPods`
/// ignores only what is terminating or has failed).
fn is_counted(case: &Case<'_>, pod: &Pod) -> bool {
    let filled_in = |counted| case.shares(counted).iter().any(|share| share.name == pod.name);
    !is_leftover(pod) || pod.phase == "Succeeded" && pod.deleted_at.is_none() && filled_in(Counted::Missing)
}

/// Whether the controller looks at pods at all: the average of an `External` or `Object` metric is its value divided by the
/// replicas of the scale (`GetExternalPerPodMetricReplicas`, `GetObjectPerPodMetricReplicas`).
fn looks_at_pods(case: &Case<'_>) -> bool {
    let metrics = &case.facts.hpa.metrics;
    let of_scale = |metric: &MetricSpec| {
        matches!(metric.type_.as_str(), "External" | "Object")
            && matches!(metric.target, MetricTarget::AverageValue(_))
    };
    metrics.is_empty() || !metrics.iter().all(of_scale)
}

/// Where the limits of the HPA make the same of both numbers, the pods change nothing now.
fn severity(case: &Case<'_>, with: Option<i32>, without: Option<i32>) -> Severity {
    let hpa = &case.facts.hpa;
    let (least, most) = (hpa.effective_min_replicas(), hpa.max_replicas);
    let limited = |wanted: i32| wanted.max(least).min(most);
    match (with, without) {
        _ if foreign::multiply(case) => Severity::Warning,
        (Some(with), Some(without)) if with != without && limited(with) == limited(without) => Severity::Info,
        _ => Severity::Warning,
    }
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let lacking = offenders::of_origin(case, &[Origin::Foreign]);
    let without = offenders::pods(&lacking);
    let strangers: Vec<&Pod> = case
        .foreign_pods()
        .filter(|pod| is_counted(case, pod) && !without.contains(&pod.name.as_str()))
        .filter(|pod| !successor::is_in_place(case, pod))
        .collect();
    if strangers.is_empty() || case.scale().is_none() || !looks_at_pods(case) {
        return None;
    }
    let wanted = case
        .recommendation
        .and_then(|recommendation| recommendation.metrics_want);
    let wanted_without = foreign::wanted_without(case);
    let selector = case.scale().map_or("", |scale| &scale.selector);
    let label = case.target_label();
    let verb = if strangers.len() == 1 { "is" } else { "are" };
    let mut finding = RULE.finding(
        severity(case, wanted, wanted_without),
        format!(
            "{} that {label} does not own {verb} averaged in",
            count(strangers.len(), "pod")
        ),
        if foreign::multiply(case) {
            format!(
                "the HPA counts every pod that `{selector}` matches, whoever owns it, and multiplies by their number: {} hides \
                 what the others use",
                case.current_of_target().unwrap_or_default()
            )
        } else {
            format!("the HPA counts every pod that `{selector}` matches, whoever owns it")
        },
    );
    for pod in &strangers {
        finding = finding.object("Pod", &pod.namespace, &pod.name);
    }
    for pod in strangers.iter().take(PROVED) {
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!("owned by {}, {}", owner_label(pod), pod.phase),
            "LIST pods",
        );
    }
    if let (Some(with), Some(without)) = (wanted, wanted_without)
        && with != without
    {
        finding = finding.estimates(
            "replicas that the metrics want",
            format!("{with}, and {without} without these pods"),
            "arithmetic",
        );
    }
    finding = foreign::name_owners(case, finding, &strangers);
    finding = foreign::delete(case, finding, &strangers);
    finding = foreign::relabel(case, finding, &strangers);
    Some(foreign::advise_owners(case, finding, &strangers, "").fix(
        "see what the selector matches",
        format!(
            "kubectl get pods -n {} -l {} --show-labels",
            case.namespace(),
            word(selector)
        ),
        "reads only",
    ))
}
