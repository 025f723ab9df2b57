//! TFS609 never-synced
//!
//! ## What it detects
//! The controller has not written a single condition: either the HPA is new, or no controller looks after it.
//!
//! The same where the spec changed and no sync has seen it, and where the controller may not write the status.
//!
//! ## How it is proved
//! `status.conditions` is empty. A new HPA is synced within 15 s; one minute is long past that.
//!
//! From 1.37 on `status.observedGeneration` is behind `metadata.generation` for longer than that. A status that cannot be
//! written leaves events.
//!
//! ## What it is not
//! A metric that fails: that leaves a condition.
//!
//! ## Fix
//! Wait, when it is new. Otherwise see whether kube-controller-manager runs, and whether its `--controllers`
//! switches the HPA controller off.
//!
//! ## Source
//! `horizontal.go`, Kubernetes v1.37; `--horizontal-pod-autoscaler-sync-period`, default 15 s.

use crate::diagnosis::phrase::{seconds_since, span};
use crate::diagnosis::rule::{Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity, Verdict};
use crate::hpa::symptoms::SyncStage;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS609",
    name: "never-synced",
    stage: Stage::Arithmetic,
    source: include_str!("never_synced.rs"),
    explains: &["TFS602", "TFS604", "TFS606", "TFS608", "TFS902", "TFS903"],
    needs: &[],
    check,
};

/// A controller that runs has synced a new HPA four times by then.
const PATIENCE_SECONDS: i64 = 60;

/// The API server counts an event that comes again; one that is older than this has stopped.
const EVENT_SECONDS: i64 = 10 * 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    if case.said.stage != SyncStage::NeverSynced {
        return spec_not_seen(case);
    }
    if let Some(finding) = status_refused(case) {
        return Some(finding);
    }
    let age = seconds_since(case.facts.hpa.created_at?, case.now);
    let finding = if age < PATIENCE_SECONDS {
        RULE.finding(
            Severity::Info,
            format!(
                "Created {} ago: the controller looks at it within 15 s",
                span(age)
            ),
            "the controller has not synced this HPA yet",
        )
        .verdict(Verdict::Waiting)
    } else {
        RULE.finding(
            Severity::Error,
            format!(
                "No controller looks after this HPA: it is {} old and has never been synced",
                span(age)
            ),
            "kube-controller-manager does not run, or runs without the HPA controller",
        )
        .fix(
            "see whether it runs",
            "kubectl get pods -n kube-system -l component=kube-controller-manager",
            "reads only; its --controllers must not switch horizontal-pod-autoscaler-controller off",
        )
    };
    Some(
        case.on_hpa(finding)
            .saw("status.conditions", "empty", "GET the HPA"),
    )
}

/// From 1.37 on the status says which spec the controller saw last.
fn spec_not_seen(case: &Case<'_>) -> Option<Finding> {
    let hpa = &case.facts.hpa;
    let (generation, observed) = (hpa.generation?, hpa.observed_generation?);
    let age = seconds_since(hpa.spec_changed_at?, case.now);
    if observed >= generation || age < PATIENCE_SECONDS {
        return None;
    }
    let finding = RULE
        .finding(
            Severity::Error,
            format!(
                "No controller looks after this HPA: its spec changed {} ago and was not seen since",
                span(age)
            ),
            "kube-controller-manager does not run, so the conditions and metrics of the status are old",
        )
        .saw(
            "status.observedGeneration",
            format!("{observed}, metadata.generation {generation}"),
            "GET the HPA",
        );
    Some(case.on_hpa(finding).fix(
        "see whether it runs",
        "kubectl get pods -n kube-system -l component=kube-controller-manager",
        "reads only; its --controllers must not switch horizontal-pod-autoscaler-controller off",
    ))
}

/// The controller works, and what it finds is nowhere to be read.
fn status_refused(case: &Case<'_>) -> Option<Finding> {
    let events = case.facts.events.known()?;
    let event = events
        .iter()
        .rfind(|event| event.reason == "FailedUpdateStatus")?;
    if seconds_since(event.last_seen?, case.now) > EVENT_SECONDS {
        return None;
    }
    let finding = RULE
        .finding(
            Severity::Error,
            "The controller looks after this HPA, but the API server does not let it write the status",
            "without a status there are no conditions and no metrics to be seen",
        )
        .saw(
            format!("event {}", event.reason),
            event.message.clone(),
            "events of the HPA",
        );
    Some(case.on_hpa(finding).fix(
        "see what is left of the controller's role",
        "kubectl get clusterrole,clusterrolebinding system:controller:horizontal-pod-autoscaler -o yaml",
        "reads only; it needs update of horizontalpodautoscalers/status",
    ))
}
