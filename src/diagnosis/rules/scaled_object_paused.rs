//! TFS706 scaled-object-paused
//!
//! ## What it detects
//! The `ScaledObject` that the HPA is written from is paused by an annotation: KEDA holds the replicas, or switches one
//! direction off.
//!
//! ## How it is proved
//! The HPA's controller is a `ScaledObject` with an annotation `autoscaling.keda.sh/paused…`.
//!
//! ## What it is not
//! A pause is what somebody asked for: it is told as information, and a limit that follows from it is not a fault.
//!
//! ## Fix
//! Take the annotation away when the pause is to end.
//!
//! ## Source
//! KEDA, v2: a pause of everything deletes the HPA or holds its limits at the paused count; `paused-scale-in` and
//! `paused-scale-out` set `selectPolicy: Disabled` in the HPA's behavior.

use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict, keeper};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS706",
    name: "scaled-object-paused",
    stage: Stage::Others,
    source: documentation!("scaled_object_paused.rs"),
    explains: &["TFS601", "TFS602", "TFS605", "TFS606"],
    needs: &[Need::ScaledObject],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    keeper::scaled_object(case)?;
    let object = case.facts.scaled_object.known()?;
    if object.pauses.is_empty() {
        return None;
    }
    let held = match object.pauses.as_slice() {
        [one] if one.ends_with("-scale-in") || one.ends_with("-scale-down") => "it does not scale down",
        [one] if one.ends_with("-scale-out") => "it does not scale up",
        _ => "KEDA holds its replicas",
    };
    let finding = RULE
        .finding(
            severity(case),
            format!("ScaledObject {} is paused: {held}", object.name),
            "an annotation pauses it, and KEDA writes the HPA accordingly",
        )
        .verdict(Verdict::Limited)
        .object("ScaledObject", &case.facts.hpa.namespace, &object.name)
        .saw(
            format!("annotations of ScaledObject {}", object.name),
            list(&object.pauses),
            "metadata.annotations",
        );
    let removed: Vec<String> = object.pauses.iter().map(|key| word(&format!("{key}-"))).collect();
    Some(case.on_hpa(finding).fix(
        "end the pause",
        format!(
            "kubectl annotate scaledobject {} -n {} {}",
            word(&object.name),
            case.namespace(),
            removed.join(" ")
        ),
        "KEDA scales again, and writes the HPA without the pause",
    ))
}

/// Somebody asked for the pause. That the load needs what it forbids is worth a warning.
fn severity(case: &Case<'_>) -> Severity {
    let wants_more = case
        .recommendation
        .is_some_and(|it| it.metrics_want.is_some_and(|wanted| wanted > it.current_replicas));
    if wants_more {
        Severity::Warning
    } else {
        Severity::Info
    }
}
