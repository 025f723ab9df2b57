//! TFS512 containers-restart
//!
//! ## What it detects
//! The pods run, and their containers end and start anew again and again: each start begins at the bottom, so that the HPA
//! never sees the usage at which they end.
//!
//! ## How it is proved
//! At least half of the pods that run have a container of three restarts or more, whose last end is not longer than ten
//! minutes ago. The kubelet's word for that end is quoted.
//!
//! ## What it is not
//! A container that waits for its next start is TFS502. One restart, and one of hours ago, are silent. What TensorFlow Serving
//! itself runs into is told by the 8xx rules.
//!
//! ## Fix
//! `OOMKilled`: the limit is below what the container needs, and a mean of a target near the limit is never reached. Otherwise
//! the log of the container before, and its liveness probe.
//!
//! ## Source
//! `calcPlainMetricReplicas` in `replica_calculator.go`, Kubernetes v1.37: the last sample of each pod counts, whatever was
//! before it.

use crate::diagnosis::case::{container_trouble, is_running};
use crate::diagnosis::phrase::{ago, count, seconds_since, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{Container, ContainerEnd, Pod};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS512",
    name: "containers-restart",
    stage: Stage::Pods,
    source: documentation!("containers_restart.rs"),
    explains: &["TFS601", "TFS603", "TFS604", "TFS614"],
    needs: &[Need::Pods],
    check,
};

/// One or two may be an accident, or a dependency that came late.
const MANY_RESTARTS: i32 = 3;
/// The longest back-off is five minutes.
const RECENT_SECONDS: i64 = 600;
/// How many pods are proved one by one.
const PROVED: usize = 3;
/// What the kernel ended, in the kubelet's word.
const OUT_OF_MEMORY: &str = "OOMKilled";

fn check(case: &Case<'_>) -> Option<Finding> {
    let running: Vec<&Pod> = case
        .own_pods()
        .filter(|pod| is_running(pod) && container_trouble(pod).is_none())
        .collect();
    let restarted: Vec<(&Pod, &Container, &ContainerEnd)> = running
        .iter()
        .filter_map(|pod| {
            let (container, end) = restarts(case, pod)?;
            Some((*pod, container, end))
        })
        .collect();
    let (first, container, end) = *restarted.first()?;
    if restarted.len() * 2 < running.len() {
        return None;
    }
    let label = case.target_label();
    let name = &container.name;
    let of = format!("{} of {}", restarted.len(), count(running.len(), "pod"));
    let killed = end.reason == OUT_OF_MEMORY;
    let how = if killed {
        format!("is {OUT_OF_MEMORY} again and again")
    } else {
        format!("ends again and again, exit code {}", end.exit_code)
    };
    let mut finding = RULE.finding(
        Severity::Warning,
        format!("Container {name} in {of} of {label} {how}"),
        "each start begins at the bottom: the HPA never sees the usage at which it ends",
    );
    for (pod, container, end) in restarted.iter().take(PROVED) {
        let last = end
            .finished_at
            .map_or_else(String::new, |at| format!(", the last {}", ago(at, case.now)));
        finding = finding.object("Pod", &pod.namespace, &pod.name).saw(
            format!("Pod {}", pod.name),
            format!(
                "container {}: {} restarts, {}{last}",
                container.name, container.restarts, end.reason
            ),
            "LIST pods",
        );
    }
    let finding = match container.resources.limits.get("memory").filter(|_| killed) {
        Some(limit) => finding.saw(
            format!("container {name}"),
            format!("limits memory {limit}"),
            "LIST pods",
        ),
        None => finding,
    };
    let logs = format!(
        "kubectl logs {} -n {} -c {} --previous --tail=50",
        word(&first.name),
        case.namespace(),
        word(name)
    );
    let finding = finding.fix("see its last words", logs, "reads only");
    Some(if killed {
        finding.advice(
            format!(
                "give container {name} a higher memory limit, or let it use less (`kubectl set resources`)"
            ),
            format!("rolls the pods of {label}; a memory target must be reached well below the limit"),
        )
    } else {
        finding.advice(
            "look at its liveness probe: under load an answer may take longer than the probe waits",
            format!("a change rolls the pods of {label}"),
        )
    })
}

/// The container of a pod that was restarted most, where that still goes on.
fn restarts<'a>(case: &Case<'_>, pod: &'a Pod) -> Option<(&'a Container, &'a ContainerEnd)> {
    let counted = pod.containers.iter().filter(|it| it.counts_for_requests());
    let container = counted.max_by_key(|it| it.restarts)?;
    let end = container.last_end.as_ref()?;
    let recent = seconds_since(end.finished_at?, case.now) <= RECENT_SECONDS;
    let unknown = container.serving.is_none();
    (container.restarts >= MANY_RESTARTS && recent && unknown).then_some((container, end))
}
