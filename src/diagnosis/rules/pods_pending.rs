//! TFS503 pods-pending
//!
//! ## What it detects
//! Pods of the workload that cannot be scheduled or cannot start their containers. Pending pods are left out
//! of the average and count as zero usage when the HPA scales up.
//!
//! ## How it is proved
//! The pod is `Pending` and says why: its condition `PodScheduled` is `False` and counts the nodes by what they lack,
//! or a container waits for an image or for its configuration. A pod that no scheduler has looked at names its scheduler.
//!
//! ## What it is not
//! A pod that was created a moment ago and waits for nothing yet.
//!
//! ## Fix
//! Give the cluster what the scheduler misses: room, a node with that label or without that taint, a claim; repair the
//! image or the configuration that is named.
//!
//! ## Source
//! `groupPods` in `replica_calculator.go`, Kubernetes v1.37.

use crate::diagnosis::case::{container_trouble, refused};
use crate::diagnosis::hindrance::{
    Hold, container_repaired, describe, hold, lacks_credentials, missing_object, pulls_too_often,
};
use crate::diagnosis::node_autoscaler::{self, Said};
use crate::diagnosis::offenders::holds_up_a_repair;
use crate::diagnosis::phrase::{count, list, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::scheduling::{self, Obstacle, among, obstacle};
use crate::diagnosis::{Case, Confidence, Finding, Severity, Verdict};
use crate::facts::{Container, Pod, longest_pending};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS503",
    name: "pods-pending",
    stage: Stage::Pods,
    source: documentation!("pods_pending.rs"),
    explains: &[
        "TFS304", "TFS404", "TFS505", "TFS602", "TFS603", "TFS607", "TFS614", "TFS708",
    ],
    needs: &[Need::Pods],
    check,
};

/// How many pods that wait for different things are proved one by one.
const PROVED: usize = 3;

/// A scheduler that knows a pod has said something about it within this time.
const SCHEDULER_SECONDS: i64 = 30;

fn check(case: &Case<'_>) -> Option<Finding> {
    let stuck: Vec<(&Pod, Why<'_>)> = case
        .own_pods()
        .filter(|pod| pod.phase == "Pending" && pod.deleted_at.is_none())
        .filter_map(|pod| Some((pod, why(case, pod)?)))
        .collect();
    let Some((first, reason)) = stuck.first() else {
        return starting(case);
    };
    // The scheduler says only that a volume is missing.
    let claim = stuck
        .iter()
        .filter(|(_, why)| matches!(why, Why::Unschedulable(Obstacle::ClaimUnbound, _)))
        .find_map(|(pod, _)| Some((*pod, hold(case, pod)?)));
    let nodes = match reason {
        Why::Unschedulable(..) => node_autoscaler::said(case),
        _ => None,
    };
    let what = match &claim {
        Some((_, hold)) => hold.hindrance.phrase(),
        None => reason.short(&first.scheduling_gates),
    };
    let finding = stuck_pods(case, &stuck, &what, nodes);
    let finding = match reason {
        Why::Unschedulable(Obstacle::ClaimMissing(claim), _) => {
            finding.object("PersistentVolumeClaim", &first.namespace, claim)
        }
        Why::Unscheduled(_) => finding.at_most(Confidence::Likely),
        _ => finding,
    };
    Some(match (nodes, claim) {
        (Some(Said::Comes(_)), _) => finding.verdict(Verdict::Waiting).fix(
            "wait for the node",
            format!("kubectl get pods -n {} --watch", case.namespace()),
            "reads only",
        ),
        (_, Some((pod, hold))) => hold.shown(case, finding, pod),
        _ => repair(case, finding, first, reason),
    })
}

/// The pods that wait, what for, and whether a node comes for them.
fn stuck_pods(case: &Case<'_>, stuck: &[(&Pod, Why<'_>)], what: &str, nodes: Option<Said<'_>>) -> Finding {
    let living = case.own_pods().filter(|pod| pod.deleted_at.is_none()).count();
    let all = stuck.len() == living;
    let label = case.target_label();
    // One pod that keeps the rollout of a repair from its end is what breaks the HPA.
    let severity = if all || holds_up_a_repair(case) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let subject = if all {
        format!("All pods of {label} are Pending")
    } else {
        format!("{} of {} of {label} Pending", stuck.len(), count(living, "pod"))
    };
    let (severity, and) = match nodes {
        Some(Said::Comes(_)) => (Severity::Warning, ", and a node is being added"),
        Some(Said::DoesNotCome(_)) => (severity, ", and no node is added"),
        None => (severity, ""),
    };
    let mut finding = RULE.finding(
        severity,
        format!("{subject}: {what}{and}"),
        "a pod that does not run has no usage, and the replicas that the HPA asked for do not help",
    );
    let mut told: Vec<String> = Vec::new();
    for (pod, why) in stuck {
        finding = match why {
            Why::Container(container, ..) => {
                finding.container("Pod", &pod.namespace, &pod.name, &container.name)
            }
            _ => finding.object("Pod", &pod.namespace, &pod.name),
        };
        let words = why.long();
        if told.len() < PROVED && !told.contains(&words) {
            finding = finding.saw(format!("Pod {}", pod.name), words.as_str(), "LIST pods");
            told.push(words);
        }
    }
    match nodes {
        Some(Said::Comes(event) | Said::DoesNotCome(event)) => finding.saw(
            format!("event {}", event.reason),
            event.message.trim(),
            "events of the pod",
        ),
        None => finding,
    }
}

