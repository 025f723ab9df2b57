//! TFS504 no-pods
//!
//! ## What it detects
//! The scale target asks for replicas, and not a single pod matches its selector.
//!
//! ## How it is proved
//! The list of pods with the scale's own selector is empty while `spec.replicas` is not zero.
//!
//! A workload that no controller has looked at for half a minute (`status.observedGeneration`) is told as such.
//!
//! ## What it is not
//! A target that is scaled to zero is TFS605. The controller calls this `no metrics returned`, as if the
//! metrics were at fault.
//!
//! ## Fix
//! See why the workload creates no pods: quota, admission, a missing service account.
//!
//! ## Source
//! `GetResourceReplicas` in `replica_calculator.go`, Kubernetes v1.37: samples are listed before pods.

use crate::diagnosis::phrase::{count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS504",
    name: "no-pods",
    stage: Stage::Pods,
    source: documentation!("no_pods.rs"),
    explains: &["TFS304", "TFS607"],
    needs: &[Need::Scale, Need::Pods, Need::Target],
    check,
};

/// No controller has looked at the workload since it was made: nothing can have made its pods.
fn not_observed(case: &Case<'_>) -> Option<Finding> {
    let target = case
        .target()
        .filter(|target| target.api_version.starts_with("apps/"))?;
    let age = seconds_since(target.created_at?, case.now);
    if target.observed_generation.is_some_and(|seen| seen > 0) || age < PATIENCE_SECONDS {
        return None;
    }
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Error,
            format!("No controller has looked at {label} in {}, so it has no pods", span(age)),
            "kube-controller-manager makes the pods of a workload, and scales by an HPA: it does not run, or hangs",
        )
        .saw(&label, "never observed", "status.observedGeneration");
    Some(case.on_target(finding).fix(
        "see whether it runs",
        "kubectl get pods -n kube-system -l component=kube-controller-manager",
        "reads only; on a managed cluster its provider runs it",
    ))
}

/// A controller that runs looks at what is new within a second or two.
const PATIENCE_SECONDS: i64 = 30;

fn check(case: &Case<'_>) -> Option<Finding> {
    let scale = case.scale()?;
    let pods = case.facts.pods.known()?;
    if !pods.is_empty() || scale.spec_replicas == 0 || scale.selector.is_empty() {
        return None;
    }
    let label = case.target_label();
    let wanted = scale.spec_replicas;
    if let Some(finding) = not_observed(case) {
        return Some(finding);
    }
    let finding = RULE
        .finding(
            Severity::Error,
            format!(
                "{label} asks for {} and has no pods, so there is nothing to measure",
                count(usize::try_from(wanted).unwrap_or(0), "replica")
            ),
            "something keeps the pods from being created, or they do not carry the selector's labels",
        )
        .saw(format!("pods with {}", scale.selector), "none", "LIST pods")
        .saw(
            &label,
            format!(
                "spec.replicas {wanted}, status.replicas {}",
                scale.status_replicas
            ),
            "scale",
        );
    let failure = case.target().and_then(|target| {
        target
            .conditions
            .iter()
            .find(|it| it.type_ == "ReplicaFailure" && it.status == "True")
    });
    let finding = match failure {
        Some(condition) => finding.saw(
            format!("{label}, condition ReplicaFailure"),
            format!("{}: {}", condition.reason, condition.message),
            "status.conditions",
        ),
        None => finding,
    };
    let finding = case.on_target(finding);
    Some(
        finding
            .fix(
                "see what the workload says",
                format!("kubectl describe {}", case.target_arguments()),
                "reads only",
            )
            .fix(
                "see why no pod is created",
                format!(
                    "kubectl events -n {} --types=Warning",
                    word(&case.facts.hpa.namespace)
                ),
                "reads only; look for FailedCreate",
            ),
    )
}
