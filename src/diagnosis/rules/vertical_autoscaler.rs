//! TFS707 vertical-autoscaler-changes-requests
//!
//! ## What it detects
//! A `VerticalPodAutoscaler` changes the request that the HPA's percentage is a percentage of: it raises the request
//! to the usage, and the utilization falls, whatever the load is.
//!
//! ## How it is proved
//! VPA's admission controller annotates the pods that it changes (`vpaUpdates`), and its updater is named in
//! `managedFields` where it resizes a running pod; the request of the pods differs from the one of the template.
//!
//! ## What it is not
//! A VPA that controls another resource than the HPA's metric, or an HPA with a target of type `AverageValue`, get
//! along with each other.
//!
//! ## Fix
//! Let VPA leave that resource alone (`controlledResources`), or give the HPA a target that is no percentage.
//!
//! ## Source
//! Kubernetes' documentation of VPA: not to be used together with an HPA on the same resource.

use crate::diagnosis::case::is_running;
use crate::diagnosis::phrase::{amount, count, list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricSpec, MetricTarget, Pod, Resources};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS707",
    name: "vertical-autoscaler-changes-requests",
    stage: Stage::Others,
    source: documentation!("vertical_autoscaler.rs"),
    explains: &["TFS602", "TFS603", "TFS611", "TFS614"],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let metrics = &case.facts.hpa.metrics;
    metrics.iter().enumerate().find_map(|(index, metric)| {
        let MetricTarget::AverageUtilization(percent) = metric.target else {
            return None;
        };
        let changed: Vec<(&Pod, i64)> = case
            .own_pods()
            .filter(|pod| is_running(pod) && changes(pod, &metric.name))
            .filter_map(|pod| Some((pod, requested(&pod.containers, metric)?)))
            .collect();
        let template = case.target()?.template.as_ref()?;
        let wanted = requested(&template.containers, metric)?;
        let (_, seen) = *changed.iter().find(|(_, request)| *request != wanted)?;
        Some(found(case, (index, metric), percent, &changed, (wanted, seen)))
    })
}

/// Whether VPA set the pod's request of a resource.
pub(super) fn changes(pod: &Pod, resource: &str) -> bool {
    let at_admission = pod
        .vpa_updates
        .as_deref()
        .is_some_and(|updates| updates.contains(&format!("{resource} request")));
    let in_place = pod.resized_by.iter().any(|writer| writer.contains("vpa"));
    at_admission || in_place
}

/// What the containers that the metric counts request, added up; a limit alone is the request too.
pub(super) fn requested(containers: &[crate::facts::Container], metric: &MetricSpec) -> Option<i64> {
    let counted = containers.iter().filter(|container| {
        let named = metric
            .container
            .as_ref()
            .is_none_or(|name| *name == container.name);
        container.counts_for_requests() && named
    });
    let milli = |resources: &Resources| {
        let value = resources.requests.get(&metric.name);
        value
            .or_else(|| resources.limits.get(&metric.name))?
            .milli_value()
            .ok()
    };
    counted
        .map(|container| milli(&container.resources))
        .try_fold(0_i64, |sum, value| sum.checked_add(value?))
}

/// `web-vpa`, from `Pod resources updated by web-vpa: container 0: cpu request`.
fn name_of_vpa(pod: &Pod) -> Option<&str> {
    let (_, rest) = pod.vpa_updates.as_deref()?.split_once(" updated by ")?;
    rest.split_once(':').map(|(name, _)| name)
}

fn found(
    case: &Case<'_>,
    (index, metric): (usize, &MetricSpec),
    percent: i32,
    changed: &[(&Pod, i64)],
    (wanted, seen): (i64, i64),
) -> Finding {
    let resource = &metric.name;
    let vpa = changed.iter().find_map(|(pod, _)| name_of_vpa(pod));
    let who = vpa.map_or_else(|| "A VPA".to_owned(), |name| format!("VPA {name}"));
    let (now, template) = (amount(resource, seen), amount(resource, wanted));
    let mut finding = RULE.finding(
        Severity::Warning,
        format!("{who} sets the {resource} request to {now}, and the HPA's {percent}% is {percent}% of that"),
        "VPA moves the request to the usage, so the utilization says nothing of the load",
    );
    if let Some(name) = vpa {
        finding = finding.object("VerticalPodAutoscaler", &case.facts.hpa.namespace, name);
    }
    finding = case.on_hpa(finding).saw(
        "template",
        format!("requests {resource} {template}"),
        "spec.template",
    );
    let names: Vec<&str> = changed.iter().map(|(pod, _)| pod.name.as_str()).collect();
    finding = finding.saw(
        count(names.len(), "pod"),
        format!("requests {resource} {now}: {}", list(&names)),
        "LIST pods",
    );
    let first = changed.iter().find_map(|(pod, _)| pod.vpa_updates.as_deref());
    finding = match first {
        Some(updates) => finding.saw("annotation vpaUpdates", updates, "metadata.annotations"),
        None => finding.saw("resized by", "vpa-updater", "managedFields of the pods"),
    };
    let namespace = case.namespace();
    let other = if resource == "cpu" { "memory" } else { "cpu" };
    if let Some(name) = vpa {
        let patch = format!(
            r#"{{"spec":{{"resourcePolicy":{{"containerPolicies":[{{"containerName":"*","controlledResources":["{other}"]}}]}}}}}}"#
        );
        finding = finding.fix(
            format!("let VPA leave {resource} alone"),
            format!(
                "kubectl patch vpa {} -n {namespace} --type=merge -p {}",
                word(name),
                word(&patch)
            ),
            "replaces its containerPolicies; new pods have the template's request again",
        );
    }
    aim_at_a_value(case, finding, (index, metric), percent, wanted)
}

/// The same target as a value of each pod, which does not depend on requests.
pub(super) fn aim_at_a_value(
    case: &Case<'_>,
    finding: Finding,
    (index, metric): (usize, &MetricSpec),
    percent: i32,
    wanted: i64,
) -> Finding {
    let resource = &metric.name;
    let target = wanted.saturating_mul(i64::from(percent)) / 100;
    let field = if metric.container.is_some() {
        "containerResource"
    } else {
        "resource"
    };
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/metrics/{index}/{field}/target","value":{{"type":"AverageValue","averageValue":"{}"}}}}]"#,
        amount(resource, target)
    );
    finding.fix(
        format!(
            "let the HPA aim at {} a pod, {percent}% of the template's request",
            amount(resource, target)
        ),
        case.patch_hpa_json(&patch),
        "changes the HPA alone; a value does not depend on requests",
    )
}
