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
//! ## What it is not
//! Pods that exist and cannot be scheduled are TFS503.
//!
//! ## Fix
//! Raise the quota, or whatever the refusal names, or lower the requests.
//!
//! ## Source
//! The Deployment controller, Kubernetes v1.37: condition `ReplicaFailure`, reason `FailedCreate`. The HPA itself does
//! not see it.

use crate::diagnosis::offenders::holds_up_a_repair;
use crate::diagnosis::phrase::{ago, seconds_since};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, refusal};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS702",
    name: "quota-blocks-replicas",
    stage: Stage::Others,
    source: documentation!("quota_blocks_replicas.rs"),
    explains: &[
        "TFS504", "TFS304", "TFS404", "TFS509", "TFS602", "TFS607", "TFS708",
    ],
    needs: &[Need::Target],
    check,
};

/// The longest pause between two attempts of a controller to create a pod.
const RECENT_SECONDS: i64 = 17 * 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let failure = refused_pods(case)?;
    let label = case.target_label();
    let severity = if case.own_pods().next().is_none() || holds_up_a_repair(case) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let why = refusal::in_words(refusal::read(failure.message));
    let finding = RULE
        .finding(
            severity,
            format!("{label} cannot create {}: {why}", failure.whom),
            "the HPA writes the number of replicas; whether pods come of it is not its business",
        )
        .saw(
            format!("{label}, {}", failure.what),
            format!(
                "{}{}: {}",
                failure.reason,
                failure.when,
                refusal::shown(failure.message)
            ),
            failure.source,
        );
    let finding = case.on_target(finding);
    Some(refusal::repaired(case, finding, failure.message))
}

const THE_PODS: &str = "the pods that the HPA asked for";

/// What the target says of pods that it could not create.
struct Refused<'a> {
    what: &'static str,
    whom: &'static str,
    reason: &'a str,
    message: &'a str,
    /// ` 40 s ago`: an event tells of one attempt, and the next may be minutes away.
    when: String,
    source: &'static str,
}

/// A condition, or the newest event of a kind that has no such condition. An old event is no proof.
fn refused_pods<'a>(case: &Case<'a>) -> Option<Refused<'a>> {
    let conditions = || case.target().into_iter().flat_map(|target| &target.conditions);
    let replica_set = conditions()
        .find(|it| it.type_ == "Progressing" && it.reason == "ReplicaSetCreateError")
        .map(|it| Refused {
            what: "condition Progressing",
            whom: "the ReplicaSet of its new template",
            reason: &it.reason,
            message: &it.message,
            when: String::new(),
            source: "status.conditions",
        });
    let failure = conditions()
        .filter(|it| it.type_ == "ReplicaFailure" && it.status == "True")
        .map(|it| Refused {
            what: "condition ReplicaFailure",
            whom: THE_PODS,
            reason: &it.reason,
            message: &it.message,
            when: String::new(),
            source: "status.conditions",
        })
        .next();
    let event = || {
        let event = case.facts.target_events.known()?.last()?;
        let last = event.last_seen?;
        (seconds_since(last, case.now) <= RECENT_SECONDS).then(|| Refused {
            what: "event",
            whom: THE_PODS,
            reason: &event.reason,
            message: &event.message,
            when: format!(" {}", ago(last, case.now)),
            source: "events of the scale target",
        })
    };
    failure.or(replica_set).or_else(event)
}
