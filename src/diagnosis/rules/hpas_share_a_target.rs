//! TFS201 hpas-share-a-target
//!
//! ## What it detects
//! Two or more HPAs count the same pods: they name the same scale target, or their targets' selectors overlap.
//!
//! ## How it is proved
//! Another HPA of the namespace names the same target; or the other target's selector is read, and live pods match
//! both. One pod in common is enough. The workload whose selector matches pods that it does not own is at fault.
//!
//! ## What it is not
//! Foreign pods that no HPA scales are TFS701. An HPA that was just deleted or retargeted can be listed for one more
//! sync: then there is nothing to repair.
//!
//! ## Fix
//! Keep one HPA for each workload: one HPA may have many metrics. Where the targets differ, give their pods
//! labels that differ; the selector of a Deployment cannot be changed, so it has to be created anew. Where the target of
//! one HPA owns that of the other (a Deployment its `ReplicaSet`, an operator's resource its Deployment), both are one
//! workload: keep the HPA of the owner.
//!
//! ## Source
//! `validateAndParseSelector` in `horizontal.go`: from 1.26 on neither HPA scales
//! (`ScalingActive=False/AmbiguousSelector`); before, both scale and undo each other's work. Up to 1.25 nothing is said.

use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::diagnosis::{keeper, overlap};
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS201",
    name: "hpas-share-a-target",
    stage: Stage::Selector,
    source: documentation!("hpas_share_a_target.rs"),
    explains: &["TFS701"],
    needs: &[Need::SameTarget],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let same: &[String] = case.facts.same_target.known().map_or(&[], Vec::as_slice);
    let said = match case.blocked_by() {
        Some(Message::AmbiguousSelector { hpas }) => hpas.as_slice(),
        _ => &[],
    };
    if same.is_empty() {
        overlap::finding(case, &RULE, said)
    } else {
        Some(same_target(case, same))
    }
}

fn same_target(case: &Case<'_>, others: &[String]) -> Finding {
    let hpa = &case.facts.hpa;
    let label = case.target_label();
    let effect = if case.controller.minor >= 26 {
        "neither scales"
    } else {
        "they undo each other's work"
    };
    let finding = RULE.finding(
        Severity::Error,
        format!("HPA {} also scales {label}, and then {effect}", list(others)),
        "a workload can have one HPA; two would write the same replicas",
    );
    let mut finding = case.with_condition(case.on_hpa(finding));
    for other in others {
        finding = finding.object("HorizontalPodAutoscaler", &hpa.namespace, other);
    }
    finding = finding.saw(
        format!("HPAs that name {label}"),
        format!("{} and {}", hpa.name, list(others)),
        "LIST horizontalpodautoscalers",
    );
    let kept = &case.facts.same_target_keepers;
    let keepers = hpa.keeper.iter().map(|keeper| (&hpa.name, keeper)).chain(kept);
    for (name, keeper) in keepers.take(2) {
        finding = finding.saw(
            format!("HPA {name} is written from"),
            keeper::label(keeper),
            "metadata.ownerReferences",
        );
    }
    one_of_them(case, finding, others)
}

/// What is made by hand goes: what something else writes would come again.
fn one_of_them(case: &Case<'_>, finding: Finding, others: &[String]) -> Finding {
    let hpa = &case.facts.hpa;
    let kept = &case.facts.same_target_keepers;
    // Whoever of them is asked about, the answer names the same one.
    let mut by_hand: Vec<&String> = others.iter().filter(|other| !kept.contains_key(*other)).collect();
    if !hpa.is_planned() && hpa.keeper.is_none() && !by_hand.is_empty() {
        by_hand.push(&hpa.name);
    }
    let by_hand = by_hand.into_iter().max();
    let namespace = case.namespace();
    if hpa.is_planned()
        && let (None, Some((other, keeper))) = (by_hand, kept.iter().next())
    {
        let keeper = keeper::label(keeper);
        return finding.advice(
            format!("leave the scaling to {keeper}, and give it these metrics and limits"),
            format!("changes {keeper}, from which HPA {other} is written"),
        );
    }
    let title = "keep one of them, with the metrics of both";
    let delete = |name: &str, note: &str| {
        (
            format!("kubectl delete hpa {} -n {namespace}", word(name)),
            format!("deletes HPA {name}; {note}"),
        )
    };
    let (command, changes) = match (by_hand, kept.iter().next()) {
        (Some(other), _) => delete(other, "take care that nothing creates it again"),
        (None, Some((other, keeper))) if hpa.keeper.is_none() => delete(
            &hpa.name,
            &format!("HPA {other} would be made again by {}", keeper::label(keeper)),
        ),
        (None, Some((other, keeper))) => (
            format!(
                "kubectl delete {} {} -n {namespace}",
                word(&keeper.kind.to_lowercase()),
                word(&keeper.name)
            ),
            format!(
                "deletes {}, from which HPA {other} is written",
                keeper::label(keeper)
            ),
        ),
        (None, None) => return finding,
    };
    finding.fix(title, command, changes)
}
