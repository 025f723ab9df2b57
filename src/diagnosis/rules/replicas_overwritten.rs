//! TFS703 replicas-overwritten
//!
//! ## What it detects
//! Something else writes the replicas of the scale target again and again, and the HPA writes them back: a manifest
//! with `spec.replicas` that is applied by a pipeline, Argo CD, Helm or an operator.
//!
//! ## How it is proved
//! The HPA's events hold more rescales down to one size than rescales up from it, or the other way round: between two of
//! them somebody else must have changed the replicas. `managedFields` tell who has written the spec since then, and the
//! annotation of `kubectl apply` whether its manifest holds replicas. `kubectl scale` leaves no trace.
//!
//! ## What it is not
//! An HPA that scales up and down by itself writes sizes of the other direction in between (TFS615). Events older than an hour
//! are gone: what is only estimated from the rate of writes is *likely*. Two HPAs on one target are TFS201. Where the spec of
//! the target has changed less often than the HPA wrote it, nobody undid anything: the write itself is changed (TFS713).
//!
//! ## Fix
//! Take `spec.replicas` out of the manifest; the HPA owns it. Where the target has an owner with `controller: true`, for
//! example the custom resource of an operator, the replicas or the autoscaling are set there.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: event `SuccessfulRescale` only where the size changes.

use crate::diagnosis::phrase::{ago, count, list, seconds_since, span};
use crate::diagnosis::rescales::{self, KEPT_SECONDS, LEAST_OVERWRITTEN};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity, keeper};
use crate::facts::{FieldWriter, ObjectReference};
use chrono::{DateTime, Utc};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS703",
    name: "replicas-overwritten",
    stage: Stage::Others,
    source: documentation!("replicas_overwritten.rs"),
    explains: &["TFS602", "TFS604", "TFS606", "TFS608"],
    needs: &[Need::Target],
    check,
};

/// After this long without another one, the quarrel is over.
const RECENT_SECONDS: i64 = 15 * 60;

/// The manager of `kubectl apply` without `--server-side`.
const CLIENT_SIDE_APPLY: &str = "kubectl-client-side-apply";

fn check(case: &Case<'_>) -> Option<Finding> {
    let rescales = rescales::read(case)?;
    let (size, foreign) = rescales.most_overwritten(case.now)?;
    let recent = seconds_since(size.last, case.now) <= RECENT_SECONDS;
    if foreign < LEAST_OVERWRITTEN || !recent || rescales.without_effect(case).is_some() {
        return None;
    }
    let label = case.target_label();
    let owner = case.target().and_then(|target| target.controller.as_ref());
    let suspects = suspects(case, size.first);
    let managers: Vec<&str> = suspects.iter().map(|writer| writer.manager.as_str()).collect();
    let names: Vec<&str> = managers.iter().map(|manager| in_words(manager)).collect();
    let who = if names.is_empty() {
        "something else".to_owned()
    } else {
        list(&names)
    };
    let over = span((size.last - size.first).num_seconds());
    let again = format!("the HPA set them to {} again and again", size.replicas);
    let (title, why) = match owner {
        Some(owner) => (
            format!(
                "{label} belongs to {}/{}, which sets its replicas back, and {again}",
                owner.kind, owner.name
            ),
            "what the HPA writes lasts only until the owner's controller looks: whoever writes last wins"
                .to_owned(),
        ),
        None => (
            format!("The replicas of {label} are written by {who} too, and {again}"),
            "`spec.replicas` has two owners: whoever writes last wins until the other one's next turn"
                .to_owned(),
        ),
    };
    let mut finding = RULE.finding(Severity::Warning, title, why);
    if let Some(owner) = owner {
        finding = finding.saw(
            format!("{label}, controller"),
            format!("{}/{}", owner.kind, owner.name),
            "metadata.ownerReferences",
        );
    }
    finding = finding.saw(
        format!("HPA events, new size {}", size.replicas),
        format!(
            "{} times in {over}, last {}",
            size.times,
            ago(size.last, case.now)
        ),
        "events of the HPA",
    );
    let number = format!(
        "at least {}",
        count(usize::try_from(foreign).unwrap_or(0), "time")
    );
    let long = seconds_since(size.first, case.now) > KEPT_SECONDS;
    finding = if long {
        finding.estimates("foreign writes, the last hour", number, "how often the HPA wrote")
    } else {
        finding.saw("foreign writes in between", number, "events of the HPA")
    };
    for writer in suspects.iter().take(3) {
        let when = writer
            .time
            .map_or_else(String::new, |time| format!(", {}", ago(time, case.now)));
        finding = finding.saw(
            "spec written by",
            format!(
                "{} ({}{when}){}",
                writer.manager,
                writer.operation,
                applied(case, &[&writer.manager])
                    .map_or_else(String::new, |replicas| format!(", replicas {replicas}"))
            ),
            "managedFields",
        );
    }
    if long || !is_certain(case, &managers) {
        finding = finding.at_most(Confidence::Likely);
    }
    let finding = case.on_target(finding);
    Some(match owner {
        Some(owner) => repaired_in_owner(case, finding, owner),
        None => repaired(case, finding),
    })
}

