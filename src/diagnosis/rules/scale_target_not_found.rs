//! TFS101 scale-target-not-found
//!
//! ## What it detects
//! `spec.scaleTargetRef` names an object that does not exist in the HPA's namespace.
//!
//! ## How it is proved
//! The API server answers 404 for the object itself, not only for its scale: a custom resource without a
//! scale subresource makes the controller say the very same `not found`.
//!
//! ## What it is not
//! A kind or group that does not exist is TFS102; an object that cannot be scaled is TFS103.
//!
//! ## Fix
//! Let the HPA name the object that is meant: what resembles it is looked up, by name in the namespace, by kind (a
//! `Rollout` that took the Deployment's place, a `StatefulSet` of another group), and in other namespaces, unless an HPA
//! there scales it or this one has read its own before. An HPA and its target share a namespace. Where nothing
//! resembles it, create the object or delete the HPA.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: condition `AbleToScale=False/FailedGetScale`.

use super::scale_target_kind_unknown::{expected_api_version, group};
use crate::diagnosis::adapters::nearest;
use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::ObjectReference;
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS101",
    name: "scale-target-not-found",
    stage: Stage::Target,
    source: documentation!("scale_target_not_found.rs"),
    explains: &[],
    needs: &[Need::Target],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let kind_unknown = matches!(
        case.blocked_by(),
        Some(Message::KindUnknown { .. } | Message::InvalidApiVersion(_))
    );
    let target = &case.facts.hpa.target;
    if !case.facts.target.is_absent() || kind_unknown || expected_api_version(target).is_some() {
        return None;
    }
    let label = case.target_label();
    let namespace = &case.facts.hpa.namespace;
    let meant = meant(case);
    let was_there = case.facts.hpa.has_read_its_scale();
    let instead = match meant.first() {
        Some(Meant::Name(name)) => format!("; {}/{name} does", target.kind),
        Some(Meant::Kind(kind)) if kind.kind.eq_ignore_ascii_case(&target.kind) => {
            format!("; that of {} does", group(&kind.api_version))
        }
        Some(Meant::Kind(kind)) => format!("; {}/{} does", kind.kind, kind.name),
        Some(Meant::Namespace(other)) => format!("; namespace {other} has it"),
        None if was_there => " any more".to_owned(),
        None => ", so there is nothing to scale".to_owned(),
    };
    let finding = RULE
        .finding(
            Severity::Error,
            format!("{label} does not exist in namespace {namespace}{instead}"),
            format!("`scaleTargetRef` names {label}, and the API server has no such object"),
        )
        .saw(&label, "not found", "GET the scale target");
    let finding = case.with_condition(case.on_target(case.on_hpa(finding)));
    let finding = match case.facts.hpa.current_replicas.filter(|_| was_there) {
        Some(replicas) => finding.saw(
            "replicas when it was last read",
            replicas.to_string(),
            "status.currentReplicas",
        ),
        None => finding,
    };
    let finding = with_names(case, finding);
    Some(if meant.is_empty() {
        with_search(case, finding)
    } else {
        meant
            .iter()
            .fold(finding, |finding, meant| repaired(case, finding, meant))
    })
}

/// What the reference may have meant.
enum Meant<'a> {
    /// Another name.
    Name(&'a str),
    /// Another kind.
    Kind(&'a ObjectReference),
    /// Another namespace.
    Namespace(&'a str),
}

/// The likeliest first.
fn meant<'a>(case: &Case<'a>) -> Vec<Meant<'a>> {
    let Some(found) = case.facts.alternatives.known() else {
        return Vec::new();
    };
    let hpa = &case.facts.hpa;
    let names: Vec<&str> = found.names.iter().map(String::as_str).collect();
    let name = nearest(&hpa.target.name, &names)
        .or_else(|| renamed(&hpa.target.name, &names))
        .or_else(|| names.into_iter().find(|name| *name == hpa.name));
    let kinds = found.kinds.iter().take(1).map(Meant::Kind);
    // A name that many namespaces have says nothing of which is meant, and what it has read once was in its own.
    let namespace = match found.namespaces.as_slice() {
        [only] if !hpa.has_read_its_scale() => Some(Meant::Namespace(only)),
        _ => None,
    };
    kinds.chain(name.map(Meant::Name)).chain(namespace).collect()
}

