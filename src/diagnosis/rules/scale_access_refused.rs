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
//! with another writer is no refusal: the controller tries again.
//!
//! ## Fix
//! Exempt the controller from the policy or webhook, give it the right, or keep `maxReplicas` inside of what the
//! custom resource allows.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: `FailedGetScale`, `FailedUpdateScale`; `ClusterRole`
//! `system:controller:horizontal-pod-autoscaler` in `controller_policy.go`: `get` and `update` of `*/scale`.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::hpa::message::{ApiFailure, Message};
use crate::hpa::symptoms::Symptom;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS104",
    name: "scale-access-refused",
    stage: Stage::Target,
    source: include_str!("scale_access_refused.rs"),
    explains: &[
        "TFS601", "TFS602", "TFS603", "TFS604", "TFS606", "TFS608", "TFS610", "TFS611", "TFS614", "TFS901",
    ],
    needs: &[],
    check,
};

/// The role that every cluster has for the HPA controller.
const ROLE: &str = "system:controller:horizontal-pod-autoscaler";

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
    let finding = if let Some(webhook) = between(text, "failed calling webhook \"", '"') {
        unanswered(case, webhook)
    } else {
        match failure {
            ApiFailure::Denied => denied(case, text),
            ApiFailure::Forbidden => forbidden(case, text, writes),
            ApiFailure::Invalid => invalid(case, text),
            ApiFailure::Conflict => conflict(case),
            _ if writes => failed(case),
            _ => return None,
        }
    };
    Some(proved(case, finding, symptom))
}

/// The whole text is the proof: its innermost part may be no more than a policy's own words.
fn proved(case: &Case<'_>, finding: Finding, symptom: &Symptom) -> Finding {
    let text = &symptom.condition.message;
    let error = text
        .split_once(" scale: ")
        .map_or(text.as_str(), |(_, error)| error);
    let finding = finding.saw(
        format!("condition {}", symptom.condition.type_),
        format!("{}: {error}", symptom.condition.reason),
        "status.conditions",
    );
    match case.recommendation.and_then(|it| it.metrics_want) {
        Some(wanted) => finding.saw("the metrics want", wanted.to_string(), "arithmetic"),
        None => finding,
    }
}

fn denied(case: &Case<'_>, text: &str) -> Finding {
    let label = case.target_label();
    let policy = between(text, "ValidatingAdmissionPolicy '", '\'');
    let webhook = between(text, "admission webhook \"", '"');
    let reason = text
        .split_once(" denied request: ")
        .or_else(|| text.split_once(" denied the request: "))
        .map_or("", |(_, reason)| reason);
    let said = if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    };
    if let Some(policy) = policy {
        let finding = RULE
            .finding(
                Severity::Error,
                format!("ValidatingAdmissionPolicy {policy} refuses every scale of {label}{said}"),
                "the HPA decides as it should, and the API server does not let it write the replicas",
            )
            .object("ValidatingAdmissionPolicy", "", policy);
        let binding = between(text, "with binding '", '\'').unwrap_or(policy);
        return case
            .on_target(finding)
            .fix(
                "see what it forbids, and for whom",
                format!(
                    "kubectl get validatingadmissionpolicy/{} validatingadmissionpolicybinding/{} -o yaml",
                    word(policy),
                    word(binding)
                ),
                "reads only",
            )
            .advice(
                format!(
                    "exempt the user system:serviceaccount:kube-system:horizontal-pod-autoscaler in `matchConditions` of {policy}, or wait until it is lifted"
                ),
                "changes the policy alone",
            );
    }
    let name = webhook.unwrap_or("of unknown name");
    let finding = RULE
        .finding(
            Severity::Error,
            format!("Admission webhook {name} refuses every scale of {label}{said}"),
            "the HPA decides as it should, and the API server does not let it write the replicas",
        )
        .object("AdmissionWebhook", "", name);
    webhook_fixes(case.on_target(finding)).advice(
        "let the webhook pass the user system:serviceaccount:kube-system:horizontal-pod-autoscaler",
        "changes the webhook or its policy",
    )
}

fn unanswered(case: &Case<'_>, webhook: &str) -> Finding {
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Error,
            format!("Admission webhook {webhook} does not answer, so {label} cannot be scaled"),
            "its failurePolicy is Fail: without its answer the API server lets nobody write the scale",
        )
        .object("AdmissionWebhook", "", webhook);
    webhook_fixes(case.on_target(finding)).advice(
        format!("bring the service behind {webhook} back, or let its rules leave out `*/scale`"),
        "changes the webhook",
    )
}

fn webhook_fixes(finding: Finding) -> Finding {
    finding.fix(
        "find the webhook's configuration and its service",
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml",
        "reads only",
    )
}

fn forbidden(case: &Case<'_>, text: &str, writes: bool) -> Finding {
    let label = case.target_label();
    let user = between(text, "User \"", '"')
        .unwrap_or("system:serviceaccount:kube-system:horizontal-pod-autoscaler");
    let resource = between(text, "resource \"", '"').unwrap_or("*/scale");
    let group = between(text, "API group \"", '"').unwrap_or_default();
    let verb = if writes { "update" } else { "get" };
    let finding = RULE
        .finding(
            Severity::Error,
            format!("The HPA controller has no right to {verb} {resource}, so it cannot scale {label}"),
            format!("RBAC refuses it: ClusterRole {ROLE} or its binding is missing or was changed"),
        )
        .object("ClusterRole", "", ROLE);
    let finding = case.on_target(finding).saw("who", user, "status.conditions");
    let (plural, _) = resource.split_once('/').unwrap_or((resource, ""));
    let resource = if group.is_empty() {
        format!("{plural}/scale")
    } else {
        format!("{plural}.{group}/scale")
    };
    let finding = finding.fix(
        "see what is left of the role",
        format!("kubectl get clusterrole,clusterrolebinding {ROLE} -o yaml"),
        "reads only; a restart of kube-apiserver writes the role anew, unless it is annotated against that",
    );
    match user.strip_prefix("system:serviceaccount:").and_then(|it| it.split_once(':')) {
        Some((namespace, account)) => finding.fix(
            "give the controller the right again",
            format!(
                "kubectl create clusterrole hpa-scale --verb=get,update --resource={} && kubectl create clusterrolebinding hpa-scale --clusterrole=hpa-scale --serviceaccount={}",
                word(&resource),
                word(&format!("{namespace}:{account}"))
            ),
            "adds a role for the HPA controller alone",
        ),
        None => finding,
    }
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

fn between<'a>(text: &'a str, before: &str, after: char) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(value, _)| value)
}
