//! TFS403 foreign-pod-without-request
//!
//! ## What it detects
//! A pod that matches the HPA's selector without being one of the workload's live pods has no request: a Job,
//! another Deployment with the same labels, or a leftover that failed, completed or is terminating.
//!
//! ## How it is proved
//! The pod was read, its owner is not the scale target or it has ended, and a container of it has no request. The
//! controller asks for the requests of every pod that the selector matches, even of those whose usage it
//! does not count.
//!
//! ## What it is not
//! Foreign pods that do have requests do not stop the HPA; they distort it (TFS701).
//!
//! ## Fix
//! Delete leftovers. Give foreign pods other labels, or requests.
//!
//! ## Source
//! `calculateRequests` in `replica_calculator.go`, Kubernetes v1.37; kubernetes issues 79365 and 124307.

use crate::diagnosis::case::{is_leftover, is_own, owner_label};
use crate::diagnosis::foreign;
use crate::diagnosis::offenders::{self, Offender, Origin};
use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS403",
    name: "foreign-pod-without-request",
    stage: Stage::Requests,
    source: documentation!("foreign_pod_without_request.rs"),
    explains: &["TFS607", "TFS701"],
    needs: &[Need::Target, Need::Pods],
    check,
};

/// How many pods are proved one by one.
const PROVED: usize = 3;

fn check(case: &Case<'_>) -> Option<Finding> {
    let found = offenders::of_origin(case, &[Origin::Foreign, Origin::Leftover]);
    if found.is_empty() {
        return None;
    }
    let names = offenders::pods(&found);
    let resources = list(&offenders::resources(&found));
    let label = case.target_label();
    let selector = case.scale().map_or("", |scale| &scale.selector);
    let plural = if names.len() == 1 { "Pod" } else { "Pods" };
    let (verb, stop) = if names.len() == 1 {
        ("has", "stops")
    } else {
        ("have", "stop")
    };
    let mut finding = RULE.finding(
        Severity::Error,
        format!(
            "{plural} {} {verb} no {resources} request and {stop} the HPA of {label}",
            list(&names)
        ),
        if pods_are_own(&found) {
            format!("the HPA adds up the requests of every pod that `{selector}` matches, even of those that have ended")
        } else {
            format!("the HPA adds up the requests of every pod that `{selector}` matches, whoever owns it")
        },
    );
    let pods = distinct(&found);
    for offender in &found {
        if let Some(pod) = offender.pod {
            finding = finding.container("Pod", &pod.namespace, &pod.name, offender.container);
        }
    }
    finding = foreign::name_owners(case, finding, &pods);
    for pod in pods.iter().take(PROVED) {
        let containers: Vec<Offender<'_>> = found
            .iter()
            .filter(|offender| offender.pod.is_some_and(|other| other.name == pod.name))
            .cloned()
            .collect();
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!(
                "owned by {}, {}; container {} requests no {resources}",
                owner_label(pod),
                state(pod),
                list(&offenders::containers(&containers))
            ),
            "LIST pods",
        );
    }
    let finding = case.with_default_metric(finding);
    Some(with_fixes(case, finding, &found, &pods))
}

fn pods_are_own(found: &[Offender<'_>]) -> bool {
    found.iter().filter_map(|offender| offender.pod).all(is_own)
}

fn with_fixes(case: &Case<'_>, finding: Finding, found: &[Offender<'_>], pods: &[&Pod]) -> Finding {
    let finding = foreign::delete(case, finding, pods);
    let finding = with_requests(case, finding, found);
    let finding = foreign::relabel(case, finding, pods);
    foreign::advise_owners(case, finding, pods, ", or requests")
}

/// A request for every container of another workload that lacks one, where `kubectl set resources` knows the kind.
fn with_requests(case: &Case<'_>, finding: Finding, found: &[Offender<'_>]) -> Finding {
    let mut commands: Vec<String> = Vec::new();
    let mut labels: Vec<String> = Vec::new();
    for offender in found {
        let alive = offender.pod.filter(|pod| !is_leftover(pod) && !is_own(pod));
        let Some((kind, name)) = alive.and_then(foreign::workload) else {
            continue;
        };
        if !matches!(kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet") {
            continue;
        }
        let command = format!(
            "kubectl set resources {} {} -n {} -c {} --requests={}={}",
            kind.to_lowercase(),
            word(&name),
            case.namespace(),
            word(offender.container),
            offender.resource,
            offenders::starting_value(case, offender.container, offender.resource).value
        );
        if commands.contains(&command) {
            continue;
        }
        commands.push(command);
        let label = format!("{kind}/{name}");
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    if commands.is_empty() {
        return finding;
    }
    let labels = list(&labels);
    finding.fix(
        format!(
            "let the pods of {labels} request {}",
            list(&offenders::resources(found))
        ),
        commands.join(" && "),
        format!("rolls the pods of {labels}; they are still averaged in"),
    )
}

fn distinct<'a>(found: &[Offender<'a>]) -> Vec<&'a Pod> {
    let mut pods: Vec<&Pod> = Vec::new();
    for pod in found.iter().filter_map(|offender| offender.pod) {
        if !pods.iter().any(|seen| seen.name == pod.name) {
            pods.push(pod);
        }
    }
    pods
}

fn state(pod: &Pod) -> String {
    match (&pod.deleted_at, &pod.reason) {
        (Some(_), _) => "terminating".to_owned(),
        (None, Some(reason)) => format!("{} ({reason})", pod.phase),
        (None, None) => pod.phase.clone(),
    }
}
