//! TFS704 scaled-object-not-ready
//!
//! ## What it detects
//! KEDA writes the HPA from a `ScaledObject` that is not ready: a trigger fails, or its specification is wrong. The
//! HPA only shows that a metric has no value.
//!
//! ## How it is proved
//! The HPA's controller is a `ScaledObject`, and its condition `Ready` is `False`; KEDA's own words are quoted.
//!
//! ## What it is not
//! A `ScaledObject` whose triggers fail and that has a fallback is TFS705 as well. An API of external metrics that does
//! not answer is TFS308.
//!
//! ## Fix
//! Repair the trigger or the specification in the `ScaledObject`; what is changed in the HPA is written over.
//!
//! ## Source
//! KEDA, v2: conditions of `ScaledObject`; `reconcileScaledObject` in `scaledobject_controller.go`.

use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, adapters, keeper};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS704",
    name: "scaled-object-not-ready",
    stage: Stage::Others,
    source: documentation!("scaled_object_not_ready.rs"),
    explains: &["TFS309", "TFS607", "TFS705"],
    needs: &[Need::ScaledObject],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    keeper::scaled_object(case)?;
    let object = case.facts.scaled_object.known()?;
    let ready = object.condition("Ready").filter(|it| it.status == "False")?;
    let external = adapters::failed_of_adapters(case);
    let severity = if case.said.blocking().is_some() && !external.is_empty() {
        Severity::Error
    } else {
        Severity::Warning
    };
    let namespace = &case.facts.hpa.namespace;
    let finding = RULE
        .finding(
            severity,
            format!(
                "ScaledObject {} of the HPA is not ready: {}",
                object.name,
                ready.message.trim_end_matches('.')
            ),
            "KEDA writes the HPA and serves its metrics; what it cannot ask has no value",
        )
        .object("ScaledObject", namespace, &object.name)
        .saw(
            format!("ScaledObject {}, Ready", object.name),
            format!("{}: {}", ready.reason, ready.message),
            "status.conditions",
        )
        .saw("its triggers", list(&object.triggers), "spec.triggers");
    let finding = match external.first() {
        Some(metric) => case.with_condition(finding).saw(
            adapters::label(metric.spec),
            "has no value",
            "status.currentMetrics",
        ),
        None => finding,
    };
    Some(
        case.on_hpa(finding)
            .fix(
                "see which trigger fails, and why",
                format!(
                    "kubectl describe scaledobject {} -n {}",
                    word(&object.name),
                    case.namespace()
                ),
                "reads only; its events name the trigger",
            )
            .fix(
                "repair it there",
                format!(
                    "kubectl edit scaledobject {} -n {}",
                    word(&object.name),
                    case.namespace()
                ),
                "KEDA writes the HPA from it, and over every change of the HPA",
            ),
    )
}
