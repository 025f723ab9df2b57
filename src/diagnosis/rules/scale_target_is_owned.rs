//! TFS107 scale-target-is-owned
//!
//! ## What it detects
//! The HPA scales a `ReplicaSet` that a Deployment manages. The Deployment writes the replicas back within moments, and
//! its next rollout leaves the HPA with an empty `ReplicaSet`.
//!
//! ## How it is proved
//! The scale target has an owner with `controller: true` that has replicas of its own.
//!
//! ## What it is not
//! A `ReplicaSet` without a controller is a target like any other. Others who write replicas are TFS703.
//!
//! ## Fix
//! Let the HPA scale the owner; where another HPA does, delete this one.
//!
//! ## Source
//! `syncDeployment` and `scale` in `pkg/controller/deployment`, Kubernetes v1.37.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{ObjectReference, Rival};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS107",
    name: "scale-target-is-owned",
    stage: Stage::Target,
    source: documentation!("scale_target_is_owned.rs"),
    explains: &["TFS605", "TFS701", "TFS703"],
    needs: &[Need::Target],
    check,
};

/// The kinds whose `ReplicaSet`s are theirs alone.
const OWNERS: &[&str] = &["Deployment", "Rollout"];

fn check(case: &Case<'_>) -> Option<Finding> {
    let target = case.target()?;
    let owner: &ObjectReference = target
        .controller
        .as_ref()
        .filter(|owner| target.kind == "ReplicaSet" && OWNERS.contains(&owner.kind.as_str()))?;
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Error,
            format!(
                "{label} belongs to {}/{}, which sets its replicas back",
                owner.kind, owner.name
            ),
            "an HPA has to scale the owner: what it writes here lasts only until the owner looks",
        )
        .saw(
            format!("{label}, controller"),
            format!("{}/{}", owner.kind, owner.name),
            "metadata.ownerReferences",
        );
    let finding = case.on_target(case.on_hpa(finding));
    let finding = finding.object(&owner.kind, &case.facts.hpa.namespace, &owner.name);
    let of_owner = |rival: &&Rival| {
        let target = rival.target.as_ref();
        target.is_some_and(|it| it.kind == owner.kind && it.name == owner.name)
    };
    if let Some(rival) = case.facts.rivals.iter().find(of_owner) {
        return Some(finding.fix(
            format!("leave the scaling to HPA {}, which scales the owner", rival.hpa),
            format!(
                "kubectl delete hpa {} -n {}",
                word(&case.facts.hpa.name),
                case.namespace()
            ),
            format!("deletes HPA {}", case.facts.hpa.name),
        ));
    }
    Some(finding.fix(
        format!("let the HPA scale {}/{}", owner.kind, owner.name),
        case.patch_hpa(&format!(
            r#"{{"scaleTargetRef":{{"apiVersion":"{}","kind":"{}","name":"{}"}}}}"#,
            owner.api_version, owner.kind, owner.name
        )),
        "changes the HPA alone",
    ))
}