/// The only name that goes on where the other one ends, or the other way round: `web` and `web-v2`.
fn renamed<'a>(wanted: &str, names: &[&'a str]) -> Option<&'a str> {
    let goes_on =
        |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('-'));
    let mut found = names
        .iter()
        .filter(|name| goes_on(name, wanted) || goes_on(wanted, name));
    found.next().copied().filter(|_| found.next().is_none())
}

fn with_names(case: &Case<'_>, finding: Finding) -> Finding {
    let Some(found) = case.facts.alternatives.known() else {
        return finding;
    };
    let target = &case.facts.hpa.target;
    let finding = finding.saw(
        format!("{}s of the namespace", target.kind),
        list(&found.names),
        "LIST of the kind",
    );
    if found.namespaces.is_empty() {
        return finding;
    }
    finding.saw(
        format!("namespaces with {}", case.target_label()),
        list(&found.namespaces),
        "LIST of the kind",
    )
}

fn repaired(case: &Case<'_>, finding: Finding, meant: &Meant<'_>) -> Finding {
    let hpa = &case.facts.hpa;
    match meant {
        Meant::Name(name) => finding.fix(
            format!("let the HPA name {}/{name}", hpa.target.kind),
            case.patch_hpa(&format!(r#"{{"scaleTargetRef":{{"name":"{name}"}}}}"#)),
            "changes the HPA alone",
        ),
        Meant::Kind(kind) => finding.fix(
            format!("let the HPA name {}/{}", kind.kind, kind.name),
            case.patch_hpa(&format!(
                r#"{{"scaleTargetRef":{{"apiVersion":"{}","kind":"{}"}}}}"#,
                kind.api_version, kind.kind
            )),
            "changes the HPA alone",
        ),
        Meant::Namespace(other) => {
            let (name, namespace) = (word(&hpa.name), case.namespace());
            finding.fix(
                format!("move the HPA to namespace {other}"),
                format!(
                    "kubectl get hpa {name} -n {namespace} -o yaml | sed '/^  resourceVersion:/d; /^  uid:/d; s/^  namespace: .*/  namespace: {other}/' | kubectl create -f - && kubectl delete hpa {name} -n {namespace}"
                ),
                "an HPA and its target share a namespace",
            )
        }
    }
}

/// Nothing resembles it: it was deleted, or never created.
fn with_search(case: &Case<'_>, finding: Finding) -> Finding {
    let target = &case.facts.hpa.target;
    let looked = case.facts.alternatives.known().is_some();
    let finding = if looked {
        finding
    } else {
        finding
            .fix(
                "see what exists, to find a wrong name",
                format!(
                    "kubectl get {} -n {}",
                    word(&target.kind.to_lowercase()),
                    case.namespace()
                ),
                "reads only",
            )
            .fix(
                "let the HPA name the object that is meant",
                case.patch_hpa(r#"{"scaleTargetRef":{"name":"NAME"}}"#),
                "changes the HPA alone; put the right name for NAME",
            )
    };
    let gone = finding.fix(
        format!("where {} is gone for good, delete its HPA", case.target_label()),
        format!(
            "kubectl delete hpa {} -n {}",
            word(&case.facts.hpa.name),
            case.namespace()
        ),
        "deletes the HPA, which has nothing to scale",
    );
    if looked {
        gone.advice(
            format!(
                "otherwise create {} again: the HPA then goes on by itself",
                case.target_label()
            ),
            if case
                .facts
                .alternatives
                .known()
                .is_some_and(|found| !found.namespaces.is_empty())
            {
                "the namespaces that have one of this name are others: an HPA scales in its own alone"
            } else {
                "no object of this kind has a name like it"
            },
        )
    } else {
        gone
    }
}
