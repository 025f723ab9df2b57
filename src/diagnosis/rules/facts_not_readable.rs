//! TFS901 facts-not-readable
//!
//! ## What it detects
//! The HPA does not work, no cause was found, and facts that could hold it were not readable, most often for
//! want of a right.
//!
//! ## How it is proved
//! The controller reports a failure, or nothing is known of the HPA's state, and the named reads were refused.
//!
//! ## What it is not
//! A fact that was read and does not exist: absence is a fact.
//!
//! ## Fix
//! Run again with the rights that are named.
//!
//! ## Source
//! This tool: what it may not read it does not guess.

use crate::diagnosis::order::unreadable;
use crate::diagnosis::phrase::list;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::facts::NotReadable;

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

fn check(case: &Case<'_>) -> Option<Finding> {
    let mut hidden: Vec<&NotReadable> = Vec::new();
    for fact in HIDING.iter().filter_map(|need| unreadable(case, *need)) {
        // One refused request can hide several facts.
        if !hidden.contains(&fact) {
            hidden.push(fact);
        }
    }
    let symptom = case.said.blocking()?;
    if hidden.is_empty() {
        return None;
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
