//! TFS404 request-not-rolled-out
//!
//! ## What it detects
//! The template has the request, and pods that were made from an older template are still there: the rollout
//! is paused, stuck or under way.
//!
//! ## How it is proved
//! The same container has no request in live pods of the scale target and has one in its template.
//!
//! ## What it is not
//! A template without the request is TFS401. Old pods that have already ended are TFS403.
//!
//! ## Fix
//! Resume or repair the rollout; the last old pod has to go. `OnDelete`, a partition, and kinds that replace no pod by
//! themselves need a hand.
//!
//! ## Source
//! `calculateRequests` in `replica_calculator.go`, Kubernetes v1.37: all pods of all `ReplicaSets` count.

use crate::diagnosis::offenders::{self, Offender, Origin};
use crate::diagnosis::phrase::{count, list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::template_change;
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::facts::ScaleTarget;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS404",
    name: "request-not-rolled-out",
    stage: Stage::Requests,
    source: documentation!("request_not_rolled_out.rs"),
    explains: &["TFS607", "TFS708"],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let found = offenders::of_origin(case, &[Origin::NotRolledOut]);
    if found.is_empty() {
        return None;
    }
    let target = case.target()?;
    let containers = list(&offenders::containers(&found));
    let resources = list(&offenders::resources(&found));
    let pods = offenders::pods(&found);
    let label = case.target_label();
    let stuck = target
        .conditions
        .iter()
        .find(|condition| match condition.type_.as_str() {
            "Progressing" => condition.status == "False",
            "ReplicaFailure" => condition.status == "True",
            _ => false,
        });
    let under_way = !target.paused && stuck.is_none() && is_progressing(target);
    let why = match (target.paused, stuck) {
        (true, _) => "its rollout is paused",
        (false, Some(_)) => "its rollout is stuck",
        (false, None) if under_way => "its rollout is under way",
        (false, None) => "no rollout replaces them",
    };
    let finding = RULE
        .finding(
            if under_way {
                Severity::Warning
            } else {
                Severity::Error
            },
            format!(
                "{} of {label} still {} the {resources} request that the template has: {why}",
                count(pods.len(), "pod"),
                if pods.len() == 1 { "lacks" } else { "lack" }
            ),
            "old pods keep the requests they were created with, and all pods are added up",
        )
        .saw(
            format!("template, container {containers}"),
            format!("requests {resources}"),
            "spec.template",
        )
        .saw(
            format!("pods, container {containers}"),
            format!(
                "no {resources} request in {} of {}: {}",
                pods.len(),
                case.pods().len(),
                list(&pods)
            ),
            "LIST pods",
        );
    let finding = case.on_target(finding);
    let finding = if under_way {
        finding.verdict(Verdict::Waiting)
    } else {
        finding
    };
    let finding = name_pods(&found, finding);
    let arguments = case.target_arguments();
    Some(match (target.paused, stuck) {
        (true, _) => finding.saw(&label, "paused", "spec.paused").fix(
            "resume the rollout",
            format!("kubectl rollout resume {arguments}"),
            format!("rolls the pods of {label}"),
        ),
        (false, Some(condition)) => finding
            .saw(
                &label,
                format!("{}: {}", condition.reason, condition.message),
                "status.conditions",
            )
            .fix(
                "see why the new pods do not come up",
                format!("kubectl describe {arguments}"),
                "reads only",
            )
            .fix(
                "try again",
                template_change::restart(case),
                format!("rolls the pods of {label}"),
            ),
        (false, None) if under_way => finding.fix(
            "wait for the rollout",
            format!("kubectl rollout status {arguments}"),
            "reads only",
        ),
        (false, None) => replace(case, finding, target, &pods),
    })
}

fn name_pods(found: &[Offender<'_>], mut finding: Finding) -> Finding {
    for offender in found {
        if let Some(pod) = offender.pod {
            finding = finding.container("Pod", &pod.namespace, &pod.name, offender.container);
        }
    }
    finding
}

/// What makes new pods where no rollout does: it depends on the kind and on its strategy.
fn replace(case: &Case<'_>, finding: Finding, target: &ScaleTarget, pods: &[&str]) -> Finding {
    let label = case.target_label();
    let strategy = target.update_strategy.clone().unwrap_or_default();
    if strategy.partition > 0 && strategy.type_ != "OnDelete" {
        let patch = r#"{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}"#;
        return finding
            .saw(
                &label,
                format!("partition {}", strategy.partition),
                "spec.updateStrategy",
            )
            .fix(
                "roll out to every ordinal",
                format!(
                    "kubectl patch {} --type=merge -p {}",
                    case.target_arguments(),
                    word(patch)
                ),
                format!("rolls the pods of {label}"),
            );
    }
    let by_hand = strategy.type_ == "OnDelete"
        || matches!(target.kind.as_str(), "ReplicaSet" | "ReplicationController");
    if by_hand {
        let names: Vec<String> = pods.iter().map(|name| word(name)).collect();
        let why = if strategy.type_ == "OnDelete" {
            "updateStrategy OnDelete"
        } else {
            "replaces no pod by itself"
        };
        return finding.saw(&label, why, "spec").fix(
            "delete the old pods",
            format!("kubectl delete pod {} -n {}", names.join(" "), case.namespace()),
            format!("{label} makes new ones from its template; all of them are gone for a moment"),
        );
    }
    finding.fix(
        "replace the pods where nothing does",
        template_change::restart(case),
        format!("rolls the pods of {label}"),
    )
}

/// Whether the Deployment controller says that it is replacing pods.
fn is_progressing(target: &ScaleTarget) -> bool {
    target.conditions.iter().any(|condition| {
        let moving = matches!(
            condition.reason.as_str(),
            "ReplicaSetUpdated" | "NewReplicaSetCreated" | "FoundNewReplicaSet"
        );
        condition.type_ == "Progressing" && condition.status == "True" && moving
    })
}
