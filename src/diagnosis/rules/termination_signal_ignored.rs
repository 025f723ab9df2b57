//! TFS804 termination-signal-ignored
//!
//! ## What it detects
//! TensorFlow Serving ignores SIGTERM, so that a pod which is scaled down or replaced keeps its room for the whole
//! `terminationGracePeriodSeconds` and is then killed (exit code 137, which is no OOM). New replicas wait for that room.
//!
//! ## How it is proved
//! Pods of the target are still ending long after they were told to, pods that request no more than they do are Pending
//! for want of room or refused by a quota, and there are no more of these than of the first.
//!
//! ## What it is not
//! Where more pods wait than end, the cluster is short of room anyhow (TFS503). A long grace period that is in nobody's
//! way is a hint only.
//!
//! ## Fix
//! Set the grace period to the longest request and some seconds more.
//!
//! ## Source
//! `main.cc` and `tools/docker/Dockerfile` of TensorFlow Serving, 2.16 to 2.20: neither the server nor the shell before it
//! handles the signal; thread 1853, kserve 394.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::json;

use crate::diagnosis::case::is_leftover;
use crate::diagnosis::phrase::{count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Server};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{Container, Pod, Recognised};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS804",
    name: "termination-signal-ignored",
    stage: Stage::Serving,
    source: documentation!("termination_signal_ignored.rs"),
    explains: &["TFS503", "TFS702"],
    needs: &[Need::Target, Need::Pods],
    check,
};

/// A server that obeyed the signal would be gone by then.
const ENDING_SECONDS: i64 = 15;
/// A grace period that is worth a hint: twice the default.
const LONG_SECONDS: i64 = 60;
/// The longest REST request by default, 30 s, and some time to answer it.
const PROPOSED_SECONDS: i64 = 40;
/// How many pods are proved one by one.
const PROVED: usize = 2;

fn check(case: &Case<'_>) -> Option<Finding> {
    in_the_way(case).or_else(|| hint(case))
}

/// A pod that was told to end.
struct Ending<'a> {
    pod: &'a Pod,
    for_seconds: i64,
    left_seconds: i64,
    grace_seconds: i64,
}

fn ending<'a>(case: &Case<'a>) -> Vec<Ending<'a>> {
    let of = |pod: &'a Pod| {
        let killed = pod.deleted_at?;
        let grace_seconds = pod.deletion_grace_period_seconds?;
        let told = killed.checked_sub_signed(TimeDelta::try_seconds(grace_seconds)?)?;
        let for_seconds = seconds_since(told, case.now);
        let left_seconds = (killed - case.now).num_seconds();
        let runs = pod.phase == "Running";
        // Longer than the grace period it is not the server that holds the pod.
        (runs && for_seconds >= ENDING_SECONDS && left_seconds >= 0).then_some(Ending {
            pod,
            for_seconds,
            left_seconds,
            grace_seconds,
        })
    };
    serving::pods(case)
        .into_iter()
        .filter_map(|(pod, _)| of(pod))
        .collect()
}

fn in_the_way(case: &Case<'_>) -> Option<Finding> {
    let ending = ending(case);
    let first = ending.first()?;
    let waiting = waiting(case, &requests(&first.pod.containers))?;
    if waiting.pods > ending.len() {
        return None;
    }
    let left = ending.iter().map(|it| it.left_seconds).max()?;
    let label = case.target_label();
    let (keep, them) = if ending.len() == 1 {
        ("keeps", "it")
    } else {
        ("keep", "them")
    };
    let finding = RULE.finding(
        serving::severity(case),
        format!(
            "{} of {label} {keep} the {} that {} for: TensorFlow Serving ignores SIGTERM, {} left",
            count(ending.len(), "ending pod"),
            waiting.room,
            if waiting.pods == 1 { "a new one waits".to_owned() } else { format!("{} new ones wait", waiting.pods) },
            span(left)
        ),
        format!(
            "the kubelet kills {them} after terminationGracePeriodSeconds, {} s; exit code 137 is then no OOM",
            first.grace_seconds
        ),
    );
    let mut finding = case.on_target(finding);
    for it in ending.iter().take(PROVED) {
        finding = finding.object("Pod", &it.pod.namespace, &it.pod.name).saw(
            format!("Pod {}", it.pod.name),
            format!(
                "told to end {} ago, killed in {}",
                span(it.for_seconds),
                span(it.left_seconds)
            ),
            "LIST pods",
        );
    }
    let finding = finding.saw(waiting.who, waiting.says, "LIST pods, status.conditions");
    let finding = shorter(case, finding, first.grace_seconds);
    Some(finding.fix(
        "end one now",
        format!(
            "kubectl delete pod {} -n {} --grace-period=1",
            word(&first.pod.name),
            case.namespace()
        ),
        "requests that it still answers are lost",
    ))
}

