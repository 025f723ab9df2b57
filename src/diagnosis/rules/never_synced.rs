//! TFS609 never-synced
//!
//! ## What it detects
//! The controller has not written a single condition: either the HPA is new, or no controller looks after it.
//!
//! The same where the spec changed and no sync has seen it, where the controller may not write the status, and where the
//! conditions are from better days: the controller has stopped, and the status says what is not the case any more.
//!
//! ## How it is proved
//! `status.conditions` is empty. A new HPA is synced within 15 s; one minute is long past that.
//!
//! From 1.37 on `status.observedGeneration` is behind `metadata.generation` for longer than that. A status that cannot be
//! written leaves events; where the status was not written since, its conditions are old news. The lease of
//! kube-controller-manager and the binding of the controller's role tell why nobody looks. They are read too where a status
//! that was not written for a minute shows other replicas or another usage than there are: a controller that runs would have
//! corrected it. Without leader election there is no lease, and such a status is told as *likely* when it is wrong for three
//! minutes.
//!
//! ## What it is not
//! A metric that fails: that leaves a condition. A target that is not found, by the name that the spec has now: the
//! controller has seen that spec.
//!
//! ## Fix
//! Wait, when it is new. Otherwise see whether kube-controller-manager runs, and whether its `--controllers`
//! switches the HPA controller off. Where the rights of the controller are gone, or a policy or webhook refuses the
//! status, the finding names it and lets the controller through.
//!
//! ## Source
//! `horizontal.go`, Kubernetes v1.37; `--horizontal-pod-autoscaler-sync-period`, default 15 s.

use crate::diagnosis::denial::{self, ROLE};
use crate::diagnosis::phrase::{ago, seconds_since, span};
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity, Verdict};
use crate::facts::HpaController;
use crate::hpa::overdue::{self, PATIENCE_SECONDS};
use crate::hpa::symptoms::{SyncStage, refused_status};
use chrono::{DateTime, Utc};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS609",
    name: "never-synced",
    stage: Stage::Arithmetic,
    source: documentation!("never_synced.rs"),
    explains: &[
        "TFS601", "TFS602", "TFS603", "TFS604", "TFS606", "TFS608", "TFS902", "TFS903",
    ],
    needs: &[],
    check,
};

/// So long a status that is plainly wrong is not just late, whatever the lease says.
const LONG_SECONDS: i64 = 180;

/// The lease of leader election is renewed every two seconds.
const LEASE_SECONDS: i64 = 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    if let Some(finding) = status_refused(case) {
        return Some(finding);
    }
    if case.said.stage != SyncStage::NeverSynced {
        return spec_not_seen(case).or_else(|| status_is_old(case));
    }
    let age = seconds_since(case.facts.hpa.created_at?, case.now);
    let finding = if age < PATIENCE_SECONDS {
        let finding = RULE.finding(
            Severity::Info,
            format!(
                "Created {} ago: the controller looks at it within 15 s",
                span(age)
            ),
            "the controller has not synced this HPA yet",
        );
        case.on_hpa(finding.verdict(Verdict::Waiting))
    } else {
        left_alone(
            case,
            &format!("it is {} old and has never been synced", span(age)),
        )
    };
    Some(finding.saw("status.conditions", "empty", "GET the HPA"))
}

/// From 1.37 on the status says which spec the controller saw last.
fn spec_not_seen(case: &Case<'_>) -> Option<Finding> {
    let hpa = &case.facts.hpa;
    let (generation, observed) = (hpa.generation?, hpa.observed_generation?);
    let age = seconds_since(hpa.spec_changed_at?, case.now);
    if observed >= generation || age < PATIENCE_SECONDS || quotes_its_target(case) {
        return None;
    }
    let since = format!("its spec changed {} ago and was not seen since", span(age));
    Some(left_alone(case, &since).saw(
        "status.observedGeneration",
        format!("{observed}, metadata.generation {generation}"),
        "GET the HPA",
    ))
}

/// Whether the controller says of the very target that it cannot be found: it has read the spec, and on that path it leaves
/// `status.observedGeneration` alone.
fn quotes_its_target(case: &Case<'_>) -> bool {
    let hpa = &case.facts.hpa;
    hpa.condition("AbleToScale").is_some_and(|able| {
        able.reason == "FailedGetScale" && able.message.contains(&format!("\"{}\"", hpa.target.name))
    })
}

/// Conditions from better days: the status says what is not the case any more, and no sync has corrected it. A lease that
/// nobody renews proves why, and so do rights that are gone. Without either, only a sign whose time is known is told.
fn status_is_old(case: &Case<'_>) -> Option<Finding> {
    let controller = case.cluster.hpa_controller.known()?;
    let written = case.facts.hpa.status_changed_at?;
    let api = &case.cluster.resource_metrics_api;
    let signs = overdue::signs(case.facts, api, case.controller, case.now);
    let since = signs.iter().filter_map(|sign| sign.since).min();
    let long = since.is_some_and(|since| seconds_since(since, case.now) >= LONG_SECONDS);
    let gone = is_gone(controller, written, case.now);
    if signs.is_empty() || !(gone || long) {
        return None;
    }
    let status = format!(
        "its status is {} old and wrong",
        span(seconds_since(written, case.now))
    );
    let mut finding = left_alone(case, &status);
    for sign in signs {
        finding = finding.saw(sign.what, sign.says, "GET the HPA");
    }
    Some(if gone {
        finding
    } else {
        finding.at_most(Confidence::Likely)
    })
}

