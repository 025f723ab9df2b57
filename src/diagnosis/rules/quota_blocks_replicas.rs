//! TFS702 quota-blocks-replicas
//!
//! ## What it detects
//! The HPA asked for replicas, and the cluster refuses to create their pods: a `ResourceQuota`, an admission
//! webhook, a missing service account.
//!
//! ## How it is proved
//! The scale target's condition `ReplicaFailure` is `True` and quotes the refusal.
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

use crate::diagnosis::registry::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS702",
    name: "quota-blocks-replicas",
    stage: Stage::Others,
    source: include_str!("quota_blocks_replicas.rs"),
    explains: &["TFS504", "TFS304"],
    needs: &[Need::Target],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let target = case.target()?;
    let failure = target
        .conditions
        .iter()
        .find(|it| it.type_ == "ReplicaFailure" && it.status == "True")?;
    let label = case.target_label();
    let quota = failure.message.contains("exceeded quota");
    let severity = if case.own_pods().next().is_none() {
        Severity::Error
    } else {
        Severity::Warning
    };
    let why = if quota {
        "a ResourceQuota is used up"
    } else {
        "their creation is refused"
    };
    let finding = RULE
        .finding(
            severity,
            format!("{label} cannot create the pods that the HPA asked for: {why}"),
            "the HPA writes the number of replicas; whether pods come of it is not its business",
        )
        .saw(
            format!("{label}, condition ReplicaFailure"),
            format!("{}: {}", failure.reason, failure.message),
            "status.conditions",
        );
    let finding = case.on_target(finding);
    Some(if quota {
        finding.fix(
            "see what is used up",
            format!("kubectl describe resourcequota -n {}", case.namespace()),
            "reads only; raise the quota, or lower the requests of the pods",
        )
    } else {
        finding.fix(
            "see the refusal",
            format!("kubectl describe {}", case.target_arguments()),
            "reads only",
        )
    })
}
