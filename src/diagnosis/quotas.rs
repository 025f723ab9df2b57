//! What a `ResourceQuota` has left for the pods of a template.

use std::collections::BTreeMap;

use super::phrase::amount;
use crate::facts::{PodTemplate, Quota};

/// What a quota has left of one resource.
pub(super) struct Limit<'a> {
    /// The quota.
    pub(super) quota: &'a Quota,
    /// `pods`, `requests.cpu` and the like.
    pub(super) resource: &'a str,
    /// What one pod takes of it, in thousandths.
    pub(super) each: i64,
    /// What is used of it, in thousandths.
    pub(super) used: i64,
    /// What may be used of it, in thousandths.
    pub(super) hard: i64,
    /// How many more pods it lets in.
    pub(super) more: i64,
}

/// What the quotas of a namespace that are for all pods have left for pods of a template.
pub(super) fn limits<'a>(quotas: &'a [Quota], template: &PodTemplate) -> impl Iterator<Item = Limit<'a>> {
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
pub(super) fn name_of(resource: &str) -> &str {
    resource
        .strip_prefix("requests.")
        .or_else(|| resource.strip_prefix("limits."))
        .unwrap_or(resource)
}

/// An amount of a resource of a quota, from thousandths.
pub(super) fn shown(resource: &str, milli: i64) -> String {
    match name_of(resource) {
        name @ ("cpu" | "memory") => amount(name, milli),
        _ => (milli / 1000).to_string(),
    }
}
