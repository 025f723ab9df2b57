//! TFS702 quota-blocks-replicas
//!
//! ## What it detects
//! The HPA asked for replicas, and the cluster refuses to create their pods: a `ResourceQuota`, a `LimitRange`, the
//! `PodSecurity` level, an admission policy or webhook, a missing service account.
//!
//! ## How it is proved
//! The scale target's condition `ReplicaFailure` is `True` and quotes the refusal, or its condition `Progressing` says
//! `ReplicaSetCreateError`; for a `StatefulSet`, which has no such
//! condition, a recent event `FailedCreate` does.
//!
//! That tells of the last attempt, and the next may be minutes away. Where a quota refused it, the quotas are read, and where a
//! `ServiceAccount`, a `PriorityClass` or a `RuntimeClass` was missing, that is asked for: when the next attempt passes, there is
//! nothing to repair, and the command is one that makes the controller try at once.
//!
//! ## What it is not
//! Pods that exist and cannot be scheduled are TFS503.
//!
//! ## Fix
//! Raise the quota, or whatever the refusal names, or lower the requests.
//!
//! ## Source
//! The Deployment controller, Kubernetes v1.37: condition `ReplicaFailure`, reason `FailedCreate`. The HPA itself does
//! not see it. The pauses between attempts double from 5 ms to 1000 s (`DefaultTypedControllerRateLimiter` in
//! `k8s.io/client-go/util/workqueue`); the Deployment controller gives up after 15 (`maxRetries`).

use crate::diagnosis::offenders::holds_up_a_repair;
use crate::diagnosis::phrase::{ago, count, span};
use crate::diagnosis::refusal::{Now, Passes, Refusal};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict, refusal};
use crate::hpa::refusal::{Attempt, LONGEST_PAUSE_SECONDS, Place, last};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS702",
    name: "quota-blocks-replicas",
    stage: Stage::Others,
    source: documentation!("quota_blocks_replicas.rs"),
    explains: &["TFS504", "TFS304", "TFS404", "TFS509", "TFS602", "TFS708"],
    needs: &[Need::Target],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let attempt = last(case.facts, case.now)?;
    let severity = if case.own_pods().next().is_none() || holds_up_a_repair(case) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let label = case.target_label();
    match refusal::now(case, &attempt) {
        Now::Passes(passes) => Some(stale(case, &attempt, severity, &passes)),
        now => {
            let whom = if attempt.place == Place::Progressing {
                "the ReplicaSet of its new template"
            } else {
                "the pods that the HPA asked for"
            };
            let refused = refusal::read(attempt.message);
            let why = match (now, refused) {
                (Now::Partly(room), Refusal::QuotaUsedUp(quota)) => format!(
                    "ResourceQuota {quota} has room for {} of {}",
                    room,
                    refusal::missing(case)
                ),
                _ => refusal::in_words(refused),
            };
            let finding = RULE.finding(
                severity,
                format!("{label} cannot create {whom}: {why}"),
                "the HPA writes the number of replicas; whether pods come of it is not its business",
            );
            let finding = case.on_target(told(case, &attempt, finding));
            Some(refusal::repaired(case, finding, attempt.message))
        }
    }
}

/// The last attempt was refused, and the next one will not be.
fn stale(case: &Case<'_>, attempt: &Attempt<'_>, severity: Severity, passes: &Passes) -> Finding {
    let label = case.target_label();
    let then = attempt
        .at
        .map_or_else(String::new, |at| format!(" {}", ago(at, case.now)));
    let now = &passes.words;
    let (title, why) = if attempt.place == Place::Progressing {
        (
            format!("{label} was refused its new ReplicaSet; {now}: let its controller try again"),
            "it gives a Deployment up that was refused 15 times, until something of it changes".to_owned(),
        )
    } else {
        let missing = usize::try_from(refusal::missing(case)).unwrap_or(1);
        (
            format!(
                "{label} was refused {}{then}; {now}: its controller tries again by itself within 17 min",
                count(missing, "pod")
            ),
            format!(
                "after each refusal it waits longer, {} at most, and shows the last one until then",
                span(LONGEST_PAUSE_SECONDS)
            ),
        )
    };
    let finding = RULE.finding(severity, title, why).verdict(Verdict::Waiting);
    let finding = passes.proved(told(case, attempt, finding));
    refusal::retry(case, case.on_target(finding))
}

/// The refusal, where it is told.
fn told(case: &Case<'_>, attempt: &Attempt<'_>, finding: Finding) -> Finding {
    let (what, source) = match attempt.place {
        Place::ReplicaFailure => ("condition ReplicaFailure", "status.conditions"),
        Place::Progressing => ("condition Progressing", "status.conditions"),
        Place::Event => ("event", "events of the scale target"),
    };
    // An event tells of one attempt, and the next may be minutes away.
    let when = attempt
        .at
        .map_or_else(String::new, |at| format!(" {}", ago(at, case.now)));
    finding.saw(
        format!("{}, {what}", case.target_label()),
        format!("{}{when}: {}", attempt.reason, refusal::shown(attempt.message)),
        source,
    )
}
