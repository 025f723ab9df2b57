//! TFS103 scale-target-not-scalable
//!
//! ## What it detects
//! The scale target exists, and it has no scale subresource: a `DaemonSet`, a Job, a bare Pod, or a custom
//! resource whose definition does not declare `subresources.scale`.
//!
//! ## How it is proved
//! The object was read, and its `/scale` answers 404.
//!
//! ## What it is not
//! A missing object (TFS101), although the controller's text for a custom resource is the same.
//!
//! ## Fix
//! Let the HPA scale a Deployment, `StatefulSet` or `ReplicaSet`, or declare the scale subresource in the
//! custom resource definition, `labelSelectorPath` included.
//!
//! ## Source
//! `scaleForResourceMappings` in `horizontal.go`; `customresource_handler.go` of the apiextensions API
//! server, Kubernetes v1.37.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS103",
    name: "scale-target-not-scalable",
    stage: Stage::Target,
    source: documentation!("scale_target_not_scalable.rs"),
    explains: &[],
    needs: &[Need::Target, Need::Scale],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    case.target()?;
    if !case.facts.scale.is_absent() {
        return None;
    }
    let label = case.target_label();
    let kind = case.facts.hpa.target.kind.as_str();
    let (why, advice) = match kind {
        "DaemonSet" => (
            "a DaemonSet runs one pod a node, its number of replicas is the number of nodes",
            "delete the HPA, or run the workload as a Deployment",
        ),
        "Job" | "CronJob" | "Pod" => (
            "only workloads that keep a number of replicas can be scaled",
            "delete the HPA, or run the workload as a Deployment",
        ),
        _ => (
            "its definition declares no scale subresource",
            "declare `subresources.scale` with `labelSelectorPath` in the CustomResourceDefinition",
        ),
    };
    let finding = RULE
        .finding(
            Severity::Error,
            format!("{label} exists but cannot be scaled: {why}"),
            format!("an HPA writes the scale subresource, and {kind} has none"),
        )
        .saw(&label, "found", "GET the scale target")
        .saw(
            format!("{label}, subresource scale"),
            "not found",
            "GET the scale subresource",
        );
    let finding = case.with_condition(case.on_hpa(case.on_target(finding)));
    let name = word(&case.facts.hpa.name);
    let finding = match kind {
        "DaemonSet" | "Job" | "CronJob" | "Pod" => finding.fix(
            "delete the HPA, which can never work",
            format!("kubectl delete hpa {name} -n {}", case.namespace()),
            "deletes the HPA, not the workload",
        ),
        _ => match declared(case, &finding) {
            Some(declared) => return Some(declared),
            None => finding,
        },
    };
    Some(finding.advice(advice, "changes how the workload is defined"))
}

/// Declares the scale subresource where the values usually are.
fn declared(case: &Case<'_>, finding: &Finding) -> Option<Finding> {
    let definition = case.facts.definition.known()?;
    case.target()?.replicas?;
    let scale = r#"{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas","labelSelectorPath":".status.selector"}"#;
    let (place, value) = if definition.subresources {
        ("subresources/scale", scale.to_owned())
    } else {
        ("subresources", format!(r#"{{"scale":{scale}}}"#))
    };
    let patch = format!(
        r#"[{{"op":"add","path":"/spec/versions/{}/{place}","value":{value}}}]"#,
        definition.version_index
    );
    Some(
        finding
            .clone()
            .object("CustomResourceDefinition", "", &definition.name)
            .fix(
                "declare the scale subresource",
                format!(
                    "kubectl patch crd {} --type=json -p {}",
                    word(&definition.name),
                    word(&patch)
                ),
                "the HPA then needs .status.selector of the resource, which its operator has to write",
            ),
    )
}
