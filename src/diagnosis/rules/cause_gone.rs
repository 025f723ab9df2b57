//! TFS903 cause-gone
//!
//! ## What it detects
//! The controller's last sync failed, and what was read now shows no fault any more: somebody has just repaired it,
//! and the next sync will see that.
//!
//! ## How it is proved
//! The controller's arithmetic on the live state succeeds for every metric, and no other rule finds a cause.
//!
//! ## What it is not
//! A repair that is still under way: every rule looks at the live state first.
//!
//! ## Fix
//! Wait 15 s and look again. If it stays, the controller sees something that was not read here.
//!
//! ## Source
//! `horizontal.go`, Kubernetes v1.37; `--horizontal-pod-autoscaler-sync-period`, default 15 s.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity, Verdict};
use crate::hpa::message::{ApiFailure, Message};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS903",
    name: "cause-gone",
    stage: Stage::Unknown,
    source: documentation!("cause_gone.rs"),
    explains: &[],
    needs: &[Need::Target, Need::Scale, Need::Pods, Need::PodMetrics],
    check,
};

/// Whether the controller's text is understood and the arithmetic on the live state succeeds.
pub(super) fn is_gone(case: &Case<'_>) -> bool {
    let understood = match case.blocked_by() {
        None | Some(Message::Unknown(_)) => false,
        // What the controller may not read, a person may.
        Some(Message::MetricsApiFailed { failure, .. }) => {
            !matches!(failure, ApiFailure::Forbidden | ApiFailure::Unauthorized)
        }
        Some(_) => true,
    };
    let works = case.recommendation.is_some_and(|it| {
        !it.metrics.is_empty()
            && it
                .metrics
                .iter()
                .all(|metric| metric.proposal.is_some() && metric.error.is_none())
    });
    understood && works
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let symptom = case
        .said
        .blocking()
        .filter(|symptom| symptom.condition.type_ == "ScalingActive")?;
    let recommendation = case.recommendation?;
    if !is_gone(case) {
        return None;
    }
    let name = word(&case.facts.hpa.name);
    let finding = RULE
        .finding(
            Severity::Warning,
            "The last sync failed, but the fault is gone: the HPA should recover within 15 s",
            format!(
                "the controller reported {}, and every metric can be computed now",
                symptom.condition.reason
            ),
        )
        .at_most(Confidence::Likely)
        .verdict(Verdict::Waiting)
        .saw(
            "the arithmetic now",
            recommendation.sentence.clone(),
            "live pods and samples",
        );
    let finding = case.with_condition(case.on_hpa(finding));
    Some(finding.fix(
        "look again in 15 s",
        format!("kubectl tfserve explain-hpa {name} -n {}", case.namespace()),
        "reads only",
    ))
}
