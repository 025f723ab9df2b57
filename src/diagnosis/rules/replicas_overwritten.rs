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
//! An HPA that scales up and down by itself writes sizes of the other direction in between. Events older than an hour
//! are gone: what is only estimated from the rate of writes is *likely*. Two HPAs on one target are TFS201.
//!
//! ## Fix
//! Take `spec.replicas` out of the manifest; the HPA owns it.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: event `SuccessfulRescale` only where the size changes.

use crate::diagnosis::phrase::{ago, count, list, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{Event, FieldWriter};
use crate::hpa::message::{Message, decode};
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

/// How often the HPA must have written the same size without a reason of its own.
const LEAST: i32 = 2;

/// An event is kept so long after it was last seen (`--event-ttl` of kube-apiserver); what happened before is unknown.
const KEPT_SECONDS: i64 = 60 * 60;

/// The manager of `kubectl apply` without `--server-side`.
const CLIENT_SIDE_APPLY: &str = "kubectl-client-side-apply";

/// The direction of a rescale, from its reason.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
    Unknown,
}

/// The rescales to one size in one direction.
struct Size {
    replicas: i32,
    direction: Direction,
    times: i32,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let events = case.facts.events.known()?;
    // An HPA that was changed since may have another target now.
    let changed = case.facts.hpa.spec_changed_at;
    let sizes = sizes(
        events
            .iter()
            .filter(|event| changed.is_none_or(|changed| event.last_seen > Some(changed))),
    );
    let (size, foreign) = sizes
        .iter()
        .map(|size| (size, foreign_writes(size, &sizes, case.now)))
        .max_by_key(|(_, foreign)| *foreign)?;
    let recent = seconds_since(size.last, case.now) <= RECENT_SECONDS;
    if foreign < LEAST || !recent {
        return None;
    }
    let label = case.target_label();
    let suspects = suspects(case, size.first);
    let managers: Vec<&str> = suspects.iter().map(|writer| writer.manager.as_str()).collect();
    let names: Vec<&str> = managers.iter().map(|manager| in_words(manager)).collect();
    let who = if names.is_empty() {
        "something else".to_owned()
    } else {
        list(&names)
    };
    let over = span((size.last - size.first).num_seconds());
    let mut finding = RULE
        .finding(
            Severity::Warning,
            format!("The replicas of {label} are written by {who} too, and the HPA set them to {} again and again", size.replicas),
            "`spec.replicas` has two owners: whoever writes last wins until the other one's next turn",
        )
        .saw(
            format!("HPA events, new size {}", size.replicas),
            format!("{} times in {over}, last {}", size.times, ago(size.last, case.now)),
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
    Some(repaired(case, case.on_target(finding)))
}

fn in_words(manager: &str) -> &str {
    if manager == CLIENT_SIDE_APPLY {
        "`kubectl apply`"
    } else {
        manager
    }
}

fn repaired(case: &Case<'_>, finding: Finding) -> Finding {
    let target = &case.facts.hpa.target;
    finding
        .advice(
            "take `spec.replicas` out of whatever writes it",
            "the HPA alone then writes the replicas; with Argo CD, ignoreDifferences of /spec/replicas does the same",
        )
        .fix(
            "see who wrote what, and when",
            format!(
                "kubectl get {} {} -n {} -o yaml --show-managed-fields",
                word(&target.kind.to_lowercase()),
                word(&target.name),
                case.namespace()
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

/// The sizes that the HPA wrote, with how often.
fn sizes<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Size> {
    let mut sizes: Vec<Size> = Vec::new();
    for event in events.filter(|event| event.reason == "SuccessfulRescale") {
        let Message::Rescale { size, reason, .. } = decode(&event.reason, &event.message) else {
            continue;
        };
        let Some(last) = event.last_seen else { continue };
        let first = event.first_seen.unwrap_or(last);
        let direction = direction(&reason);
        let known = sizes
            .iter_mut()
            .find(|known| known.replicas == size && known.direction == direction);
        match known {
            Some(known) => {
                known.times = known.times.saturating_add(event.count.max(1));
                known.first = known.first.min(first);
                known.last = known.last.max(last);
            }
            None => sizes.push(Size {
                replicas: size,
                direction,
                times: event.count.max(1),
                first,
                last,
            }),
        }
    }
    sizes
}

/// The reasons of `reconcileAutoscaler`.
fn direction(reason: &str) -> Direction {
    match reason {
        "All metrics below target" | "Current number of replicas above Spec.MaxReplicas" => Direction::Down,
        "Current number of replicas below Spec.MinReplicas" => Direction::Up,
        above if above.ends_with(" above target") => Direction::Up,
        _ => Direction::Unknown,
    }
}

/// How often somebody else must have written. Between two rescales down to one size the replicas have risen above it: by
/// a rescale up, or by a foreign write; and the other way round.
fn foreign_writes(size: &Size, all: &[Size], now: DateTime<Utc>) -> i32 {
    let opposite = |other: &&Size| {
        let moves = match size.direction {
            Direction::Down => other.replicas > size.replicas && other.direction != Direction::Down,
            Direction::Up => other.replicas < size.replicas && other.direction != Direction::Up,
            Direction::Unknown => other.replicas != size.replicas,
        };
        moves && other.last >= size.first
    };
    let others: i32 = all.iter().filter(opposite).map(|other| other.times).sum();
    in_the_last_hour(size, now) - 1 - others
}

/// The rescales among which no event is missing: an older one that went the other way may be forgotten.
fn in_the_last_hour(size: &Size, now: DateTime<Utc>) -> i32 {
    if seconds_since(size.first, now) <= KEPT_SECONDS {
        return size.times;
    }
    let over = (size.last - size.first).num_seconds().max(KEPT_SECONDS);
    let rate = i64::from(size.times).saturating_mul(KEPT_SECONDS) / over;
    i32::try_from(rate).unwrap_or(size.times)
}
