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
//! Create the object, or let the HPA name the one that is meant. An HPA and its target share a namespace.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: condition `AbleToScale=False/FailedGetScale`.

use super::scale_target_kind_unknown::expected_api_version;
use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS101",
    name: "scale-target-not-found",
    stage: Stage::Target,
    source: include_str!("scale_target_not_found.rs"),
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
    let finding = RULE
        .finding(
            Severity::Error,
            format!("{label} does not exist in namespace {namespace}, so there is nothing to scale"),
            format!("`scaleTargetRef` names {label}, and the API server has no such object"),
        )
        .saw(label, "not found", "GET the scale target");
    let kinds = word(&target.kind.to_lowercase());
    let finding = case.with_condition(case.on_hpa(finding));
    Some(
        finding
            .fix(
                "see what exists, to find a wrong name",
                format!("kubectl get {kinds} -n {}", case.namespace()),
                "reads only",
            )
            .fix(
                "let the HPA name the object that is meant",
                case.patch_hpa(r#"{"scaleTargetRef":{"name":"NAME"}}"#),
                "changes the HPA alone; put the right name for NAME",
            ),
    )
}
