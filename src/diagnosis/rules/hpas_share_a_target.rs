//! TFS201 hpas-share-a-target
//!
//! ## What it detects
//! Two or more HPAs count the same pods: they name the same scale target, or their targets' selectors overlap.
//!
//! ## How it is proved
//! Another HPA of the namespace names the same target, or the controller lists the HPAs that select the
//! same live pods. One pod in common is enough.
//!
//! ## What it is not
//! Foreign pods that no HPA scales are TFS701. An HPA that was just retargeted can be listed for one more
//! sync.
//!
//! ## Fix
//! Keep one HPA for each workload: one HPA may have many metrics. Where the targets differ, give their pods
//! labels that differ; the selector of a Deployment cannot be changed, so it has to be created anew.
//!
//! ## Source
//! `validateAndParseSelector` in `horizontal.go`: from 1.26 on neither HPA scales
//! (`ScalingActive=False/AmbiguousSelector`); before, both scale and undo each other's work.

use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS201",
    name: "hpas-share-a-target",
    stage: Stage::Selector,
    source: include_str!("hpas_share_a_target.rs"),
    explains: &["TFS701"],
    needs: &[Need::SameTarget],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let same: &[String] = case.facts.same_target.known().map_or(&[], Vec::as_slice);
    let hpa = &case.facts.hpa;
    let said = match case.blocked_by() {
        Some(Message::AmbiguousSelector { hpas }) => hpas.as_slice(),
        _ => &[],
    };
    let me = format!("{}/{}", hpa.namespace, hpa.name);
    let overlapping: Vec<&str> = said
        .iter()
        .filter(|name| **name != me)
        .map(|name| name.rsplit('/').next().unwrap_or(name))
        .collect();
    if same.is_empty() && said.is_empty() {
        return None;
    }
    let shared = !same.is_empty();
    let others: Vec<&str> = if shared {
        same.iter().map(String::as_str).collect()
    } else {
        overlapping
    };
    let effect = if case.controller.minor >= 26 {
        "neither scales"
    } else {
        "they undo each other's work"
    };
    let label = case.target_label();
    let (title, reason) = if shared {
        (
            format!("HPA {} also scales {label}, and then {effect}", list(&others)),
            "a workload can have one HPA; two would write the same replicas".to_owned(),
        )
    } else {
        (
            format!(
                "The pods of {label} are also selected for HPA {}, and then {effect}",
                list(&others)
            ),
            "the selectors of two scale targets match the same live pods".to_owned(),
        )
    };
    let mut finding = case.with_condition(case.on_hpa(RULE.finding(Severity::Error, title, reason)));
    for other in &others {
        finding = finding.object("HorizontalPodAutoscaler", &hpa.namespace, other);
    }
    if shared {
        finding = finding.saw(
            format!("HPAs that name {label}"),
            format!("{} and {}", hpa.name, list(&others)),
            "LIST horizontalpodautoscalers",
        );
        let surplus = others.first().copied().unwrap_or_default();
        return Some(finding.fix(
            "keep one of them, with the metrics of both",
            format!("kubectl delete hpa {} -n {}", word(surplus), case.namespace()),
            format!("deletes HPA {surplus}; take care that nothing creates it again"),
        ));
    }
    let selector = case.scale().map_or("", |scale| &scale.selector);
    Some(
        finding
            .saw(format!("selector of {label}"), selector, "scale.status.selector")
            .fix(
                "see which pods it matches",
                format!(
                    "kubectl get pods -n {} -l {} --show-labels",
                    case.namespace(),
                    word(selector)
                ),
                "reads only",
            )
            .advice(
                "give the pods of each workload a label of their own, in selector and template",
                "the selector of a Deployment cannot be changed: delete it and create it anew",
            ),
    )
}
