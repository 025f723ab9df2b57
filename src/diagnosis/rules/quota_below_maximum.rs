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

use std::collections::BTreeMap;

use crate::diagnosis::case::is_leftover;
use crate::diagnosis::phrase::{amount, count, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{PodTemplate, Quota};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS709",
    name: "quota-below-maximum",
    stage: Stage::Others,
    source: documentation!("quota_below_maximum.rs"),
    explains: &[],
    needs: &[Need::Target, Need::Pods],
    check,
};

/// A quota that ends before maxReplicas.
struct Limit<'a> {
    quota: &'a Quota,
    /// `pods`, `requests.cpu` and the like.
    resource: &'a str,
    /// What one pod takes of it, in thousandths.
    each: i64,
    used: i64,
    hard: i64,
    /// How many more pods it lets in.
    more: i64,
}

fn check(case: &Case<'_>) -> Option<Finding> {
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

fn limits<'a>(quotas: &'a [Quota], template: &PodTemplate) -> impl Iterator<Item = Limit<'a>> {
    let requests = template.requests();
    let limits = limits_of(template);
    let whole = quotas.iter().filter(|quota| !quota.scoped);
    whole
        .flat_map(|quota| quota.hard.iter().map(move |hard| (quota, hard)))
        .filter_map(move |(quota, (resource, hard))| {
            let each = match resource.as_str() {
                "count/pods" => 1000,
                name => match name.strip_prefix("limits.") {
                    Some(name) => *limits.get(name)?,
                    None => *requests.get(name_of(name))?,
                },
            };
            let hard = hard.milli_value().ok()?;
            let used = quota
                .used
                .get(resource)
                .and_then(|used| used.milli_value().ok())
                .unwrap_or(0);
            let more = hard.saturating_sub(used).max(0).checked_div(each)?;
            Some(Limit {
                quota,
                resource,
                each,
                used,
                hard,
                more,
            })
        })
}

/// The limits of the containers that run together, in thousandths.
fn limits_of(template: &PodTemplate) -> BTreeMap<String, i64> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for container in template.containers.iter().filter(|it| it.counts_for_requests()) {
        for (name, limit) in &container.resources.limits {
            let sum = sums.entry(name.clone()).or_default();
            *sum = sum.saturating_add(limit.milli_value().unwrap_or(0));
        }
    }
    sums
}

/// `cpu` of `requests.cpu`.
fn name_of(resource: &str) -> &str {
    resource
        .strip_prefix("requests.")
        .or_else(|| resource.strip_prefix("limits."))
        .unwrap_or(resource)
}

fn shown(resource: &str, milli: i64) -> String {
    match name_of(resource) {
        name @ ("cpu" | "memory") => amount(name, milli),
        _ => (milli / 1000).to_string(),
    }
}
