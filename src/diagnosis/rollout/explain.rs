//! Why it does not come up: the findings of the rules, with what events, logs and nodes add to their proof.

use chrono::{DateTime, Utc};

use super::{ask, room};
use crate::diagnosis::case::container_trouble;
use crate::diagnosis::hindrance::often;
use crate::diagnosis::{Finding, Severity, refusal};
use crate::facts::{Fact, Pod, Rollout};

/// The rules that tell why pods do not come up.
const RULES: [&str; 8] = [
    "TFS502", "TFS503", "TFS702", "TFS805", "TFS806", "TFS808", "TFS810", "TFS811",
];

/// How many events are shown.
const EVENTS: usize = 3;

/// Events that only say that something is tried again.
const REPETITIONS: [&str; 2] = ["BackOff", "FailedScheduling"];

/// Explains; nothing where all goes its way so far.
pub fn explain(rollout: &Rollout, now: DateTime<Utc>) -> Vec<Finding> {
    let mut found = ask(rollout, &RULES, now);
    let older =
        rollout.pods.iter().filter(|pod| pod.deleted_at.is_none()).count() > rollout.current().count();
    for finding in &mut found {
        finding.severity = Severity::Error;
        *finding = told(rollout, finding.clone());
        if older {
            finding.title = of_new_pods(&finding.title);
        }
    }
    found
}

/// The pods that the rules have seen are not all that there are.
fn of_new_pods(title: &str) -> String {
    let words = [
        ("All pods of", "All new pods of"),
        ("No pod of", "No new pod of"),
        ("The pods of", "The new pods of"),
    ];
    let found = words.into_iter().find_map(|(all, new)| {
        let rest = title.strip_prefix(all)?;
        Some(format!("{new}{rest}"))
    });
    found.unwrap_or_else(|| title.to_owned())
}

/// A finding in the words of somebody who deploys, with all its proof.
fn told(rollout: &Rollout, mut finding: Finding) -> Finding {
    let pod = finding
        .objects
        .iter()
        .find(|object| object.kind == "Pod")
        .and_then(|object| rollout.pods.iter().find(|pod| pod.name == object.name));
    let label = format!("{}/{}", rollout.target.kind, rollout.target.name);
    match finding.code {
        "TFS702" => {
            let why = rollout.refused.as_deref().unwrap_or_default();
            finding.title = format!(
                "{label} cannot create its pods: {}",
                refusal::in_words(refusal::read(why))
            );
            let who = if rollout.target.kind == "Job" {
                "Job"
            } else {
                "ReplicaSet"
            };
            finding.cause = format!(
                "the {who} tries again after longer and longer pauses, and is refused until that changes"
            );
        }
        "TFS808" => {
            "a hostPath volume is the node's own directory, so pods on other nodes have no model"
                .clone_into(&mut finding.cause);
        }
        "TFS502" => running(&mut finding, pod),
        "TFS503" => pending(&mut finding, pod),
        _ => {}
    }
    // The server's own rules have quoted its log, and need no more.
    shorten(&mut finding);
    let Some(pod) = pod.filter(|_| !finding.code.starts_with("TFS8")) else {
        return finding;
    };
    let finding = with_events(rollout, finding, pod);
    let finding = with_last_words(rollout, finding, pod);
    if finding.code == "TFS503" && pod.node.is_none() {
        room::shown(rollout, finding, pod)
    } else {
        finding
    }
}

/// Pods in the same trouble prove it once; what the scheduler adds of preemption says nothing about the obstacle.
fn shorten(finding: &mut Finding) {
    for step in &mut finding.evidence {
        if let Some((obstacle, _)) = step.value.split_once(". preemption:") {
            step.value = obstacle.to_owned();
        }
    }
    let mut told: Vec<String> = Vec::new();
    finding.evidence.retain(|step| {
        let known = told.contains(&step.value);
        told.push(step.value.clone());
        !known
    });
}

/// A pod that runs, and is not ready.
fn running(finding: &mut Finding, pod: Option<&Pod>) {
    let crashes = pod.is_some_and(|pod| container_trouble(pod).is_some());
    let serves = pod.is_some_and(|pod| pod.containers.iter().any(|it| it.serving.is_some()));
    let cause = match (crashes, serves) {
        (true, _) => {
            "the kubelet starts the container again after a longer and longer pause, and its pod serves nothing"
        }
        (false, true) => {
            "TensorFlow Serving opens its ports after the first load of every model: it still loads, or waits for one"
        }
        (false, false) => "a pod gets requests only while its readiness probe succeeds",
    };
    cause.clone_into(&mut finding.cause);
}

/// A pod that does not run.
fn pending(finding: &mut Finding, pod: Option<&Pod>) {
    let Some(pod) = pod else { return };
    let cause = if let Some((name, reason)) = container_trouble(pod) {
        let init = pod.containers.iter().any(|it| it.init && it.name == name);
        if reason.contains("Image") {
            "the node does not get the image that the pod names"
        } else if init {
            "the server starts after the init containers have ended well"
        } else {
            "the kubelet cannot make the container as the pod describes it"
        }
    } else if pod.node.is_none() {
        "the scheduler looks again when a node or a pod changes; until then nothing runs"
    } else {
        "containers start when the volumes are mounted and the images are there"
    };
    cause.clone_into(&mut finding.cause);
}

/// The newest warnings about the pod, each reason once.
fn with_events(rollout: &Rollout, mut finding: Finding, pod: &Pod) -> Finding {
    if let Fact::NotReadable(reason) = &rollout.events {
        return finding.could_not_read(reason);
    }
    let mut told: Vec<&str> = Vec::new();
    for event in rollout.about(&pod.name).rev() {
        let worth = event.type_ == "Warning" || event.reason == "NotTriggerScaleUp";
        let known = told.contains(&event.reason.as_str()) || REPETITIONS.contains(&event.reason.as_str());
        let said = finding
            .evidence
            .iter()
            .any(|step| step.value.contains(&event.message));
        if !worth || known || said || told.len() >= EVENTS {
            continue;
        }
        told.push(&event.reason);
        finding = finding.saw(
            format!("event {}", event.reason),
            often(event),
            format!("events of Pod {}", pod.name),
        );
    }
    finding
}

/// The last lines of the container at fault, or of the one that is not ready.
fn with_last_words(rollout: &Rollout, mut finding: Finding, pod: &Pod) -> Finding {
    let Some(words) = rollout.last_words.iter().find(|words| words.pod == pod.name) else {
        return finding;
    };
    let what = if words.previous {
        format!("last words of {}", words.container)
    } else {
        format!("log of {}", words.container)
    };
    let source = format!("pods/log of {}", pod.name);
    match &words.lines {
        Ok(lines) if lines.is_empty() => finding.saw(what, "it wrote nothing", source),
        Ok(lines) => {
            for (index, line) in lines.iter().enumerate() {
                let what = if index == 0 { what.as_str() } else { "" };
                finding = finding.saw(what, line.as_str(), source.as_str());
            }
            finding
        }
        Err(reason) => finding.could_not_read(reason),
    }
}
