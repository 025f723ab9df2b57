//! TFS902 unknown-message
//!
//! ## What it detects
//! The controller reports a failure that no rule explains. Its text is shown as it is; where the text is of a known
//! release, its meaning is told, and where not, nothing is guessed.
//!
//! ## How it is proved
//! The condition was written by the controller's last sync, and every rule was asked.
//!
//! ## What it is not
//! Facts that were left out among many HPAs, or not readable (TFS901). A diagnosis: a text that nobody knows may come from a
//! newer Kubernetes.
//!
//! ## Fix
//! Read the text. Save the facts with `--save-facts` and report it: they hold no secrets.
//!
//! ## Source
//! `status.conditions` of the HPA; the catalogue covers Kubernetes v1.23 to v1.37.

use super::cause_gone;
use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, left_out};
use crate::hpa::message::{ApiFailure, Message, MetricsApi};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS902",
    name: "unknown-message",
    stage: Stage::Unknown,
    source: documentation!("unknown_message.rs"),
    explains: &[],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let symptom = case.said.blocking()?;
    // What was not looked for is not unknown: TFS901 tells it.
    if !left_out::of(case).is_empty() {
        return None;
    }
    // Only what the arithmetic covers can be seen to be gone: not whether the scale may be written.
    if symptom.condition.type_ == "ScalingActive" && cause_gone::is_gone(case) {
        return None;
    }
    let condition = &symptom.condition;
    let meaning = meaning(&symptom.message);
    let title = match &meaning {
        Some(meaning) => format!("The controller reports {}: {meaning}", condition.reason),
        None => format!(
            "The controller reports {}, in words that are not known here",
            condition.reason
        ),
    };
    let known = match meaning {
        Some(_) => "what it says is known; which fault on the cluster causes it was not found",
        None => "no known release says this, and nothing is guessed",
    };
    let name = word(&case.facts.hpa.name);
    let finding = RULE.finding(Severity::Error, title, known).saw(
        format!("condition {}", condition.type_),
        condition.message.clone(),
        "status.conditions",
    );
    Some(
        case.on_hpa(finding)
            .fix(
                "see the HPA in full",
                format!("kubectl describe hpa {name} -n {}", case.namespace()),
                "reads only",
            )
            .fix(
                "save what was seen, to report it",
                format!(
                    "kubectl tfserve explain-hpa {name} -n {} --save-facts facts.json",
                    case.namespace()
                ),
                "writes a file that holds no secrets",
            ),
    )
}

/// What a known text means.
fn meaning(message: &Message) -> Option<String> {
    Some(match message {
        Message::MetricsApiFailed { api, failure } => format!("the {} {}", api_name(*api), failed(failure)),
        Message::NoMetricsReturned(api) => format!("the {} answered with an empty list", api_name(*api)),
        Message::MissingRequest { resource, .. } => format!("a pod lacked a {resource} request"),
        Message::MissingPodLevelRequest { resource, pod } => {
            format!("Pod {pod} has pod-level requests, and none for {resource}")
        }
        Message::ContainerNotFound { container, pod } | Message::ContainerNotInMetrics { container, pod } => {
            format!("Pod {pod} has no container {container}, which the metric names")
        }
        Message::NoMetricsForPods => "no pod had a sample that counts".to_owned(),
        Message::NoPodsBySelector => "no pod matched the selector".to_owned(),
        Message::NoMetricsMatchedPods => {
            "no sample belonged to a pod that still exists, or requests are 0".to_owned()
        }
        Message::ScaleFailed(failure) => format!("the scale of the target {}", failed(failure)),
        Message::InvalidSelector => "the selector of the scale is missing or not parseable".to_owned(),
        Message::InvalidMetricSource => "a metric in spec.metrics is invalid".to_owned(),
        Message::Rescale {
            size,
            error: Some(error),
            ..
        } => {
            format!("the new size of {size} could not be written: {error}")
        }
        Message::TargetNotFound { resource, name } => format!("{resource} {name} was not found"),
        Message::KindUnknown { kind, group } => format!("no kind {kind} in group `{group}`"),
        Message::InvalidApiVersion(text) => format!("`{text}` is no apiVersion"),
        Message::NoScaleSubresource => "the target has no scale subresource".to_owned(),
        Message::AmbiguousSelector { .. } => "several HPAs select the same pods".to_owned(),
        Message::UnknownMetricType(name) => format!("`{name}` is no metric type that it knows"),
        Message::MetricTypeDisabled => {
            "ContainerResource metrics are switched off in this cluster".to_owned()
        }
        Message::PodsNotListed => "the controller could not list pods".to_owned(),
        Message::DescribedKindUnknown(kind) => format!("the metric describes a {kind}, which is not served"),
        Message::ReplicasFieldMissing(field) => format!("the target has no value at {field}"),
        Message::ScaleNotConvertible => "the target's scale is not an autoscaling Scale".to_owned(),
        Message::StatusNotWritten(failure) => format!("the status of the HPA {}", failed(failure)),
        Message::DeletedDuringSync => "the HPA was deleted meanwhile".to_owned(),
        Message::Rescale { .. } | Message::Informative | Message::Unknown(_) => return None,
    })
}

fn api_name(api: MetricsApi) -> &'static str {
    match api {
        MetricsApi::Resource => "resource metrics API (metrics.k8s.io)",
        MetricsApi::Custom => "custom metrics API (custom.metrics.k8s.io)",
        MetricsApi::External => "external metrics API (external.metrics.k8s.io)",
    }
}

fn failed(failure: &ApiFailure) -> &'static str {
    match failure {
        ApiFailure::NotServed => "is not served (404)",
        ApiFailure::Unavailable => "is not available (503)",
        ApiFailure::ServerError => "failed with a server error",
        ApiFailure::TimedOut => "did not answer in time (504)",
        ApiFailure::Unauthorized => "did not accept the controller's credentials (401)",
        ApiFailure::Forbidden => "forbids the controller to read it (403)",
        ApiFailure::TooManyRequests => "is overloaded (429)",
        ApiFailure::MetricUnknown => "does not know the metric",
        ApiFailure::Transport => "could not be reached",
        ApiFailure::NotFound => "was not found (404)",
        ApiFailure::Conflict => "was changed by somebody else meanwhile (409)",
        ApiFailure::Denied => "was refused by admission",
        ApiFailure::Invalid => "does not pass validation (422)",
        ApiFailure::Discovery => "could not be discovered",
        ApiFailure::BadAnswer => "gave an answer that makes no sense",
        ApiFailure::Rejected => "does not take the request as it is (4xx)",
        ApiFailure::Other(_) => "failed",
    }
}
