//! TFS709 quota-below-maximum
//!
//! ## What it detects
//! A `ResourceQuota` of the namespace has no room for the pods of maxReplicas.
//!
//! ## How it is proved
//! What is left of the quota, divided by what one pod of the template takes of it, and the pods that are there. The quota is
//! read only before an HPA is written.
//!
//! ## What it is not
//! Pods that were refused already are TFS702. A quota with scopes is not looked at, and neither are requests that a
//! `LimitRange` adds.
//!
//! ## Fix
//! Raise the quota, or lower maxReplicas.
//!
//! ## Source
//! `pkg/quota/v1/evaluator/core/pods.go`, Kubernetes v1.37: a pod is refused where it would exceed the quota.

use crate::diagnosis::case::is_leftover;
use crate::diagnosis::phrase::{count, word};
use crate::diagnosis::quotas::{limits, name_of, shown};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::hpa::refusal::last;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS709",
    name: "quota-below-maximum",
    stage: Stage::Others,
    source: documentation!("quota_below_maximum.rs"),
    explains: &[],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    // Pods that were refused already are told of by TFS702.
    if !case.facts.hpa.is_planned() && last(case.facts, case.now).is_some() {
        return None;
    }
    let quotas = case.facts.quotas.known()?;
    let template = case.target()?.template.as_ref()?;
    let own = case.own_pods().filter(|pod| !is_leftover(pod)).count();
    let there = i64::try_from(own).unwrap_or(i64::MAX);
    let maximum = i64::from(case.facts.hpa.max_replicas);
    let limit = limits(quotas, template).min_by_key(|limit| limit.more)?;
    let lets = there.saturating_add(limit.more);
    if lets >= maximum {
        return None;
    }
    let label = case.target_label();
    let pods = count(usize::try_from(lets).unwrap_or(0), "pod");
    let resource = name_of(limit.resource);
    let shown = |value: i64| shown(limit.resource, value);
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "ResourceQuota {} has room for {pods} of {label}, and maxReplicas is {maximum}",
                limit.quota.name
            ),
            "the HPA writes the number of replicas, and the API server then refuses the pods that exceed the quota",
        )
        .object("ResourceQuota", &case.facts.hpa.namespace, &limit.quota.name)
        .saw(
            limit.resource,
            format!("{} of {} are used", shown(limit.used), shown(limit.hard)),
            format!("ResourceQuota {}", limit.quota.name),
        )
        .saw(format!("one pod of {label}"), format!("{resource} {}", shown(limit.each)), "spec.template")
        .saw("its pods now", there.to_string(), "LIST pods");
    let needed = limit
        .used
        .saturating_add(limit.each.saturating_mul(maximum.saturating_sub(there)));
    let patch = word(&format!(
        r#"{{"spec":{{"hard":{{"{}":"{}"}}}}}}"#,
        limit.resource,
        shown(needed)
    ));
    Some(
        case.on_target(finding)
            .fix(
                "raise the quota, where you may",
                format!(
                    "kubectl patch resourcequota {} -n {} --type=merge -p {patch}",
                    word(&limit.quota.name),
                    case.namespace()
                ),
                "changes the quota of the whole namespace",
            )
            .advice(
                format!("lower maxReplicas to {}", lets.max(1)),
                "changes the HPA alone",
            ),
    )
}