/// Pods that have a node and do not run: for a while that is a start, later their events tell what is missing.
fn starting(case: &Case<'_>) -> Option<Finding> {
    let living = case.own_pods().filter(|pod| pod.deleted_at.is_none()).count();
    let pending: Vec<&Pod> = case
        .own_pods()
        .filter(|pod| pod.phase == "Pending" && pod.deleted_at.is_none())
        .collect();
    let first = longest_pending(pending.iter().copied())?;
    let age = seconds_since(first.placed_at()?, case.now);
    let label = case.target_label();
    let told = hold(case, first);
    let fails = told.is_some_and(|hold| !hold.hindrance.may_pass());
    let late = fails || first.starts_late(case.now);
    let why = told.map_or_else(|| NOT_CREATED.to_owned(), |hold| hold.hindrance.phrase());
    if pending.len() == living {
        if !late {
            let title = format!("The pods of {label} are being started, for {}", span(age));
            return Some(not_created(case, Severity::Info, title, first, told).verdict(Verdict::Waiting));
        }
        let title = if fails {
            format!("All pods of {label} are Pending: {why}")
        } else {
            format!("All pods of {label} are Pending for {}: {why}", span(age))
        };
        return Some(not_created(case, Severity::Error, title, first, told));
    }
    // Beside pods that run, a start is nothing to speak of, and a rollout that is stuck is TFS708.
    if !late || (!fails && rollout_timed_out(case)) {
        return None;
    }
    let stuck = pending
        .iter()
        .filter(|pod| pod.starts_late(case.now))
        .count()
        .max(1);
    let severity = if holds_up_a_repair(case) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let title = format!(
        "{stuck} of {} of {label} Pending, one for {}: {why}",
        count(living, "pod"),
        span(age)
    );
    Some(not_created(case, severity, title, first, told))
}

fn rollout_timed_out(case: &Case<'_>) -> bool {
    case.target().is_some_and(|target| {
        let mut conditions = target.conditions.iter();
        conditions.any(|condition| condition.type_ == "Progressing" && condition.status == "False")
    })
}

const NOT_CREATED: &str = "their containers are not created";

fn not_created(
    case: &Case<'_>,
    severity: Severity,
    title: String,
    first: &Pod,
    told: Option<Hold<'_>>,
) -> Finding {
    let finding = RULE
        .finding(
            severity,
            title,
            "a pod that does not run has no usage; a container waits for its image, its volumes, its network",
        )
        .object("Pod", &first.namespace, &first.name)
        .saw(
            format!("Pod {}", first.name),
            format!("Pending on {}", first.node.as_deref().unwrap_or("no node yet")),
            "LIST pods",
        );
    let Some(hold) = told else {
        let finding = match refused(&case.facts.pending_events) {
            Some(reason) => finding.could_not_read(reason),
            None => finding,
        };
        return finding.fix(
            "see the events of the pod",
            describe(case, first),
            "reads only; FailedMount names the volume, FailedCreatePodSandBox the network, Pulling the image",
        );
    };
    hold.shown(case, finding, first)
}

/// Why a pod is pending.
enum Why<'a> {
    /// The scheduler has said why, in these words.
    Unschedulable(Obstacle, String),
    /// A `ResourceClaim` of it cannot be made, in these words: no scheduler looks at it before.
    Unclaimed(&'a str),
    /// No scheduler has looked at it; its own has this name, where that is not the default one.
    Unscheduled(Option<&'a str>),
    /// A container waits for this reason.
    Container(&'a Container, &'a str),
}

fn why<'a>(case: &Case<'a>, pod: &'a Pod) -> Option<Why<'a>> {
    match pod.condition("PodScheduled") {
        Some(condition) if condition.status == "False" => {
            let words = format!("{}: {}", condition.reason, condition.message);
            return Some(Why::Unschedulable(obstacle(condition), words));
        }
        None if pod.node.is_none() => {
            if let Some(message) = unclaimed(case) {
                return Some(Why::Unclaimed(message));
            }
            let age = seconds_since(pod.created_at?, case.now);
            return (age >= SCHEDULER_SECONDS).then_some(Why::Unscheduled(pod.scheduler_name.as_deref()));
        }
        _ => {}
    }
    let (name, reason) = container_trouble(pod)?;
    let container = pod.containers.iter().find(|container| container.name == name)?;
    Some(Why::Container(container, reason))
}

/// What `resourceclaim-controller` says where a pod's claim cannot be made (`pkg/controller/resourceclaim`, v1.37).
const NO_CLAIM: &str = "FailedResourceClaimCreation";

fn unclaimed<'a>(case: &Case<'a>) -> Option<&'a str> {
    let mut events = case.facts.pending_events.known()?.iter();
    let newest = events.rfind(|it| it.event.reason == NO_CLAIM)?;
    Some(&newest.event.message)
}

