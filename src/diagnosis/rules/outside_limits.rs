//! TFS608 outside-limits
//!
//! ## What it detects
//! The replicas are outside `minReplicas` and `maxReplicas`: the HPA corrects that in its next sync, without
//! looking at any metric. Until then its targets read `<unknown>`.
//!
//! ## How it is proved
//! `spec.replicas` of the scale was compared with the limits.
//!
//! ## What it is not
//! When this comes back, something else writes the replicas: a manifest with `replicas`, another controller.
//!
//! ## Fix
//! Wait one sync, 15 s. Leave `replicas` out of the manifest of a workload that an HPA scales.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37.

use crate::diagnosis::phrase::{ago, count};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS608",
    name: "outside-limits",
    stage: Stage::Arithmetic,
    source: documentation!("outside_limits.rs"),
    explains: &[],
    needs: &[Need::Scale],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let hpa = &case.facts.hpa;
    let current = case.scale()?.spec_replicas;
    let (minimum, maximum) = (hpa.effective_min_replicas(), hpa.max_replicas);
    let (goal, limit) = if current > maximum {
        (maximum, "above maxReplicas")
    } else if current < minimum && current != 0 {
        (minimum, "below minReplicas")
    } else {
        return None;
    };
    let replicas = count(usize::try_from(current).unwrap_or(0), "replica");
    let mut finding = case
        .on_target(RULE.finding(
            Severity::Info,
            format!("{replicas}, {limit}: the HPA sets {goal} in its next sync, within 15 s"),
            "replicas outside the limits are corrected before any metric is read",
        ))
        .verdict(Verdict::Waiting)
        .saw("spec.replicas", current.to_string(), "GET the scale subresource")
        .saw(
            "minReplicas..maxReplicas",
            format!("{minimum}..{maximum}"),
            "spec",
        );
    let writers = case.target().map_or(&[][..], |target| &target.replicas_writers);
    if let Some(writer) = writers.iter().max_by_key(|writer| writer.time) {
        let when = writer
            .time
            .map_or_else(String::new, |time| format!(", {}", ago(time, case.now)));
        finding = finding.saw(
            "last writer of spec.replicas",
            format!("{}{when}", writer.manager),
            "managedFields",
        );
    }
    Some(finding)
}
