//! TFS702 quota-blocks-replicas
//!
//! ## What it detects
//! The HPA asked for replicas, and the cluster refuses to create their pods: a `ResourceQuota`, an admission
//! webhook, a missing service account.
//!
//! ## How it is proved
//! The scale target's condition `ReplicaFailure` is `True` and quotes the refusal; for a `StatefulSet`, which has no such
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

use crate::diagnosis::phrase::{seconds_since, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS702",
    name: "quota-blocks-replicas",
    stage: Stage::Others,
    source: include_str!("quota_blocks_replicas.rs"),
    explains: &["TFS504", "TFS304", "TFS602"],
    needs: &[Need::Target],
    check,
};

/// The longest pause between two attempts of a controller to create a pod.
const RECENT_SECONDS: i64 = 17 * 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let failure = refused_pods(case)?;
    let label = case.target_label();
    let severity = if case.own_pods().next().is_none() {
        Severity::Error
    } else {
        Severity::Warning
    };
    let why = refusal(failure.message);
    let finding = RULE
        .finding(
            severity,
            format!("{label} cannot create the pods that the HPA asked for: {why}"),
            "the HPA writes the number of replicas; whether pods come of it is not its business",
        )
        .saw(
            format!("{label}, {}", failure.what),
            format!("{}: {}", failure.reason, failure.message),
            failure.source,
        );
    let finding = case.on_target(finding);
    Some(repaired(case, finding, failure.message))
}

/// What the target says of pods that it could not create.
struct Refused<'a> {
    what: &'static str,
    reason: &'a str,
    message: &'a str,
    source: &'static str,
}

/// A condition, or the newest event of a kind that has no such condition. An old event is no proof.
fn refused_pods<'a>(case: &Case<'a>) -> Option<Refused<'a>> {
    let conditions = case.target()?.conditions.iter();
    let failure = conditions
        .filter(|it| it.type_ == "ReplicaFailure" && it.status == "True")
        .map(|it| Refused {
            what: "condition ReplicaFailure",
            reason: &it.reason,
            message: &it.message,
            source: "status.conditions",
        })
        .next();
    let event = || {
        let event = case.facts.target_events.known()?.last()?;
        let recent = seconds_since(event.last_seen?, case.now) <= RECENT_SECONDS;
        recent.then_some(Refused {
            what: "event",
            reason: &event.reason,
            message: &event.message,
            source: "events of the scale target",
        })
    };
    failure.or_else(event)
}

/// Who refuses, in words.
fn refusal(message: &str) -> String {
    let named = |kind: &str, name: Option<&str>| {
        name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"))
    };
    if message.contains("exceeded quota: ") {
        let name = between(message, "exceeded quota: ", ',');
        return format!("{} is used up", named("ResourceQuota", name));
    }
    if let Some(name) = between(message, "failed quota: ", ':') {
        let what = message.split_once(" must specify ").map_or("", |(_, rest)| rest);
        return format!("ResourceQuota {name} requires {what}");
    }
    if let Some(account) = between(message, "serviceaccount \"", '"') {
        return format!("ServiceAccount {account} does not exist");
    }
    if message.contains("violates PodSecurity") {
        return "they violate the PodSecurity level of the namespace".to_owned();
    }
    if let Some(name) = between(message, "admission webhook \"", '"') {
        return format!("admission webhook {name} refuses them");
    }
    if let Some(name) = between(message, "failed calling webhook \"", '"') {
        return format!("admission webhook {name} does not answer");
    }
    if is_limit_range(message) {
        return "they are outside of a LimitRange".to_owned();
    }
    "their creation is refused".to_owned()
}

/// The texts of the `LimitRanger` admission plugin.
fn is_limit_range(message: &str) -> bool {
    ["minimum ", "maximum ", "max limit to request ratio"]
        .iter()
        .any(|start| {
            message.contains(&format!("is forbidden: {start}")) || message.contains(&format!("[{start}"))
        })
}

fn between<'a>(text: &'a str, before: &str, after: char) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(value, _)| value)
}

/// Names what refuses, and shows it.
fn repaired(case: &Case<'_>, finding: Finding, message: &str) -> Finding {
    let namespace = case.namespace();
    let quota = between(message, "exceeded quota: ", ',').or_else(|| between(message, "failed quota: ", ':'));
    if let Some(quota) = quota {
        return finding
            .object("ResourceQuota", &case.facts.hpa.namespace, quota)
            .fix(
                "see what is used up",
                format!("kubectl describe resourcequota {} -n {namespace}", word(quota)),
                "reads only; raise the quota, or let the pods ask for what it allows",
            );
    }
    if let Some(account) = between(message, "serviceaccount \"", '"') {
        return finding
            .object("ServiceAccount", &case.facts.hpa.namespace, account)
            .fix(
                "create the account that the pods name",
                format!("kubectl create serviceaccount {} -n {namespace}", word(account)),
                "creates a ServiceAccount without rights",
            );
    }
    if is_limit_range(message) {
        return finding.fix(
            "see what the namespace allows",
            format!("kubectl describe limitrange -n {namespace}"),
            "reads only; then give the pods requests and limits inside of it",
        );
    }
    finding.fix(
        "see the refusal",
        format!("kubectl describe {}", case.target_arguments()),
        "reads only",
    )
}
