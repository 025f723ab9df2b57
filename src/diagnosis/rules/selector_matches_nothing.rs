//! TFS204 selector-matches-nothing
//!
//! ## What it detects
//! A custom resource says that it has replicas, and no pod matches the selector that its scale gives: the selector has a
//! slip, or labels that the pods do not have.
//!
//! ## How it is proved
//! The scale has `status.replicas` above 0, and listing pods with its selector finds none. It is likely, because an
//! operator may be late with the one or the other.
//!
//! ## What it is not
//! A selector that is empty (TFS202) or cannot be parsed (TFS203). Workloads that are built into Kubernetes own the pods
//! that they select; without pods they are TFS504.
//!
//! ## Fix
//! Let the operator write a selector that matches the labels of the pods.
//!
//! ## Source
//! `GetResourceMetric` in `metrics/client.go`, Kubernetes v1.37: `no metrics returned from resource metrics API`.

use crate::diagnosis::phrase::{count, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS204",
    name: "selector-matches-nothing",
    stage: Stage::Selector,
    source: documentation!("selector_matches_nothing.rs"),
    explains: &["TFS504"],
    needs: &[Need::Scale, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let scale = case.scale()?;
    let group = case
        .target()?
        .api_version
        .split_once('/')
        .map_or("", |(group, _)| group);
    let none = case.facts.pods.known()?.is_empty();
    let says = usize::try_from(scale.status_replicas).unwrap_or(0);
    if !group.contains('.') || !none || says == 0 || scale.spec_replicas == 0 {
        return None;
    }
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Error,
            format!(
                "No pod has {}, the selector of {label}, so there is nothing to measure",
                scale.selector
            ),
            format!(
                "{label} says that it has {}: its pods carry other labels",
                count(says, "replica")
            ),
        )
        .at_most(Confidence::Likely)
        .saw(format!("pods with {}", scale.selector), "none", "LIST pods")
        .saw(
            format!("{label}, scale"),
            format!(
                "status.replicas {}, status.selector {}",
                scale.status_replicas, scale.selector
            ),
            "GET the scale subresource",
        );
    Some(
        case.on_target(finding)
            .fix(
                "see which labels the pods have",
                format!("kubectl get pods -n {} --show-labels", case.namespace()),
                "reads only",
            )
            .fix(
                "see where the resource has the selector from",
                format!(
                    "kubectl get {} {} -n {} -o yaml",
                    word(&case.target_resource()),
                    word(&case.facts.hpa.target.name),
                    case.namespace()
                ),
                "reads only; its operator has to write one that matches",
            ),
    )
}
