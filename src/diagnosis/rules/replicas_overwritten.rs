//! TFS703 replicas-overwritten
//!
//! ## What it detects
//! Something else writes the replicas of the scale target again and again, and the HPA writes them back: a manifest
//! with `spec.replicas` that is applied by a pipeline, Argo CD, Helm or an operator.
//!
//! ## How it is proved
//! The HPA's events hold more rescales to one size than to all other sizes together, so between two of them somebody
//! else must have changed the replicas. `managedFields` tell who writes the spec.
//!
//! ## What it is not
//! An HPA that scales up and down by itself writes other sizes in between. Two HPAs on one target are TFS201.
//!
//! ## Fix
//! Take `spec.replicas` out of the manifest; the HPA owns it.
//!
//! ## Source
//! `reconcileAutoscaler` in `horizontal.go`, Kubernetes v1.37: event `SuccessfulRescale` only where the size changes.

use crate::diagnosis::phrase::{ago, count, list, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{Event, FieldWriter};
use crate::hpa::message::{Message, decode};
use chrono::{DateTime, Utc};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS703",
    name: "replicas-overwritten",
    stage: Stage::Others,
    source: include_str!("replicas_overwritten.rs"),
    explains: &["TFS602", "TFS604", "TFS606", "TFS608"],
    needs: &[Need::Target],
    check,
};

/// After this long without another one, the quarrel is over.
const RECENT_SECONDS: i64 = 15 * 60;

/// How often the HPA must have written the same size without a reason of its own.
const LEAST: i32 = 2;

/// The rescales to one size.
struct Size {
    replicas: i32,
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
        .map(|size| (size, foreign_writes(size, &sizes)))
        .max_by_key(|(_, foreign)| *foreign)?;
    let recent = seconds_since(size.last, case.now) <= RECENT_SECONDS;
    if foreign < LEAST || !recent {
        return None;
    }
    let label = case.target_label();
    let suspects = suspects(case);
    let who = match suspects.as_slice() {
        [] => "something else".to_owned(),
        names => list(
            &names
                .iter()
                .map(|writer| writer.manager.as_str())
                .collect::<Vec<_>>(),
        ),
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
        )
        .saw(
            "foreign writes in between",
            format!("at least {}", count(usize::try_from(foreign).unwrap_or(0), "time")),
            "events of the HPA",
        );
    for writer in suspects.iter().take(3) {
        let when = writer
            .time
            .map_or_else(String::new, |time| format!(", {}", ago(time, case.now)));
        finding = finding.saw(
            format!("{label}, spec written by"),
            format!("{} ({}{when})", writer.manager, writer.operation),
            "managedFields",
        );
    }
    if suspects.len() != 1 {
        finding = finding.at_most(Confidence::Likely);
    }
    let target = &case.facts.hpa.target;
    Some(
        case.on_target(finding)
            .advice(
                format!("take `spec.replicas` out of the manifest that {who} applies"),
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
            ),
    )
}

/// Everybody who writes the spec of the target, but the HPA and the controllers of the control plane: first those
/// who own the replicas now.
fn suspects<'a>(case: &Case<'a>) -> Vec<&'a FieldWriter> {
    let Some(target) = case.target() else {
        return Vec::new();
    };
    let foreign = |writer: &&FieldWriter| writer.manager != "kube-controller-manager";
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
        let Message::Rescale { size, .. } = decode(&event.reason, &event.message) else {
            continue;
        };
        let Some(last) = event.last_seen else { continue };
        let first = event.first_seen.unwrap_or(last);
        match sizes.iter_mut().find(|known| known.replicas == size) {
            Some(known) => {
                known.times = known.times.saturating_add(event.count.max(1));
                known.first = known.first.min(first);
                known.last = known.last.max(last);
            }
            None => sizes.push(Size {
                replicas: size,
                times: event.count.max(1),
                first,
                last,
            }),
        }
    }
    sizes
}

/// How often somebody else must have written: between two rescales to one size lies one to another size, or a
/// foreign write.
fn foreign_writes(size: &Size, all: &[Size]) -> i32 {
    let others: i32 = all
        .iter()
        .filter(|other| other.replicas != size.replicas && other.last >= size.first)
        .map(|other| other.times)
        .sum();
    size.times - 1 - others
}
