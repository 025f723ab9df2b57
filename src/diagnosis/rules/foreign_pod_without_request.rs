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
use crate::diagnosis::offenders::{self, Offender, Origin};
use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS403",
    name: "foreign-pod-without-request",
    stage: Stage::Requests,
    source: include_str!("foreign_pod_without_request.rs"),
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
        format!("the HPA adds up the requests of every pod that `{selector}` matches, whoever owns it"),
    );
    let pods = distinct(&found);
    for pod in &pods {
        finding = finding.object("Pod", &pod.namespace, &pod.name);
    }
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
    Some(with_fixes(case, finding, &pods))
}

fn with_fixes(case: &Case<'_>, mut finding: Finding, pods: &[&Pod]) -> Finding {
    let ended: Vec<String> = pods
        .iter()
        .filter(|pod| is_leftover(pod))
        .map(|pod| word(&pod.name))
        .collect();
    if !ended.is_empty() {
        finding = finding.fix(
            "delete the pods that have ended",
            format!("kubectl delete pod {} -n {}", ended.join(" "), case.namespace()),
            "deletes these pods; no replica of the workload is lost",
        );
    }
    if pods.iter().any(|pod| !is_leftover(pod) && !is_own(pod)) {
        let selector = case.scale().map_or("", |scale| &scale.selector);
        for command in repairs(case, pods) {
            finding = finding.fix(command.0, command.1, command.2);
        }
        finding = finding.fix(
            "see what the selector matches",
            format!(
                "kubectl get pods -n {} -l {} --show-labels",
                case.namespace(),
                word(selector)
            ),
            "reads only",
        );
        let mut owners: Vec<String> = pods
            .iter()
            .filter(|pod| !is_own(pod) && pod.owner.is_some())
            .map(|pod| owner_label(pod))
            .collect();
        owners.dedup();
        if owners.is_empty() {
            return finding;
        }
        finding = finding.advice(
            format!("give the pods of {} other labels, or requests", list(&owners)),
            "changes the other workload",
        );
    }
    finding
}

/// What takes the pods out of the sum: a request for a Deployment's, another label for those of nobody.
fn repairs(case: &Case<'_>, pods: &[&Pod]) -> Vec<(String, String, String)> {
    let namespace = case.namespace();
    let mut found: Vec<(String, String, String)> = Vec::new();
    for pod in pods.iter().filter(|pod| !is_leftover(pod) && !is_own(pod)) {
        let repair = match &pod.owner {
            None => {
                let selector = case.scale().map_or("", |scale| &scale.selector);
                let Some((label, _)) = selector.split(',').find_map(|part| part.split_once('=')) else {
                    continue;
                };
                (
                    format!("take Pod {} out of the selector", pod.name),
                    format!(
                        "kubectl label pod {} -n {namespace} {}-",
                        word(&pod.name),
                        word(label)
                    ),
                    "changes the label of this pod alone".to_owned(),
                )
            }
            Some(owner) => {
                let hash = pod.labels.get("pod-template-hash");
                let name = hash.and_then(|hash| owner.name.strip_suffix(hash)?.strip_suffix('-'));
                let lacking = offenders::of_origin(case, &[Origin::Foreign]);
                let (Some(name), "ReplicaSet") = (name, owner.kind.as_str()) else {
                    continue;
                };
                let Some(offender) = lacking
                    .iter()
                    .find(|offender| offender.pod.is_some_and(|other| other.name == pod.name))
                else {
                    continue;
                };
                let value = offenders::starting_value(case, offender.container, offender.resource);
                (
                    format!(
                        "request {} for container {}",
                        offender.resource, offender.container
                    ),
                    format!(
                        "kubectl set resources deployment {} -n {namespace} -c {} --requests={}={}",
                        word(name),
                        word(offender.container),
                        offender.resource,
                        value.value
                    ),
                    format!("rolls the pods of Deployment/{name}; its pods are still averaged in"),
                )
            }
        };
        if !found.contains(&repair) {
            found.push(repair);
        }
    }
    found
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
