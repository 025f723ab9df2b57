//! TFS711 replicas-not-created
//!
//! ## What it detects
//! The HPA has written more replicas to a custom resource, and no pods have come of it: the operator that looks after
//! the resource does not run, or cannot do it.
//!
//! ## How it is proved
//! Two minutes after the last rescale the scale still reports fewer replicas than it asks for, and there are no more
//! pods than that, pending ones included. Why the operator does not create them cannot be seen, so that is *likely*.
//!
//! ## What it is not
//! Pods that exist and are pending (TFS503). What `apps` has (Deployments and the like) says who refuses its pods
//! (TFS702).
//!
//! ## Fix
//! Look at the resource's conditions and at the log of its operator.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: the HPA writes `spec.replicas` of the scale, and takes what
//! it wrote for the current replicas.

use crate::diagnosis::phrase::{count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::ObjectReference;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS711",
    name: "replicas-not-created",
    stage: Stage::Others,
    source: documentation!("replicas_not_created.rs"),
    explains: &["TFS601", "TFS602", "TFS603", "TFS614"],
    needs: &[Need::Pods, Need::Scale],
    check,
};

/// An operator that runs has made its pods by then.
const CREATED_SECONDS: i64 = 120;

fn check(case: &Case<'_>) -> Option<Finding> {
    let hpa = &case.facts.hpa;
    if is_built_in(&hpa.target) {
        return None;
    }
    let scale = case.scale()?;
    let (wanted, reported) = (scale.spec_replicas, scale.status_replicas);
    let living = case
        .facts
        .pods
        .known()?
        .iter()
        .filter(|pod| pod.takes_room())
        .count();
    let missing = reported < wanted && i32::try_from(living).is_ok_and(|living| living < wanted);
    let since = seconds_since(hpa.last_scale_time?, case.now);
    if !missing || since < CREATED_SECONDS {
        return None;
    }
    let label = case.target_label();
    let replicas = count(usize::try_from(wanted).unwrap_or(0), "replica");
    let mut finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "{label} has {living} of the {replicas} that the HPA set {} ago: its operator does not create the others",
                span(since)
            ),
            "the HPA writes a number to the scale of a custom resource; pods are the work of the resource's operator",
        )
        .at_most(Confidence::Likely)
        .saw(
            format!("{label}, scale"),
            format!("spec.replicas {wanted}, status.replicas {reported}"),
            "GET the scale",
        )
        .saw("pods", format!("{living}, pending ones included"), "LIST pods");
    let conditions = case.target().map_or(&[][..], |target| &target.conditions);
    for condition in conditions.iter().filter(|condition| condition.status == "False") {
        finding = finding.saw(
            format!("{label}, condition {}", condition.type_),
            format!("{}: {}", condition.reason, condition.message),
            "GET the scale target",
        );
    }
    Some(
        case.on_target(finding)
            .fix(
                "see what its operator says of it",
                format!(
                    "kubectl describe {} {} -n {}",
                    case.target_resource(),
                    word(&hpa.target.name),
                    case.namespace()
                ),
                "reads only",
            )
            .advice(
                "see whether the operator runs, and its log",
                "an operator that starts again reads the replicas and catches up",
            ),
    )
}

/// What kube-controller-manager looks after, as it does after HPAs.
fn is_built_in(target: &ObjectReference) -> bool {
    target.api_version.starts_with("apps/") || target.api_version == "v1"
}
