//! TFS105 replicas-field-missing
//!
//! ## What it detects
//! The scale target is a custom resource that has no value where its scale subresource expects the replicas.
//!
//! ## How it is proved
//! The API server answers the controller that the field at `specReplicasPath` does not exist.
//!
//! ## What it is not
//! A kind without a scale subresource is TFS103; 0 replicas are TFS605.
//!
//! ## Fix
//! Write a number there, or give the field a default in the `CustomResourceDefinition`.
//!
//! ## Source
//! `scaleFromCustomResource` in `apiextensions-apiserver/pkg/registry/customresource/etcd.go`, Kubernetes v1.37.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS105",
    name: "replicas-field-missing",
    stage: Stage::Target,
    source: include_str!("replicas_field_missing.rs"),
    explains: &["TFS901"],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let Some(Message::ReplicasFieldMissing(field)) = case.blocked_by() else {
        return None;
    };
    let label = case.target_label();
    let target = &case.facts.hpa.target;
    let finding = RULE.finding(
        Severity::Error,
        format!("{label} has no value at {field}, so its replicas cannot be read or scaled"),
        format!(
            "the scale subresource of {} reads the replicas there, and nothing has set them",
            target.kind
        ),
    );
    let finding = case.with_condition(case.on_target(finding));
    let replicas = case.facts.hpa.effective_min_replicas().max(1);
    let names = field.trim_start_matches('.');
    let merge = names.rsplit('.').fold(replicas.to_string(), |inner, name| {
        format!(r#"{{"{name}":{inner}}}"#)
    });
    let group = target.api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = format!("{}.{group}", target.kind.to_lowercase());
    Some(
        finding
            .fix(
                "write a number of replicas; the HPA takes over from there",
                format!(
                    "kubectl patch {} {} -n {} --type=merge -p {}",
                    word(kind.trim_end_matches('.')),
                    word(&target.name),
                    case.namespace(),
                    word(&merge)
                ),
                format!("changes {label} alone"),
            )
            .advice(
                format!("give {field} a default in the CustomResourceDefinition"),
                "keeps every new resource from the same fault",
            ),
    )
}
