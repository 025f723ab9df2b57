//! TFS104 scale-access-refused
//!
//! ## What it detects
//! The controller knows what it wants and cannot have it: reading or writing the scale of the target is refused,
//! by RBAC, by an admission policy or webhook, or by the validation of a custom resource.
//!
//! ## How it is proved
//! The condition `AbleToScale=False` with `FailedUpdateScale` or `FailedGetScale` holds the API server's own
//! words, and those name who refused.
//!
//! ## What it is not
//! A limit of the HPA itself is TFS602. A quota lets the scale be written and stops the pods (TFS702). A conflict
//! with another writer is no denial: the controller tries again.
//!
//! ## Fix
//! Exempt the controller from the policy or webhook, give it the right, or keep `maxReplicas` inside of what the
//! custom resource allows.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: `FailedGetScale`, `FailedUpdateScale`; `ClusterRole`
//! `system:controller:horizontal-pod-autoscaler` in `controller_policy.go`: `get` and `update` of `*/scale`.

use crate::diagnosis::denial::{self, Denial, ROLE};
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::hpa::message::{ApiFailure, Message};
use crate::hpa::symptoms::Symptom;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS104",
    name: "scale-access-refused",
    stage: Stage::Target,
    source: documentation!("scale_access_refused.rs"),
    explains: &[
        "TFS601", "TFS602", "TFS603", "TFS604", "TFS606", "TFS608", "TFS610", "TFS611", "TFS614", "TFS901",
    ],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let symptom = case
        .said
        .blocking()
        .filter(|symptom| symptom.condition.type_ == "AbleToScale")?;
    let writes = symptom.condition.reason == "FailedUpdateScale";
    let Message::ScaleFailed(failure) = &symptom.message else {
        return None;
    };
    let text = symptom.condition.message.as_str();
    let finding = match (denial::read(text), failure) {
        (Some(denial), _) => refused(case, &denial, writes),
        (None, ApiFailure::Invalid) => invalid(case, text),
        (None, ApiFailure::Conflict) => conflict(case),
        (None, _) if writes => failed(case),
        (None, _) => return None,
    };
    Some(proved(case, finding, symptom, writes))
}

/// The whole text is the proof: its innermost part may be no more than a policy's own words.
fn proved(case: &Case<'_>, finding: Finding, symptom: &Symptom, writes: bool) -> Finding {
    let text = &symptom.condition.message;
    let error = text
        .split_once(" scale: ")
        .map_or(text.as_str(), |(_, error)| error);
    let finding = finding.saw(
        format!("condition {}", symptom.condition.type_),
        format!("{}: {error}", symptom.condition.reason),
        "status.conditions",
    );
    match case
        .recommendation
        .and_then(|it| it.metrics_want)
        .filter(|_| writes)
    {
        Some(wanted) => finding.saw("the metrics want", wanted.to_string(), "arithmetic"),
        None => finding,
    }
}

fn refused(case: &Case<'_>, denial: &Denial<'_>, writes: bool) -> Finding {
    let label = case.target_label();
    let finding = match denial {
        Denial::Right { verb, resource, .. } => RULE.finding(
            Severity::Error,
            format!("The HPA controller has no right to {verb} {resource}, so it cannot scale {label}"),
            format!("RBAC refuses it: ClusterRole {ROLE} or its binding is missing or was changed"),
        ),
        Denial::Unanswered { webhook, error } => RULE.finding(
            Severity::Error,
            format!("Admission webhook {webhook} does not answer, so {label} cannot be scaled"),
            format!("its failurePolicy is Fail, and without its answer nobody may write the scale: {error}"),
        ),
        _ => RULE.finding(
            Severity::Error,
            format!("{} every scale of {label}{}", denial.who(), denial.words()),
            if writes {
                "the HPA decides as it should, and the API server does not let it write the replicas"
            } else {
                "the API server does not let the controller read the scale"
            },
        ),
    };
    denial.repair(case, case.on_target(denial.blame(case, finding)))
}

fn invalid(case: &Case<'_>, text: &str) -> Finding {
    let label = case.target_label();
    let largest: Option<i32> = text
        .split_once("should be less than or equal to ")
        .and_then(|(_, rest)| {
            let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
            digits.parse().ok()
        });
    if let Some(largest) = largest {
        let maximum = case.facts.hpa.max_replicas;
        let finding = RULE.finding(
                Severity::Error,
                format!("{label} allows at most {largest} replicas, and the HPA wants more: every scale is refused"),
                format!("the definition of {} is narrower than maxReplicas, {maximum}, and the write fails as a whole", case.facts.hpa.target.kind),
            );
        case.on_hpa(case.on_target(finding))
            .saw("maxReplicas", maximum.to_string(), "spec.maxReplicas")
            .fix(
                "keep the HPA inside of what the resource allows",
                case.patch_hpa(&format!(r#"{{"maxReplicas":{largest}}}"#)),
                "changes the HPA alone",
            )
            .advice(
                "raise the maximum in the schema of the CustomResourceDefinition",
                "changes the definition for all of its resources",
            )
    } else {
        let finding = RULE.finding(
            Severity::Error,
            format!("{label} does not pass validation with the replicas that the HPA wants"),
            "the API server refuses the new scale as invalid",
        );
        case.on_target(finding).fix(
            "try it by hand, without changing anything",
            format!(
                "kubectl scale {} --replicas={} --dry-run=server",
                case.target_arguments(),
                case.facts.hpa.max_replicas
            ),
            "changes nothing",
        )
    }
}

fn conflict(case: &Case<'_>) -> Finding {
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Info,
            format!("Somebody else wrote {label} in the same moment: the HPA tries again within 15 s"),
            "a write on an outdated version is refused, and nothing is lost",
        )
        .verdict(Verdict::Waiting);
    case.on_target(finding)
}

fn failed(case: &Case<'_>) -> Finding {
    let label = case.target_label();
    let finding = RULE.finding(
        Severity::Error,
        format!("The API server does not write the scale of {label}"),
        "the HPA decides as it should, and writing the replicas fails",
    );
    case.on_target(finding).fix(
        "try it by hand, without changing anything",
        format!(
            "kubectl scale {} --replicas={} --dry-run=server",
            case.target_arguments(),
            case.facts.hpa.max_replicas
        ),
        "changes nothing; without an error the right of the controller is what differs",
    )
}