/// The name in `resourceclaimtemplate.resource.k8s.io "gpu" not found`.
fn claim_template(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("resourceclaimtemplate.resource.k8s.io \"")?;
    let (name, rest) = rest.split_once('"')?;
    rest.trim_start().starts_with("not found").then_some(name)
}

impl Why<'_> {
    fn short(&self, gates: &[String]) -> String {
        match self {
            Self::Unschedulable(Obstacle::Gate, _) if !gates.is_empty() => {
                format!("scheduling gate {} holds them", list(gates))
            }
            // What makes nodes unfit is the whole reason.
            Self::Unschedulable(obstacle @ (Obstacle::Unfit(_) | Obstacle::VolumeElsewhere), _) => {
                obstacle.phrase()
            }
            Self::Unschedulable(obstacle, words) => obstacle.phrase() + &among(words),
            Self::Unclaimed(message) => claim_template(message).map_or_else(
                || "a ResourceClaim of theirs cannot be made".to_owned(),
                |name| format!("ResourceClaimTemplate {name} does not exist"),
            ),
            Self::Unscheduled(Some(scheduler)) => format!("no scheduler is called {scheduler}"),
            Self::Unscheduled(None) => "the scheduler does not look at them".to_owned(),
            Self::Container(container, reason) if container.init => {
                format!("{reason} of init container {}", container.name)
            }
            Self::Container(container, reason) if pulls_too_often(container) => {
                format!("{reason}, the registry limits how often images are pulled")
            }
            Self::Container(container, reason) if lacks_credentials(container) => {
                format!("{reason}, the registry asks for credentials")
            }
            Self::Container(container, reason) => missing_object(container)
                .map_or_else(|| (*reason).to_owned(), |missing| format!("{reason}, {missing}")),
        }
    }

    fn long(&self) -> String {
        match self {
            // What follows says why no other pod gives way.
            Self::Unschedulable(_, words) => {
                words.split(". preemption:").next().unwrap_or_default().to_owned()
            }
            Self::Unclaimed(message) => format!("{NO_CLAIM}: {message}"),
            Self::Unscheduled(scheduler) => format!(
                "spec.schedulerName {}, no node and no condition PodScheduled",
                scheduler.unwrap_or("default-scheduler")
            ),
            Self::Container(container, reason) => {
                let said = container.state_message.as_deref();
                let said = said.map_or_else(String::new, |message| format!(": {message}"));
                format!("container {}: {reason}{said}", container.name)
            }
        }
    }
}

/// The repair of what holds the first pod.
fn repair(case: &Case<'_>, finding: Finding, pod: &Pod, why: &Why<'_>) -> Finding {
    match why {
        Why::Unschedulable(obstacle, words) => scheduling::repaired(case, finding, pod, obstacle, words),
        Why::Container(container, reason) => container_repaired(case, finding, pod, container, reason),
        Why::Unclaimed(message) => {
            let finding = finding.fix(
                "see which templates of claims there are",
                format!("kubectl get resourceclaimtemplates -n {}", case.namespace()),
                "reads only",
            );
            match claim_template(message) {
                Some(name) => finding.advice(
                    format!(
                        "create ResourceClaimTemplate {name}, or name one that exists in the template of {}",
                        case.target_label()
                    ),
                    "the claim is made then, and the scheduler looks at the pods",
                ),
                None => finding,
            }
        }
        Why::Unscheduled(Some(_)) if case.facts.hpa.target.api_version.starts_with("apps/") => {
            let patch = r#"{"spec":{"template":{"spec":{"schedulerName":"default-scheduler"}}}}"#;
            finding.fix(
                "let the default scheduler place them",
                format!(
                    "kubectl patch {} --type=merge -p {}",
                    case.target_arguments(),
                    word(patch)
                ),
                format!("rolls the pods of {}", case.target_label()),
            )
        }
        Why::Unscheduled(_) => finding.fix(
            "see whether the scheduler runs",
            "kubectl get pods -n kube-system -l component=kube-scheduler",
            "reads only",
        ),
    }
}
