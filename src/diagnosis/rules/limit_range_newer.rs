//! TFS407 limit-range-newer-than-pods
//!
//! ## What it detects
//! Pods lack a request that a `LimitRange` of the namespace would have given them: they are older than it.
//!
//! ## How it is proved
//! The template has no request either, the `LimitRange` has a default for that resource, and it was created after the
//! pods. A `LimitRange` acts when a pod is created, and never on one that runs.
//!
//! ## What it is not
//! Where pods that are younger than the `LimitRange` lack the request as well, the template is at fault: TFS401.
//!
//! ## Fix
//! Replace the pods: the new ones get the default. A request in the template is better: it fits the workload.
//!
//! ## Source
//! The `LimitRanger` admission plugin, Kubernetes v1.37: `defaultContainerResourceRequirements` at the creation of a
//! pod. `calculatePodRequests` in `replica_calculator.go` sees the pods as they are.

use crate::diagnosis::offenders::{self, Offender, Origin};
use crate::diagnosis::phrase::{ago, count, list};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::template_change;
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::LimitRange;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS407",
    name: "limit-range-newer-than-pods",
    stage: Stage::Requests,
    source: documentation!("limit_range_newer.rs"),
    explains: &["TFS401", "TFS402", "TFS607"],
    needs: &[Need::Pods, Need::Target],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let ranges = case.facts.limit_ranges.known()?;
    let found = offenders::of_origin(case, &[Origin::Template, Origin::Injected]);
    let first = found.first()?;
    let range = ranges
        .iter()
        .find(|range| range.default_requests.contains_key(first.resource))?;
    let all = found.iter().all(|offender| gets(offender, range));
    let others = offenders::of_origin(case, &[Origin::Foreign, Origin::Leftover, Origin::NotRolledOut]);
    if !all || !others.is_empty() {
        return None;
    }
    let created = range.created_at?;
    let label = case.target_label();
    let pods = offenders::pods(&found);
    let resources = list(&offenders::resources(&found));
    let value = range.default_requests.get(first.resource)?;
    let finding = RULE
        .finding(
            Severity::Error,
            format!(
                "{} of {label} {} older than LimitRange {}, which gives new pods a {resources} request",
                count(pods.len(), "pod"),
                if pods.len() == 1 { "is" } else { "are" },
                range.name
            ),
            "a LimitRange acts when a pod is created, and never on one that runs",
        )
        .saw(
            format!("pods, container {}", list(&offenders::containers(&found))),
            format!("no {resources} request: {}", list(&pods)),
            "LIST pods",
        )
        .saw(
            format!("LimitRange {}", range.name),
            format!(
                "default request {} {value}, created {}",
                first.resource,
                ago(created, case.now)
            ),
            "LIST limitranges",
        );
    let oldest = found.iter().filter_map(|it| it.pod?.created_at).min();
    let finding = match oldest {
        Some(oldest) => finding.saw(
            "the oldest pod",
            format!("created {}", ago(oldest, case.now)),
            "LIST pods",
        ),
        None => finding,
    };
    Some(case.on_target(finding).fix(
        "replace the pods: the new ones get the default",
        template_change::restart(case),
        format!("rolls the pods of {label}"),
    ))
}

/// Whether the pod would have the request if it were created now.
fn gets(offender: &Offender<'_>, range: &LimitRange) -> bool {
    let older = offender
        .pod
        .is_some_and(|pod| pod.created_at.is_some() && pod.created_at < range.created_at);
    older && range.default_requests.contains_key(offender.resource)
}
