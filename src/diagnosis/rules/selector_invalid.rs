//! TFS203 selector-invalid
//!
//! ## What it detects
//! The scale of a custom resource has a selector in a form that nobody can parse: the JSON of a `LabelSelector`, a map of
//! labels, or YAML, where the serialized form belongs, for example `app=web`.
//!
//! ## How it is proved
//! `status.selector` of the scale was read, and holds what no selector has; or the controller quotes the error of its
//! parser.
//!
//! ## What it is not
//! An empty selector is TFS202. A selector that can be parsed and matches no pod is TFS504.
//!
//! ## Fix
//! Let the operator write the serialized form (`metav1.FormatLabelSelector` in Go) where `labelSelectorPath` points to.
//!
//! ## Source
//! `convertToScale` in client-go's `scale/scheme/autoscalingv1`, and `validateAndParseSelector` in `horizontal.go`,
//! Kubernetes v1.37: `failed to parse target selector`.

use super::selector_missing::selector_patch;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::hpa::selector::{is_selector, serialized};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS203",
    name: "selector-invalid",
    stage: Stage::Selector,
    source: documentation!("selector_invalid.rs"),
    explains: &["TFS504", "TFS901"],
    needs: &[Need::Scale],
    check,
};

/// What the parser of the controller says of it, by client-go's scale client and by the controller itself.
const REFUSALS: &[&str] = &[
    "failed to parse target selector",
    "couldn't convert selector into a corresponding internal selector object",
];

fn check(case: &Case<'_>) -> Option<Finding> {
    let selector = case.scale()?.selector.as_str();
    let refused = case.said.blocking().is_some_and(|symptom| {
        let text = &symptom.condition.message;
        REFUSALS.iter().any(|words| text.contains(words))
    });
    if selector.is_empty() || is_selector(selector) && !refused {
        return None;
    }
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Error,
            format!("The scale of {label} has a text that is no selector, so the HPA cannot find its pods"),
            "the scale must hold a selector in its serialized form, such as app=web",
        )
        .saw(
            format!("{label}, scale status.selector"),
            selector,
            "GET the scale subresource",
        );
    let finding = match case.said.blocking() {
        Some(symptom) => finding.saw(
            format!("condition {}", symptom.condition.type_),
            symptom.condition.reason.as_str(),
            "status.conditions",
        ),
        None => finding,
    };
    let finding = case.on_target(finding);
    let paths = case.facts.definition.known().and_then(|it| it.scale.as_ref());
    let path = paths.and_then(|paths| paths.label_selector.as_deref());
    let command = path.and_then(|path| {
        let meant = serialized(selector)?;
        selector_patch(case, path, &meant)
    });
    let finding = match command {
        Some(command) => finding.fix(
            "write it in its serialized form",
            command,
            "the operator of the resource may overwrite it",
        ),
        None => finding,
    };
    Some(finding.advice(
        format!(
            "let the operator write the serialized form{}",
            path.map_or_else(String::new, |path| format!(" to {path}"))
        ),
        "in Go: metav1.FormatLabelSelector",
    ))
}
