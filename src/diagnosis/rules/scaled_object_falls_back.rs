//! TFS705 scaled-object-falls-back
//!
//! ## What it detects
//! KEDA cannot ask its triggers and serves the value of `spec.fallback` instead: the HPA looks healthy and stands
//! where the fallback puts it, whatever the load is.
//!
//! ## How it is proved
//! The HPA's controller is a `ScaledObject`, and its condition `Fallback` is `True`.
//!
//! ## What it is not
//! Triggers that fail without a fallback leave the metric without a value: TFS704.
//!
//! ## Fix
//! Repair the trigger in the `ScaledObject`.
//!
//! ## Source
//! KEDA, v2: `pkg/fallback`. The fallback replicas times the target are served as the metric.

use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, keeper};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS705",
    name: "scaled-object-falls-back",
    stage: Stage::Others,
    source: documentation!("scaled_object_falls_back.rs"),
    explains: &["TFS601", "TFS602", "TFS603", "TFS604", "TFS614"],
    needs: &[Need::ScaledObject],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    keeper::scaled_object(case)?;
    let object = case.facts.scaled_object.known()?;
    let fallback = object.condition("Fallback").filter(|it| it.status == "True")?;
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "KEDA cannot ask the triggers of ScaledObject {} and serves its fallback: the load is not known",
                object.name
            ),
            "the value of the metric is made so that the HPA comes to spec.fallback.replicas",
        )
        .object("ScaledObject", &case.facts.hpa.namespace, &object.name)
        .saw(
            format!("ScaledObject {}, Fallback", object.name),
            format!("{}: {}", fallback.reason, fallback.message),
            "status.conditions",
        )
        .saw("its triggers", list(&object.triggers), "spec.triggers");
    Some(case.on_hpa(finding).fix(
        "see which trigger fails, and why",
        format!(
            "kubectl describe scaledobject {} -n {}",
            word(&object.name),
            case.namespace()
        ),
        "reads only; status.health counts the failures of each metric",
    ))
}
