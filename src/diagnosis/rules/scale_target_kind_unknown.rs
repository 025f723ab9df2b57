//! TFS102 scale-target-kind-unknown
//!
//! ## What it detects
//! `spec.scaleTargetRef` has an apiVersion and kind that name nothing: a Deployment without `apps/v1`, a
//! misspelt kind, or a custom resource whose definition is not installed.
//!
//! ## How it is proved
//! The controller says that no kind matches while the object cannot be found, or the kind is a built-in one
//! and its apiVersion names another group than the one that serves it.
//!
//! ## What it is not
//! The version in the apiVersion is not at fault: the controller maps by group and kind alone.
//!
//! ## Fix
//! Give the HPA the right apiVersion and kind, or install the custom resource definition.
//!
//! ## Source
//! `scaleForResourceMappings` and the `RESTMapper` in `horizontal.go`, Kubernetes v1.37.

use crate::diagnosis::rule::{Rule, Stage};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::ObjectReference;
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS102",
    name: "scale-target-kind-unknown",
    stage: Stage::Target,
    source: include_str!("scale_target_kind_unknown.rs"),
    explains: &[],
    needs: &[],
    check,
};

/// The built-in kinds that can be scaled, and where they are served.
const BUILT_IN: &[(&str, &str)] = &[
    ("Deployment", "apps/v1"),
    ("StatefulSet", "apps/v1"),
    ("ReplicaSet", "apps/v1"),
    ("ReplicationController", "v1"),
];

/// The apiVersion that a reference to a built-in kind must have, where it has another group.
pub(super) fn expected_api_version(target: &ObjectReference) -> Option<&'static str> {
    let (_, expected) = BUILT_IN
        .iter()
        .find(|(kind, _)| *kind == target.kind || kind.to_lowercase() == target.kind)?;
    (group(&target.api_version) != group(expected)).then_some(*expected)
}

fn group(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

fn check(case: &Case<'_>) -> Option<Finding> {
    if case.target().is_some() {
        return None;
    }
    let target = &case.facts.hpa.target;
    let said = matches!(
        case.blocked_by(),
        Some(Message::KindUnknown { .. } | Message::InvalidApiVersion(_))
    );
    let expected = expected_api_version(target);
    if !said && expected.is_none() {
        return None;
    }
    let api_version = if target.api_version.is_empty() {
        "v1"
    } else {
        &target.api_version
    };
    let kind = &target.kind;
    let finding = RULE
        .finding(
            Severity::Error,
            format!("The cluster knows no {kind} in {api_version}, so the HPA cannot find its target"),
            format!(
                "`scaleTargetRef` says apiVersion {api_version}, kind {kind}, and nothing is served there"
            ),
        )
        .saw(
            "scaleTargetRef",
            format!("{api_version} {kind} {}", target.name),
            "spec.scaleTargetRef",
        );
    let finding = case.with_condition(case.on_hpa(finding));
    Some(match expected {
        Some(expected) => finding
            .saw(format!("{kind} is served by"), expected, "Kubernetes API")
            .fix(
                "name the apiVersion that serves it",
                case.patch_hpa(&format!(r#"{{"scaleTargetRef":{{"apiVersion":"{expected}"}}}}"#)),
                "changes the HPA alone",
            ),
        None => finding.at_most(Confidence::Likely).fix(
            "see which kinds the cluster serves",
            "kubectl api-resources -o wide",
            "reads only; kinds are case-sensitive, and a custom resource needs its definition",
        ),
    })
}
