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
//! Write a number there, or give the field a default in the `CustomResourceDefinition`. Where the resource has its
//! replicas at `.spec.replicas` and the definition reads another field, correct `specReplicasPath`.
//!
//! ## Source
//! `scaleFromCustomResource` in `apiextensions-apiserver/pkg/registry/customresource/etcd.go`, Kubernetes v1.37.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Definition;
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS105",
    name: "replicas-field-missing",
    stage: Stage::Target,
    source: documentation!("replicas_field_missing.rs"),
    explains: &["TFS901"],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let Some(Message::ReplicasFieldMissing(field)) = case.blocked_by() else {
        return None;
    };
    let label = case.target_label();
    let kind = &case.facts.hpa.target.kind;
    let misled = misled(case, field);
    let why = match misled {
        Some((definition, replicas)) => format!(
            "{label} has {replicas} at .spec.replicas, and {} reads {field}",
            definition.name
        ),
        None => format!("the scale subresource of {kind} reads the replicas there, and nothing has set them"),
    };
    let finding = RULE.finding(
        Severity::Error,
        format!("{label} has no value at {field}, so its replicas cannot be read or scaled"),
        why,
    );
    let finding = match misled {
        Some((definition, _)) => finding.object("CustomResourceDefinition", "", &definition.name),
        None => finding,
    };
    let finding = case.with_condition(case.on_target(finding));
    Some(match misled {
        Some((definition, replicas)) => finding
            .saw(
                format!("{label}, spec.replicas"),
                replicas.to_string(),
                "GET the scale target",
            )
            .fix(
                "let the definition read what the resource has",
                format!(
                    r#"kubectl patch crd {} --type=json -p '[{{"op":"replace","path":"/spec/versions/{}/subresources/scale/specReplicasPath","value":".spec.replicas"}}]'"#,
                    word(&definition.name),
                    definition.version_index
                ),
                format!("changes the scale of every {kind}"),
            ),
        None => written(case, finding, field),
    })
}

/// The definition, where it reads another field than the one that the resource has.
fn misled<'a>(case: &Case<'a>, field: &str) -> Option<(&'a Definition, i32)> {
    let definition = case.facts.definition.known()?;
    let replicas = case.target()?.replicas?;
    (field != ".spec.replicas").then_some((definition, replicas))
}

fn written(case: &Case<'_>, finding: Finding, field: &str) -> Finding {
    let label = case.target_label();
    let target = &case.facts.hpa.target;
    let replicas = case.facts.hpa.effective_min_replicas().max(1);
    let names = field.trim_start_matches('.');
    let merge = names.rsplit('.').fold(replicas.to_string(), |inner, name| {
        format!(r#"{{"{name}":{inner}}}"#)
    });
    finding
        .fix(
            "write a number of replicas; the HPA takes over from there",
            format!(
                "kubectl patch {} {} -n {} --type=merge -p {}",
                word(&case.target_resource()),
                word(&target.name),
                case.namespace(),
                word(&merge)
            ),
            format!("changes {label} alone"),
        )
        .advice(
            format!("give {field} a default in the CustomResourceDefinition"),
            "keeps every new resource from the same fault",
        )
}
