//! TFS901 facts-not-readable
//!
//! ## What it detects
//! The HPA does not work, no cause was found, and facts that could hold it were not readable, most often for
//! want of a right. Or what could hold it was left out, because many HPAs were asked about at a time; so too where the last
//! sync decided otherwise than the values that the status shows.
//!
//! ## How it is proved
//! The controller reports a failure, or nothing is known of the HPA's state, and the named reads were refused.
//!
//! ## What it is not
//! A fact that was read and does not exist: absence is a fact.
//!
//! ## Fix
//! Run again with the rights that are named; ask about the one HPA alone.
//!
//! ## Source
//! This tool: what it may not read it does not guess.

use crate::diagnosis::order::unreadable;
use crate::diagnosis::phrase::{count, list};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict, left_out};
use crate::facts::NotReadable;
use crate::hpa::replicas::Recommendation;
use crate::hpa::symptoms::Symptom;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS901",
    name: "facts-not-readable",
    stage: Stage::Unknown,
    source: documentation!("facts_not_readable.rs"),
    explains: &["TFS902"],
    needs: &[],
    check,
};

/// What a cause can hide behind.
const HIDING: &[Need] = &[
    Need::Target,
    Need::Scale,
    Need::Pods,
    Need::PodMetrics,
    Need::ApiService,
    Need::MetricsServer,
    Need::SameTarget,
];

/// What could tell the cause was left out, because many HPAs were asked about.
fn not_asked(case: &Case<'_>, symptom: &Symptom, left_out: &[&NotReadable]) -> Finding {
    let finding = RULE.finding(
        Severity::Error,
        format!(
            "The HPA does not work ({}), and why was not looked for among so many HPAs",
            symptom.condition.reason
        ),
        "among many HPAs only a few requests are sent for single ones, so that their number does not grow",
    );
    let finding = left_out
        .iter()
        .fold(finding, |finding, fact| finding.could_not_read(fact));
    let finding = case.with_condition(case.on_hpa(finding));
    left_out::ask_alone(case, finding).verdict(Verdict::Unknown)
}

/// The last sync decided otherwise than a calculation from the values in the status.
fn undecided(case: &Case<'_>, calculated: &Recommendation) -> Finding {
    let replicas = usize::try_from(case.facts.hpa.desired_replicas).unwrap_or(0);
    let finding = RULE.finding(
        Severity::Info,
        format!(
            "Why the last sync decided {} was not looked for among so many HPAs",
            count(replicas, "replica")
        ),
        "the values that the status shows do not account for it, and those of the metrics API were left out",
    );
    let values = left_out::contradicted(case, calculated).into_iter();
    let finding = values.fold(case.on_hpa(finding), Finding::could_not_read);
    left_out::ask_alone(case, finding).verdict(Verdict::Unknown)
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let mut hidden: Vec<&NotReadable> = Vec::new();
    for fact in HIDING.iter().filter_map(|need| unreadable(case, *need)) {
        // One refused request can hide several facts.
        if !hidden.contains(&fact) {
            hidden.push(fact);
        }
    }
    if let Some(calculated) = case.set_aside {
        return Some(undecided(case, calculated));
    }
    let symptom = case.said.blocking()?;
    let left_out = left_out::of(case);
    hidden.retain(|fact| !fact.is_left_out());
    if hidden.is_empty() {
        return (!left_out.is_empty()).then(|| not_asked(case, symptom, &left_out));
    }
    let mut whats: Vec<&str> = hidden.iter().map(|fact| fact.what.as_str()).collect();
    whats.dedup();
    let mut finding = RULE.finding(
        Severity::Error,
        format!(
            "The HPA does not work; the cause is hidden, because {} cannot be read",
            list(&whats)
        ),
        format!(
            "the controller reports {}, and what would prove its cause was not readable",
            symptom.condition.reason
        ),
    );
    for fact in &hidden {
        finding = finding.could_not_read(fact);
    }
    let needs: Vec<&str> = hidden.iter().filter_map(|fact| fact.needs.as_deref()).collect();
    let finding = case
        .with_condition(case.on_hpa(finding))
        .verdict(Verdict::Unknown);
    Some(if needs.is_empty() {
        finding.advice("run again when it can be read", "")
    } else {
        finding.advice(
            format!("run again with the right to {}", list(&needs)),
            "reads only",
        )
    })
}
