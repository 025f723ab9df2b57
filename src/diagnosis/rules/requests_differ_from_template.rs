//! TFS618 requests-differ-from-template
//!
//! ## What it detects
//! The pods request something else than their own template says, and it decides what the HPA does: they were resized in
//! place, or something changes requests as pods are created.
//!
//! ## How it is proved
//! The rollout of the Deployment is over (`Progressing`, `NewReplicaSetAvailable`), and its pods request another amount than
//! the template. With the template's amount the same usage would be on another side of the target.
//!
//! ## What it is not
//! Pods of an older template (TFS404). What VPA sets is TFS707. A difference that changes no decision is silent.
//!
//! ## Fix
//! Write into the template what the pods are to request; or let the HPA aim at a value, which does not depend on requests.
//!
//! ## Source
//! `calculatePodRequests` in `replica_calculator.go`, Kubernetes v1.37: the requests of `spec.containers` of each pod, those
//! of the template never. A resize that is pending has changed them already (KEP-1287).

use std::cmp::Ordering;

use super::vertical_autoscaler::{aim_at_a_value, changes, requested};
use crate::diagnosis::phrase::{amount, count};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::template_change::{self, Setting};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricTarget, Pod};
use crate::hpa::replicas::{Counted, PodShare};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS618",
    name: "requests-differ-from-template",
    stage: Stage::Arithmetic,
    source: documentation!("requests_differ_from_template.rs"),
    explains: &["TFS602", "TFS603", "TFS604", "TFS611", "TFS614"],
    needs: &[Need::Target, Need::Pods, Need::PodMetrics],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let decides = case.deciding_metric()?;
    let metric = case.facts.hpa.metrics.get(decides.index)?;
    let MetricTarget::AverageUtilization(percent) = metric.target else {
        return None;
    };
    if !is_rolled_out(case) {
        return None;
    }
    let wanted = requested(&case.target()?.template.as_ref()?.containers, metric)?;
    let counted = |share: &&PodShare| share.counted == Counted::Yes;
    let shares: Vec<&PodShare> = decides.pods.iter().filter(counted).collect();
    let pods: Vec<&Pod> = case
        .own_pods()
        .filter(|pod| shares.iter().any(|share| share.name == pod.name))
        .collect();
    let first = *pods.first()?;
    let seen = requested(&first.containers, metric)?;
    let all = pods.len() == shares.len()
        && pods
            .iter()
            .all(|pod| requested(&pod.containers, metric) == Some(seen) && !changes(pod, &metric.name));
    if seen == wanted || !all {
        return None;
    }
    let usages = shares.iter().filter_map(|share| share.usage_milli);
    let usage = usages.fold(0, i64::saturating_add);
    let number = i64::try_from(pods.len()).ok()?;
    let utilization = |request: i64| {
        usage
            .saturating_mul(100)
            .checked_div(request.saturating_mul(number))
    };
    let (is, would_be) = (utilization(seen)?, utilization(wanted)?);
    if side(is, percent) == side(would_be, percent) {
        return None;
    }
    let (now, template) = (amount(&metric.name, seen), amount(&metric.name, wanted));
    let label = case.target_label();
    let resource = &metric.name;
    let resized = !first.resized_by.is_empty();
    let how = if resized {
        format!("resized in place; their template says {template}")
    } else {
        format!("their template {template}: something changes it as pods are created")
    };
    let finding = RULE
        .finding(
            Severity::Warning,
            format!("The pods of {label} request {now} {resource}, {how}"),
            format!(
                "the HPA sees {is}% of what the pods request; of what the template requests it would be {would_be}%, and the target is {percent}%"
            ),
        )
        .saw("template", format!("requests {resource} {template}"), "spec.template")
        .saw(
            count(pods.len(), "pod"),
            format!("requests {resource} {now}"),
            "LIST pods",
        );
    let finding = with_resize(case.on_target(finding), first);
    let finding = if resized {
        written_into_the_template(case, finding, (resource, &now), first)
    } else {
        finding.fix(
            "see which webhooks change pods",
            "kubectl get mutatingwebhookconfigurations",
            "reads only; since 1.36 a MutatingAdmissionPolicy may do it too",
        )
    };
    Some(aim_at_a_value(
        case,
        finding,
        (decides.index, metric),
        percent,
        wanted,
    ))
}

/// Whether every pod is of the template as it is now.
fn is_rolled_out(case: &Case<'_>) -> bool {
    case.target().is_some_and(|target| {
        target.observed_generation == target.generation
            && target
                .conditions
                .iter()
                .any(|it| it.type_ == "Progressing" && it.reason == "NewReplicaSetAvailable")
    })
}

/// Below, within or above the default tolerance of a tenth.
fn side(utilization: i64, percent: i32) -> Ordering {
    let (value, target) = (
        utilization.saturating_mul(10),
        i64::from(percent).saturating_mul(10),
    );
    let tolerance = i64::from(percent);
    if value.saturating_sub(target).saturating_abs() <= tolerance {
        Ordering::Equal
    } else {
        value.cmp(&target)
    }
}

/// What the kubelet says of the resize.
fn with_resize(finding: Finding, pod: &Pod) -> Finding {
    let finding = match pod.resized_by.first() {
        Some(writer) => finding.saw(
            format!("Pod {}", pod.name),
            format!("resized by {writer}"),
            "managedFields",
        ),
        None => finding,
    };
    match pod.condition("PodResizePending") {
        Some(pending) if pending.status == "True" => finding.saw(
            format!("Pod {}, condition PodResizePending", pod.name),
            format!("{}: it runs with less than it requests", pending.reason),
            "status.conditions",
        ),
        _ => finding,
    }
}

fn written_into_the_template(
    case: &Case<'_>,
    finding: Finding,
    (resource, now): (&str, &str),
    pod: &Pod,
) -> Finding {
    let mut own = pod
        .containers
        .iter()
        .filter(|container| container.counts_for_requests());
    let (Some(only), None) = (own.next(), own.next()) else {
        return finding;
    };
    let setting = Setting::request(&only.name, resource, now);
    template_change::proposed(case, finding, "let new pods request the same", &[setting], "")
}
