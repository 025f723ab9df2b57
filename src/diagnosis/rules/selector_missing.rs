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

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Definition;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS202",
    name: "selector-missing",
    stage: Stage::Selector,
    source: documentation!("selector_missing.rs"),
    explains: &["TFS504"],
    needs: &[Need::Scale],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    if !case.scale()?.selector.is_empty() {
        return None;
    }
    let label = case.target_label();
    let kind = &case.facts.hpa.target.kind;
    let definition = case.facts.definition.known();
    let paths = definition.and_then(|definition| definition.scale.as_ref());
    let declared = paths.map(|paths| paths.label_selector.as_deref());
    let why = match declared {
        Some(None) => format!("the definition of {kind} declares no `labelSelectorPath`"),
        Some(Some(path)) => {
            format!("{label} has nothing at {path}, where its operator has to write a selector")
        }
        None => format!("nothing writes the path that `labelSelectorPath` of {kind} names"),
    };
    let mut finding = RULE
        .finding(
            Severity::Error,
            format!("The scale of {label} has no selector, so the HPA cannot find its pods"),
            why,
        )
        .saw(
            format!("{label}, scale status.selector"),
            "empty",
            "GET the scale subresource",
        );
    if let Some(definition) = definition.filter(|_| declared == Some(None)) {
        finding = finding
            .object("CustomResourceDefinition", "", &definition.name)
            .saw(
                format!("CustomResourceDefinition {}", definition.name),
                "no labelSelectorPath",
                "spec.versions[].subresources.scale",
            );
    }
    finding = case.with_condition(case.on_target(finding));
    Some(match (definition, declared) {
        (Some(definition), Some(None)) => undeclared(case, finding, definition),
        (_, Some(Some(path))) => unwritten(case, finding, path),
        _ => finding.advice(
            "declare `labelSelectorPath`, and let the operator write a selector such as app=web there",
            "changes the CustomResourceDefinition or its operator",
        ),
    })
}

fn undeclared(case: &Case<'_>, finding: Finding, definition: &Definition) -> Finding {
    let has = case.target().and_then(|target| target.selector.as_deref());
    let finding = match has {
        Some(selector) => finding.saw(
            format!("{}, status.selector", case.target_label()),
            selector,
            "GET the scale target",
        ),
        None => finding,
    };
    finding.fix(
        "declare where the selector is",
        format!(
            r#"kubectl patch crd {} --type=json -p '[{{"op":"add","path":"/spec/versions/{}/subresources/scale/labelSelectorPath","value":".status.selector"}}]'"#,
            word(&definition.name),
            definition.version_index
        ),
        if has.is_some() {
            "the selector is there already"
        } else {
            "its operator then has to write a selector such as app=web there"
        },
    )
}

fn unwritten(case: &Case<'_>, finding: Finding, path: &str) -> Finding {
    let finding = match selector_patch(case, path, "app=web") {
        Some(command) => finding.fix(
            "write it by hand",
            command,
            "put the labels of the pods for app=web; an operator may overwrite it",
        ),
        None => finding,
    };
    finding.advice(
        format!("let the operator write the selector of its pods to {path}"),
        "for every resource that it looks after",
    )
}

/// `kubectl patch …` that writes a selector where the scale reads it.
pub(super) fn selector_patch(case: &Case<'_>, path: &str, selector: &str) -> Option<String> {
    let fields = path.strip_prefix('.')?;
    let merge = fields
        .rsplit('.')
        .fold(format!(r#""{selector}""#), |inner, name| {
            format!(r#"{{"{name}":{inner}}}"#)
        });
    let definition = case.facts.definition.known();
    let subresource = if fields.starts_with("status.") && definition.is_some_and(|it| it.status) {
        " --subresource=status"
    } else {
        ""
    };
    Some(format!(
        "kubectl patch {} {} -n {}{subresource} --type=merge -p {}",
        word(&case.target_resource()),
        word(&case.facts.hpa.target.name),
        case.namespace(),
        word(&merge)
    ))
}
