//! TFS804 termination-signal-ignored
//!
//! ## What it detects
//! TensorFlow Serving ignores SIGTERM, so that a pod which is scaled down or replaced keeps its room for the whole
//! `terminationGracePeriodSeconds` and is then killed (exit code 137, which is no OOM). New replicas wait for that room.
//!
//! ## How it is proved
//! Pods of the target are still ending long after they were told to, pods that request no more than they do are Pending
//! for want of room, and there are as many of the first as of the second.
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

use crate::diagnosis::phrase::{count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::serving::{self, Server};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{Pod, Recognised};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS804",
    name: "termination-signal-ignored",
    stage: Stage::Serving,
    source: include_str!("termination_signal_ignored.rs"),
    explains: &["TFS503"],
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
    let waiting: Vec<&Pod> = case.own_pods().filter(|pod| waits_for_room(pod)).collect();
    let held = requests(first.pod);
    let fits = waiting.iter().all(|pod| {
        requests(pod)
            .iter()
            .all(|(name, amount)| held.get(name).is_some_and(|held| held >= amount))
    });
    if waiting.is_empty() || !fits || waiting.len() > ending.len() {
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
            "{} of {label} {keep} the room that {} for: TensorFlow Serving ignores SIGTERM, {} left",
            count(ending.len(), "ending pod"),
            if waiting.len() == 1 { "a new one waits".to_owned() } else { format!("{} new ones wait", waiting.len()) },
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
    for pod in waiting.iter().take(1) {
        let message = pod
            .condition("PodScheduled")
            .map_or("", |condition| condition.message.as_str());
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!("Pending: {message}"),
            "LIST pods",
        );
    }
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

fn waits_for_room(pod: &Pod) -> bool {
    let scheduled = pod.condition("PodScheduled");
    pod.phase == "Pending"
        && pod.deleted_at.is_none()
        && scheduled.is_some_and(|it| it.status == "False" && it.message.contains("Insufficient "))
}

/// What the containers of a pod request, in thousandths.
fn requests(pod: &Pod) -> BTreeMap<&str, i64> {
    let mut sum: BTreeMap<&str, i64> = BTreeMap::new();
    let counted = pod.containers.iter().filter(|it| it.counts_for_requests());
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
