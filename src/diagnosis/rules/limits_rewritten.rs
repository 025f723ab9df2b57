//! TFS714 limits-rewritten
//!
//! ## What it detects
//! The HPA gets another `minReplicas` or `maxReplicas` by turns, of a manifest that is applied again and again and of a
//! scheduled job for example, or of one job that sets it to and fro, and the replicas follow.
//!
//! ## How it is proved
//! The HPA's events hold both: rescales that its limit alone asked for, and its own rescales beyond that limit, at least twice
//! each. It never goes beyond a limit that it has, so it had another one in between. `managedFields` tell who wrote the limit of
//! now, and the manifest that `kubectl apply` keeps what another writer wants.
//!
//! ## What it is not
//! Replicas that somebody else writes (TFS703). A limit that is changed once a day, as a schedule does, is not seen within the
//! hour that events are kept.
//!
//! ## Fix
//! Let one of them own the limit.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: `Current number of replicas below Spec.MinReplicas` and
//! `above Spec.MaxReplicas` are the reasons of its rescales by a limit.

use crate::diagnosis::phrase::{ago, count, seconds_since, span, word};
use crate::diagnosis::rescales::{self, Direction};
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS714",
    name: "limits-rewritten",
    stage: Stage::Others,
    source: documentation!("limits_rewritten.rs"),
    explains: &["TFS601", "TFS604", "TFS608", "TFS615"],
    needs: &[],
    check,
};

/// After this long without another rescale it is over.
const RECENT_SECONDS: i64 = 15 * 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let rescales = rescales::read(case)?;
    let moves = rescales.by_limits()?;
    if seconds_since(moves.last(), case.now) > RECENT_SECONDS {
        return None;
    }
    let hpa = &case.facts.hpa;
    let applied = hpa.last_applied_limits.as_ref();
    let up = moves.limit.direction == Direction::Up;
    let (field, now, applied) = if up {
        let applied = applied.and_then(|limits| limits.min_replicas);
        ("minReplicas", hpa.effective_min_replicas(), applied)
    } else {
        let applied = applied.and_then(|limits| limits.max_replicas);
        ("maxReplicas", hpa.max_replicas, applied)
    };
    let over = span((moves.last() - moves.limit.first).num_seconds());
    let times = |times: i32| count(usize::try_from(times).unwrap_or(0), "time");
    let title = format!(
        "{field} is set to {} and back again and again, {} in {over}: the HPA follows each time",
        moves.limit.replicas,
        times(moves.limit.times)
    );
    let why = format!(
        "{} to {} because of its limit, {} to {} because of its metrics, which it never does beyond a limit that it has",
        if up { "up" } else { "down" },
        moves.limit.replicas,
        if up { "down" } else { "up" },
        moves.beyond
    );
    let mut finding = case
        .on_hpa(RULE.finding(Severity::Warning, title, why))
        .saw(
            format!("rescaled to {}, by {field}", moves.limit.replicas),
            format!(
                "{} in {over}, last {}",
                times(moves.limit.times),
                ago(moves.limit.last, case.now)
            ),
            "events of the HPA",
        )
        .saw(
            format!("rescaled to {}, by metrics", moves.beyond),
            format!(
                "{} in {over}, last {}",
                times(moves.beyond_times),
                ago(moves.beyond_last, case.now)
            ),
            "events of the HPA",
        )
        .saw(format!("{field} now"), written(case, now), "managedFields");
    if let Some(applied) = applied.filter(|applied| *applied != now) {
        finding = finding.saw(
            "last kubectl apply",
            format!("{field} {applied}"),
            "last-applied-configuration",
        );
    }
    let finding = finding.fix(
        "see who writes the HPA, and when",
        format!(
            "kubectl get hpa {} -n {} --show-managed-fields -o jsonpath='{{range .metadata.managedFields[*]}}{{.manager}}{{\" \"}}{{.operation}}{{\" \"}}{{.time}}{{\"\\n\"}}{{end}}'",
            word(&hpa.name),
            case.namespace()
        ),
        "reads only",
    );
    Some(finding.advice(
        match &hpa.delivered_by {
            Some(delivery) => format!(
                "take {field} out of what {} delivers, or end the other writer",
                delivery.by
            ),
            None => format!(
                "let one writer own {field}, and change it seldom: take it out of the manifest, or end the job that patches it"
            ),
        },
        "the HPA keeps what is left",
    ))
}

/// The limit with whom it is from.
fn written(case: &Case<'_>, limit: i32) -> String {
    let writers = case.facts.hpa.limits_writers.iter();
    let newest = writers
        .filter_map(|writer| Some((writer.time?, writer)))
        .max_by_key(|(time, _)| *time);
    match newest {
        Some((time, writer)) => format!("{limit}, by {}, {}", writer.manager, ago(time, case.now)),
        None => limit.to_string(),
    }
}
