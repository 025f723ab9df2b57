//! TFS106 target-paused
//!
//! ## What it detects
//! The Deployment is paused before its pods were ever created: there is nothing to measure and nothing to scale.
//!
//! ## How it is proved
//! `spec.paused` is true, replicas are asked for, and no pod of the Deployment exists.
//!
//! ## What it is not
//! A paused Deployment that has pods is still scaled; only its template is not rolled out.
//!
//! ## Fix
//! Resume it.
//!
//! ## Source
//! `syncDeployment` in `deployment_controller.go`, Kubernetes v1.37: a paused Deployment scales the `ReplicaSet`s that
//! it has and creates no new one.

use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS106",
    name: "target-paused",
    stage: Stage::Target,
    source: documentation!("target_paused.rs"),
    explains: &["TFS504", "TFS304", "TFS607"],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let target = case.target().filter(|target| target.paused)?;
    let wanted = case.scale()?.spec_replicas;
    case.facts.pods.known()?;
    if wanted == 0 || case.own_pods().next().is_some() {
        return None;
    }
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Error,
            format!("{label} is paused and has no pods, so there is nothing to measure"),
            "a paused Deployment creates no ReplicaSet, whatever number of replicas the HPA writes",
        )
        .saw(
            format!("{label}, spec.paused"),
            target.paused.to_string(),
            "GET the scale target",
        )
        .saw("pods", format!("none of {wanted}"), "LIST pods");
    Some(case.with_condition(case.on_target(finding)).fix(
        "resume it",
        format!("kubectl rollout resume {}", case.target_arguments()),
        format!("rolls out the template of {label} as it is now"),
    ))
}
