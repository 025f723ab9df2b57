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

use crate::diagnosis::adapters::nearest;
use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::ObjectReference;
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS102",
    name: "scale-target-kind-unknown",
    stage: Stage::Target,
    source: documentation!("scale_target_kind_unknown.rs"),
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

/// The group of an apiVersion; empty for the core.
pub(super) fn group(api_version: &str) -> &str {
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
    let expected = expected_api_version(target).map(|version| (version, target.kind.as_str()));
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
    Some(
        match expected.or_else(|| existing(case)).or_else(|| meant(case)) {
            Some((version, meant)) => named(case, finding, version, meant),
            None => missing(case, finding),
        },
    )
}

/// The kind in another group, where it has an object of the name.
fn existing<'a>(case: &Case<'a>) -> Option<(&'a str, &'a str)> {
    let kinds = &case.facts.alternatives.known()?.kinds;
    let kind = &case.facts.hpa.target.kind;
    let found = kinds.iter().find(|it| it.kind.eq_ignore_ascii_case(kind))?;
    Some((&found.api_version, &found.kind))
}

/// The kind that was probably meant, and the apiVersion that serves it.
fn meant<'a>(case: &Case<'a>) -> Option<(&'a str, &'a str)> {
    let target = &case.facts.hpa.target;
    let found = case.facts.alternatives.known();
    let served = found.map_or(&[][..], |found| &found.served);
    let built_in = BUILT_IN.iter().map(|(kind, version)| (*version, *kind));
    let custom = served
        .iter()
        .map(|it| (it.api_version.as_str(), it.kind.as_str()));
    let known: Vec<(&str, &str)> = built_in.chain(custom).collect();
    let same_group = |version: &str| group(version) == group(&target.api_version);
    // The kind in another group, else a kind of the group that resembles it, else any.
    let exact = known
        .iter()
        .find(|(_, kind)| kind.eq_ignore_ascii_case(&target.kind));
    let resembling = |same: bool| {
        let kinds = known.iter().filter(|(version, _)| !same || same_group(version));
        let kinds: Vec<&str> = kinds.map(|(_, kind)| *kind).collect();
        let kind = nearest(&target.kind, &kinds)?;
        known
            .iter()
            .find(|(version, it)| *it == kind && (!same || same_group(version)))
    };
    exact
        .or_else(|| resembling(true))
        .or_else(|| resembling(false))
        .copied()
}

fn named(case: &Case<'_>, finding: Finding, version: &str, kind: &str) -> Finding {
    let target = &case.facts.hpa.target;
    let patch = if kind == target.kind {
        format!(r#"{{"scaleTargetRef":{{"apiVersion":"{version}"}}}}"#)
    } else {
        format!(r#"{{"scaleTargetRef":{{"apiVersion":"{version}","kind":"{kind}"}}}}"#)
    };
    let title = if kind == target.kind {
        "name the apiVersion that serves it".to_owned()
    } else {
        format!("name the kind that is served, {kind}")
    };
    finding
        .saw(format!("{kind} is served by"), version, "discovery")
        .fix(title, case.patch_hpa(&patch), "changes the HPA alone")
}

/// Nothing resembles the kind: its definition is not installed.
fn missing(case: &Case<'_>, finding: Finding) -> Finding {
    let target = &case.facts.hpa.target;
    let found = case.facts.alternatives.known();
    let finding = found
        .and_then(|found| found.kinds.first())
        .map_or(finding.clone(), |other| {
            finding.fix(
                format!("let the HPA scale {}/{}, which exists", other.kind, other.name),
                case.patch_hpa(&format!(
                    r#"{{"scaleTargetRef":{{"apiVersion":"{}","kind":"{}"}}}}"#,
                    other.api_version, other.kind
                )),
                "changes the HPA alone",
            )
        });
    let group = group(&target.api_version);
    finding
        .fix(
            "see which kinds the cluster serves",
            format!(
                "kubectl api-resources{}",
                if group.is_empty() {
                    String::new()
                } else {
                    format!(" --api-group={}", word(group))
                }
            ),
            "reads only",
        )
        .advice(
            format!(
                "install the CustomResourceDefinition of {} again: it is gone, or never was",
                target.kind
            ),
            "the HPA goes on by itself within a minute",
        )
}
