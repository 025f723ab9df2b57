//! TFS401 container-request-missing
//!
//! ## What it detects
//! A container of the pod template has no request for the resource whose utilization the HPA reads. One
//! container without it is enough: utilization is usage divided by the requests of the whole pod.
//!
//! ## How it is proved
//! The container was read in the live pods and in the template, and has neither request nor limit in both. A
//! limit alone is enough, because the API server makes it the request.
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
use crate::diagnosis::offenders::{self, Offender, Origin};
use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS401",
    name: "container-request-missing",
    stage: Stage::Requests,
    source: include_str!("container_request_missing.rs"),
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
    for container in &containers {
        finding = repair(case, finding, &found, container);
    }
    Some(finding)
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

fn repair(case: &Case<'_>, finding: Finding, found: &[Offender<'_>], container: &str) -> Finding {
    let resources: Vec<&str> = offenders::resources(
        &found
            .iter()
            .filter(|offender| offender.container == container)
            .cloned()
            .collect::<Vec<_>>(),
    );
    let values: Vec<_> = resources
        .iter()
        .map(|resource| offenders::starting_value(case, container, resource))
        .collect();
    let pairs: Vec<String> = resources
        .iter()
        .zip(&values)
        .map(|(resource, value)| format!("{resource}={}", value.value))
        .collect();
    let basis = values.first().map_or("", offenders::StartingValue::basis);
    let label = case.target_label();
    let template = case.target().and_then(|target| target.template.as_ref());
    let init = template.is_some_and(|it| {
        it.containers
            .iter()
            .any(|other| other.name == container && other.init)
    });
    let title = format!("request {} for container {container}", list(&resources));
    let kind = case.facts.hpa.target.kind.as_str();
    // `kubectl set resources` knows the regular containers of these kinds alone.
    let command = match (kind, init) {
        ("Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController", false) => format!(
            "kubectl set resources {} -c {} --requests={}",
            case.target_arguments(),
            word(container),
            pairs.join(",")
        ),
        ("Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController", true) => {
            let requests: Vec<String> = resources
                .iter()
                .zip(&values)
                .map(|(resource, value)| format!(r#""{resource}":"{}""#, value.value))
                .collect();
            let patch = format!(
                r#"{{"spec":{{"template":{{"spec":{{"initContainers":[{{"name":"{container}","resources":{{"requests":{{{}}}}}}}]}}}}}}}}"#,
                requests.join(",")
            );
            format!("kubectl patch {} -p {}", case.target_arguments(), word(&patch))
        }
        _ => {
            return finding.advice(
                format!(
                    "set requests {} for container {container} in the spec of {label}",
                    pairs.join(",")
                ),
                format!("rolls the pods of {label}; {basis}"),
            );
        }
    };
    if matches!(kind, "ReplicaSet" | "ReplicationController") {
        let selector = case.scale().map_or("", |scale| &scale.selector);
        return finding.fix(
            title,
            format!(
                "{command} && kubectl delete pod -n {} -l {}",
                case.namespace(),
                word(selector)
            ),
            format!("{label} makes new pods from its template; the old ones are gone for a moment; {basis}"),
        );
    }
    finding.fix(title, command, format!("rolls the pods of {label}; {basis}"))
}
