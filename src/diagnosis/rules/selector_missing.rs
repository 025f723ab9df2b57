//! TFS202 selector-missing
//!
//! ## What it detects
//! The scale of the target has no selector, so the controller does not know which pods to count.
//!
//! ## How it is proved
//! `status.selector` of the scale was read and is empty.
//!
//! ## What it is not
//! Workloads that are built into Kubernetes always have one; this is a custom resource.
//!
//! ## Fix
//! Declare `labelSelectorPath` in the scale subresource of the custom resource definition, and let the
//! operator write a selector in its serialized form there, for example `app=web`.
//!
//! ## Source
//! `validateAndParseSelector` in `horizontal.go`, Kubernetes v1.37:
//! `ScalingActive=False/InvalidSelector`, event `SelectorRequired`.

use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS202",
    name: "selector-missing",
    stage: Stage::Selector,
    source: include_str!("selector_missing.rs"),
    explains: &["TFS504"],
    needs: &[Need::Scale],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    if !case.scale()?.selector.is_empty() {
        return None;
    }
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Error,
            format!("The scale of {label} has no selector, so the HPA cannot find its pods"),
            format!(
                "nothing writes the path that `labelSelectorPath` of {} names",
                case.facts.hpa.target.kind
            ),
        )
        .saw(
            format!("{label}, scale status.selector"),
            "empty",
            "GET the scale subresource",
        );
    Some(case.with_condition(case.on_target(finding)).advice(
        "declare `labelSelectorPath`, and let the operator write a selector such as app=web there",
        "changes the CustomResourceDefinition or its operator",
    ))
}