/// Pods that cannot start, all for want of what the ending ones hold.
struct Waiting<'a> {
    pods: usize,
    room: &'static str,
    who: String,
    says: &'a str,
}

fn waiting<'a>(case: &Case<'a>, held: &BTreeMap<&str, i64>) -> Option<Waiting<'a>> {
    pending(case, held).or_else(|| refused(case, held))
}

/// Pods that fit on no node.
fn pending<'a>(case: &Case<'a>, held: &BTreeMap<&str, i64>) -> Option<Waiting<'a>> {
    let no_room = |pod: &&Pod| {
        let scheduled = pod.condition("PodScheduled");
        pod.phase == "Pending"
            && pod.deleted_at.is_none()
            && scheduled.is_some_and(|it| it.status == "False" && it.message.contains("Insufficient "))
    };
    let pods: Vec<&Pod> = case.own_pods().filter(no_room).collect();
    let first = pods.first()?;
    let fit = pods.iter().all(|pod| fits(&requests(&pod.containers), held));
    fit.then(|| Waiting {
        pods: pods.len(),
        room: "room",
        who: format!("Pod {}", first.name),
        says: first
            .condition("PodScheduled")
            .map_or("", |condition| condition.message.as_str()),
    })
}

/// Pods that a quota does not let be created: it counts a pod until its grace period is over.
fn refused<'a>(case: &Case<'a>, held: &BTreeMap<&str, i64>) -> Option<Waiting<'a>> {
    let target = case.target()?;
    let failure = target.conditions.iter().find(|it| {
        it.type_ == "ReplicaFailure" && it.status == "True" && it.message.contains("exceeded quota: ")
    })?;
    let there = case.own_pods().filter(|pod| !is_leftover(pod)).count();
    let wanted = usize::try_from(case.scale()?.spec_replicas).ok()?;
    let pods = wanted.checked_sub(there).filter(|missing| *missing > 0)?;
    fits(&requests(&target.template.as_ref()?.containers), held).then(|| Waiting {
        pods,
        room: "quota",
        who: format!("{}, condition ReplicaFailure", case.target_label()),
        says: &failure.message,
    })
}

fn fits(wanted: &BTreeMap<&str, i64>, held: &BTreeMap<&str, i64>) -> bool {
    wanted
        .iter()
        .all(|(name, amount)| held.get(name).is_some_and(|held| held >= amount))
}

/// What containers request together, in thousandths.
fn requests(containers: &[Container]) -> BTreeMap<&str, i64> {
    let mut sum: BTreeMap<&str, i64> = BTreeMap::new();
    let counted = containers.iter().filter(|it| it.counts_for_requests());
    for (name, quantity) in counted.flat_map(|container| &container.resources.requests) {
        let amount = quantity.milli_value().unwrap_or(0);
        let total = sum.entry(name).or_default();
        *total = total.saturating_add(amount);
    }
    sum
}

/// A long grace period of a server that surely ignores the signal.
fn hint(case: &Case<'_>) -> Option<Finding> {
    let Server { told, .. } = serving::of_template(case)?;
    let grace = case
        .target()?
        .template
        .as_ref()?
        .termination_grace_period_seconds
        .filter(|grace| *grace >= LONG_SECONDS)?;
    if told.wrapped || told.recognised == Recognised::Flags {
        return None;
    }
    let finding = RULE.finding(
        Severity::Info,
        format!(
            "Each pod of {} that is scaled down ends after {}: TensorFlow Serving ignores SIGTERM",
            case.target_label(),
            span(grace)
        ),
        "the kubelet waits for the whole grace period and then kills it; exit code 137 is then no OOM",
    );
    let finding = case.on_target(finding.hint()).saw(
        "terminationGracePeriodSeconds",
        format!("{grace} s"),
        "spec.template",
    );
    Some(shorter(case, finding, grace))
}

fn shorter(case: &Case<'_>, finding: Finding, grace: i64) -> Finding {
    if grace <= PROPOSED_SECONDS {
        return finding;
    }
    let patch = json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": PROPOSED_SECONDS}}}});
    finding.fix(
        "let a pod end sooner",
        format!(
            "kubectl patch {} --type=merge -p {}",
            case.target_arguments(),
            word(&patch.to_string())
        ),
        format!(
            "rolls the pods of {}; no request may take longer than {PROPOSED_SECONDS} s",
            case.target_label()
        ),
    )
}