/// What an operator writes it reads from somewhere.
fn repaired_in_owner(case: &Case<'_>, finding: Finding, owner: &ObjectReference) -> Finding {
    let label = format!("{}/{}", owner.kind, owner.name);
    let finding = finding
        .object(&owner.kind, &case.facts.hpa.namespace, &owner.name)
        .fix(
            format!("set replicas or autoscaling in {label}"),
            format!("kubectl edit {}", keeper::arguments(case, owner)),
            format!("its controller writes {} from it", case.target_label()),
        )
        .advice(
            format!("let the HPA scale {label}, where its kind has a scale"),
            "it then writes what the owner reads",
        );
    see_writers(case, finding)
}

fn in_words(manager: &str) -> &str {
    if manager == CLIENT_SIDE_APPLY {
        "`kubectl apply`"
    } else {
        manager
    }
}

fn repaired(case: &Case<'_>, finding: Finding) -> Finding {
    let finding = finding.advice(
        "take `spec.replicas` out of whatever writes it",
        "the HPA alone then writes the replicas; with Argo CD, ignoreDifferences of /spec/replicas does the same",
    );
    see_writers(case, finding)
}

fn see_writers(case: &Case<'_>, finding: Finding) -> Finding {
    finding.fix(
        "see who wrote what, and when",
        format!(
            "kubectl get {} -o yaml --show-managed-fields",
            case.target_arguments()
        ),
        "reads only",
    )
}

/// The replicas of the manifest that one of the managers applies.
fn applied(case: &Case<'_>, managers: &[&str]) -> Option<i32> {
    let applies = managers.contains(&CLIENT_SIDE_APPLY);
    case.target()?.last_applied_replicas.filter(|_| applies)
}

/// Whether the only suspect is known to write the replicas, and not only something else of the spec.
fn is_certain(case: &Case<'_>, managers: &[&str]) -> bool {
    let [one] = managers else { return false };
    let owns = case.target().is_some_and(|target| {
        target
            .replicas_writers
            .iter()
            .any(|writer| writer.manager == *one)
    });
    owns || applied(case, managers).is_some()
}

/// Everybody who has written the spec of the target since the quarrel began, but the HPA and the controllers of the
/// control plane: first those who own the replicas now. `kubectl scale` leaves no trace once the HPA has written.
fn suspects<'a>(case: &Case<'a>, since: DateTime<Utc>) -> Vec<&'a FieldWriter> {
    let Some(target) = case.target() else {
        return Vec::new();
    };
    let foreign = |writer: &&FieldWriter| {
        writer.manager != "kube-controller-manager" && writer.time.is_none_or(|time| time >= since)
    };
    let mut found: Vec<&FieldWriter> = target.replicas_writers.iter().filter(foreign).collect();
    if found.is_empty() {
        found = target.spec_writers.iter().filter(foreign).collect();
    }
    found.sort_by_key(|writer| std::cmp::Reverse(writer.time));
    found
}
