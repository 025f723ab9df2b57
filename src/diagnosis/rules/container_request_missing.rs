//! TFS401 container-request-missing
//!
//! ## What it detects
//! A container of the pod template has no request for the resource whose utilization the HPA reads. One
//! container without it is enough: utilization is usage divided by the requests of the whole pod.
//!
//! ## How it is proved
//! The container was read in the live pods and in the template, and has neither request nor limit in both. A
//! limit alone is enough, because the API server makes it the request. So is a request of the pod as a whole
//! (`spec.resources`) from 1.34 on, but not for a metric of one container.
//!
//! ## What it is not
//! A container that only the pods have is TFS402, a pod of somebody else TFS403, and a template that was
//! repaired but not rolled out TFS404.
//!
//! ## Fix
//! Set the request; every container that is named needs one. Or scale on an `AverageValue`, which needs none.
//!
//! ## Source
//! `calculatePodRequests` in `replica_calculator.go`, Kubernetes v1.37. The container that the event names is
//! whichever the lister returned first; up to 1.25 it names none.

use crate::diagnosis::case::refused;
use crate::diagnosis::offenders::{self, Offender, Origin, has_pod_level_request};
use crate::diagnosis::phrase::list;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::template_change::{self, Setting};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::MetricTarget;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS401",
    name: "container-request-missing",
    stage: Stage::Requests,
    source: documentation!("container_request_missing.rs"),
    explains: &["TFS607"],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let found = offenders::of_origin(case, &[Origin::Template]);
    if found.is_empty() {
        return None;
    }
    let containers = offenders::containers(&found);
    let resources = offenders::resources(&found);
    let label = case.target_label();
    let plural = if containers.len() == 1 {
        "Container"
    } else {
        "Containers"
    };
    let verb = if containers.len() == 1 { "has" } else { "have" };
    let mut finding = RULE.finding(
        Severity::Error,
        format!(
            "{plural} {} of {label} {verb} no {} request, so utilization cannot be computed",
            list(&containers),
            list(&resources)
        ),
        "utilization is usage divided by request, and every container of the pod needs one",
    );
    let target = &case.facts.hpa.target;
    for container in &containers {
        finding = finding.container(&target.kind, &case.facts.hpa.namespace, &target.name, container);
    }
    finding = prove(case, finding, &found);
    if let Some(unreadable) = refused(&case.facts.pods).or_else(|| refused(&case.facts.target)) {
        finding = finding.could_not_read(unreadable);
    }
    finding = case.with_default_metric(finding);
    let (finding, instead) = of_the_whole_pod(case, finding);
    // A request of a container must fit into that of its pod.
    Some(match instead {
        Some(patch) => finding
            .fix(
                "let the HPA read the whole pod",
                case.patch_hpa_json(&patch),
                "changes the HPA alone; the usage of all containers counts then",
            )
            .advice(
                format!(
                    "or give container {} a part of the pod's own request",
                    list(&containers)
                ),
                format!("rolls the pods of {label}"),
            ),
        None => repair(case, finding, &found),
    })
}

/// The pod's own request, which is no container's; with the patch that makes a metric of one container one of the pod.
fn of_the_whole_pod(case: &Case<'_>, finding: Finding) -> (Finding, Option<String>) {
    let template = case.target().and_then(|target| target.template.as_ref());
    let Some(own) = template.and_then(|template| template.resources.as_ref()) else {
        return (finding, None);
    };
    let metrics = case.facts.hpa.metrics.iter().enumerate();
    let mut relevant = metrics.filter_map(|(index, metric)| {
        let request = own.requests.get(&metric.name)?;
        match metric.target {
            MetricTarget::AverageUtilization(percent) => Some((index, metric, percent, request)),
            _ => None,
        }
    });
    let Some((index, metric, percent, request)) = relevant.next() else {
        return (finding, None);
    };
    let why = if metric.container.is_some() {
        "a ContainerResource metric looks at its container alone"
    } else {
        "the controller reads it from Kubernetes 1.34 on"
    };
    let finding = finding.saw(
        "template, the pod as a whole",
        format!("requests {} {}: {why}", metric.name, request.0),
        "spec.template.spec.resources",
    );
    let read =
        metric.container.is_some() && has_pod_level_request(Some(own), &metric.name, case.controller.minor);
    let patch = read.then(|| {
        format!(
            r#"[{{"op":"replace","path":"/spec/metrics/{index}","value":{{"type":"Resource","resource":{{"name":"{}","target":{{"type":"Utilization","averageUtilization":{percent}}}}}}}}}]"#,
            metric.name
        )
    });
    (finding, patch)
}

fn prove(case: &Case<'_>, finding: Finding, found: &[Offender<'_>]) -> Finding {
    let containers = list(&offenders::containers(found));
    let resources = list(&offenders::resources(found));
    let pods = offenders::pods(found);
    let finding = if case.target().is_some_and(|target| target.template.is_some()) {
        finding.saw(
            format!("template, {containers}"),
            format!("no {resources} request and no limit"),
            "spec.template",
        )
    } else {
        finding
    };
    if pods.is_empty() {
        return finding;
    }
    finding.saw(
        format!("pods, {containers}"),
        format!(
            "no {resources} request in {} of {}: {}",
            pods.len(),
            case.pods().len(),
            list(&pods)
        ),
        "LIST pods",
    )
}

/// One command for all containers: a rollout each would only take longer.
fn repair(case: &Case<'_>, finding: Finding, found: &[Offender<'_>]) -> Finding {
    let containers = offenders::containers(found);
    let resources = list(&offenders::resources(found));
    let mut basis = String::new();
    let settings: Vec<Setting<'_>> = containers
        .iter()
        .map(|container| {
            let lacking: Vec<Offender<'_>> = found
                .iter()
                .filter(|it| it.container == *container)
                .cloned()
                .collect();
            let values = offenders::resources(&lacking).into_iter().map(|resource| {
                let value = offenders::starting_value(case, container, resource);
                if basis.is_empty() {
                    basis = format!("; {}", value.basis());
                }
                (resource.to_owned(), value.value)
            });
            Setting {
                container,
                requests: values.collect(),
                limits: Vec::new(),
            }
        })
        .collect();
    let plural = if containers.len() == 1 {
        "container"
    } else {
        "containers"
    };
    let title = format!("request {resources} for {plural} {}", list(&containers));
    template_change::proposed(case, finding, title, &settings, &basis)
}