/// Whether it is certain that the controller does not run, or has no rights. A lease that ended before the status was
/// written is left over from another time: whoever wrote the status does not keep it.
fn is_gone(controller: &HpaController, written: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let unbound = controller.bound.is_absent() || controller.bound.known().is_some_and(Vec::is_empty);
    let renewed = controller.lease.known().and_then(|lease| lease.renewed_at);
    let ended = renewed.is_some_and(|renewed| {
        seconds_since(renewed, now) > LEASE_SECONDS && seconds_since(renewed, written) <= LEASE_SECONDS
    });
    unbound || controller.role.is_absent() || ended
}

/// Nobody looks after the HPA: the controller is down, lacks its rights, or is switched off.
fn left_alone(case: &Case<'_>, since: &str) -> Finding {
    let title = format!("No controller looks after this HPA: {since}");
    let begin = |cause: &str| case.on_hpa(RULE.finding(Severity::Error, title.clone(), cause));
    let Some(controller) = case.cluster.hpa_controller.known() else {
        return look(begin(
            "kube-controller-manager does not run, or runs without the HPA controller",
        ));
    };
    if controller.bound.is_absent() || controller.bound.known().is_some_and(Vec::is_empty) {
        return unbound(begin(
            "the HPA controller has lost all of its rights: the binding of its ClusterRole is gone",
        ));
    }
    if controller.role.is_absent() {
        return begin("the HPA controller has lost all of its rights: its ClusterRole is gone")
            .object("ClusterRole", "", ROLE)
            .saw(format!("ClusterRole {ROLE}"), "not found", "GET the ClusterRole")
            .advice(
                "restart kube-apiserver, which writes its default roles anew",
                "the HPA controller then goes on by itself",
            );
    }
    let renewed = controller.lease.known().and_then(|lease| lease.renewed_at);
    match renewed.map(|time| (time, seconds_since(time, case.now))) {
        Some((_, age)) if age > LEASE_SECONDS => look(begin(
            "kube-controller-manager does not run: nobody renews its lease",
        ))
        .saw(
            "lease kube-system/kube-controller-manager",
            format!("last renewed {} ago", span(age)),
            "GET the Lease",
        ),
        Some((time, _)) => look(begin(
            "kube-controller-manager runs, and its HPA controller does not: it is switched off, or hangs",
        ))
        .saw(
            "lease kube-system/kube-controller-manager",
            format!("renewed {}", ago(time, case.now)),
            "GET the Lease",
        )
        .at_most(Confidence::Likely),
        None => look(begin(
            "kube-controller-manager does not run, or runs without the HPA controller",
        )),
    }
}

fn look(finding: Finding) -> Finding {
    finding.fix(
        "see whether it runs",
        "kubectl get pods -n kube-system -l component=kube-controller-manager",
        "reads only; its --controllers must not switch horizontal-pod-autoscaler-controller off",
    )
}

fn unbound(finding: Finding) -> Finding {
    finding
        .object("ClusterRoleBinding", "", ROLE)
        .saw(
            format!("ClusterRoleBinding {ROLE}"),
            "not found, or without subjects",
            "GET the ClusterRoleBinding",
        )
        .fix(
            "bind its role again",
            format!(
                "kubectl delete clusterrolebinding {ROLE} --ignore-not-found && kubectl create clusterrolebinding {ROLE} --clusterrole={ROLE} --serviceaccount=kube-system:horizontal-pod-autoscaler"
            ),
            "as every cluster has it; a restart of kube-apiserver does the same",
        )
}

/// The controller works, and what it finds is nowhere to be read.
fn status_refused(case: &Case<'_>) -> Option<Finding> {
    if !matches!(
        case.said.stage,
        SyncStage::NeverSynced | SyncStage::StatusNotWritten
    ) {
        return None;
    }
    let event = refused_status(case.facts, case.now)?;
    let denial = denial::read(&event.message);
    let (who, words) = denial.map_or_else(
        || ("the API server refuses".to_owned(), String::new()),
        |denial| (denial.who(), denial.words()),
    );
    let effect = if case.said.stage == SyncStage::NeverSynced {
        "without a status there are no conditions and no metrics to be seen"
    } else {
        "conditions and metrics are those of an earlier sync, and tell nothing of now"
    };
    let finding = RULE
        .finding(
            Severity::Error,
            format!("The controller looks after this HPA, but {who} its status{words}"),
            effect,
        )
        .saw(
            format!("event {}", event.reason),
            event.message.clone(),
            "events of the HPA",
        );
    let finding = match case.facts.hpa.status_changed_at {
        Some(written) => finding.saw("status last written", ago(written, case.now), "managedFields"),
        None => finding,
    };
    Some(match denial {
        Some(denial) => denial.repair(case, case.on_hpa(denial.blame(case, finding))),
        None => case.on_hpa(finding),
    })
}
