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

use chrono::{DateTime, Utc};

use crate::diagnosis::case::{container_trouble, is_running};
use crate::diagnosis::offenders::holds_up_a_repair;
use crate::diagnosis::phrase::{count, list, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::scheduling::{Obstacle, Unfit, among, obstacle};
use crate::diagnosis::{Case, Confidence, Finding, Severity, Verdict};
use crate::facts::{Container, Pod};

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

/// How many pods are proved one by one.
const PROVED: usize = 3;

/// A pod that has a node runs within this time, unless its image is large or something is missing.
const START_SECONDS: i64 = 120;

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
    let mut finding = RULE.finding(
        severity,
        format!("{subject}: {}", reason.short()),
        "a pod that does not run has no usage, and the replicas that the HPA asked for do not help",
    );
    for (pod, reason) in &stuck {
        finding = match reason {
            Why::Container(container, ..) => {
                finding.container("Pod", &pod.namespace, &pod.name, &container.name)
            }
            _ => finding.object("Pod", &pod.namespace, &pod.name),
        };
    }
    if let Why::Unschedulable(Obstacle::ClaimMissing(claim), _) = reason {
        finding = finding.object("PersistentVolumeClaim", &first.namespace, claim);
    }
    for (pod, reason) in stuck.iter().take(PROVED) {
        finding = finding.saw(format!("Pod {}", pod.name), reason.long(), "LIST pods");
    }
    if let Why::Unscheduled(_) = reason {
        finding = finding.at_most(Confidence::Likely);
    }
    Some(repair(case, finding, first, reason))
}

/// Pods that have a node and do not run: for a while that is a start, later a volume or the network is missing.
fn starting(case: &Case<'_>) -> Option<Finding> {
    let pods: Vec<&Pod> = case.own_pods().filter(|pod| pod.deleted_at.is_none()).collect();
    let pending = || pods.iter().copied().filter(|pod| pod.phase == "Pending");
    let first = pending().min_by_key(|pod| placed_at(pod))?;
    let age = seconds_since(placed_at(first)?, case.now);
    let label = case.target_label();
    let late = age >= START_SECONDS;
    if pending().count() == pods.len() {
        let (severity, title) = if late {
            (
                Severity::Error,
                format!("All pods of {label} are Pending for {}: {NOT_CREATED}", span(age)),
            )
        } else {
            (
                Severity::Info,
                format!("The pods of {label} are being started, for {}", span(age)),
            )
        };
        let finding = not_created(case, severity, title, first);
        return Some(if late {
            finding
        } else {
            finding.verdict(Verdict::Waiting)
        });
    }
    // Beside pods that run, a start is nothing to speak of, and a rollout that is stuck is TFS708.
    if !late || rollout_timed_out(case) {
        return None;
    }
    let stuck = pending()
        .filter(|pod| placed_at(pod).is_some_and(|time| seconds_since(time, case.now) >= START_SECONDS))
        .count();
    let severity = if holds_up_a_repair(case) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let title = format!(
        "{stuck} of {} of {label} Pending, one for {}: {NOT_CREATED}",
        count(pods.len(), "pod"),
        span(age)
    );
    Some(not_created(case, severity, title, first))
}

fn rollout_timed_out(case: &Case<'_>) -> bool {
    case.target().is_some_and(|target| {
        let mut conditions = target.conditions.iter();
        conditions.any(|condition| condition.type_ == "Progressing" && condition.status == "False")
    })
}

/// Since when the pod has a node; where that is not known, since when it exists.
fn placed_at(pod: &Pod) -> Option<DateTime<Utc>> {
    let scheduled = pod
        .condition("PodScheduled")
        .filter(|condition| condition.status == "True");
    scheduled
        .and_then(|condition| condition.last_transition_time)
        .or(pod.created_at)
}

const NOT_CREATED: &str = "their containers are not created";

fn not_created(case: &Case<'_>, severity: Severity, title: String, first: &Pod) -> Finding {
    RULE.finding(
        severity,
        title,
        "a pod that does not run has no usage; a container waits for its image, its volumes, its network",
    )
    .object("Pod", &first.namespace, &first.name)
    .saw(
        format!("Pod {}", first.name),
        format!("Pending on {}", first.node.as_deref().unwrap_or("no node yet")),
        "LIST pods",
    )
    .fix(
        "see the events of the pod",
        describe(case, first),
        "reads only; FailedMount names the volume, FailedCreatePodSandBox the network, Pulling the image",
    )
}

fn describe(case: &Case<'_>, pod: &Pod) -> String {
    format!("kubectl describe pod {} -n {}", word(&pod.name), case.namespace())
}

/// Why a pod is pending.
enum Why<'a> {
    /// The scheduler has said why, in these words.
    Unschedulable(Obstacle, String),
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
            let age = seconds_since(pod.created_at?, case.now);
            return (age >= SCHEDULER_SECONDS).then_some(Why::Unscheduled(pod.scheduler_name.as_deref()));
        }
        _ => {}
    }
    let (name, reason) = container_trouble(pod)?;
    let container = pod.containers.iter().find(|container| container.name == name)?;
    Some(Why::Container(container, reason))
}

impl Why<'_> {
    fn short(&self) -> String {
        match self {
            // What makes nodes unfit is the whole reason.
            Self::Unschedulable(obstacle @ (Obstacle::Unfit(_) | Obstacle::VolumeElsewhere), _) => {
                obstacle.phrase()
            }
            Self::Unschedulable(obstacle, words) => obstacle.phrase() + &among(words),
            Self::Unscheduled(Some(scheduler)) => format!("no scheduler is called {scheduler}"),
            Self::Unscheduled(None) => "the scheduler does not look at them".to_owned(),
            Self::Container(container, reason) if container.init => {
                format!("{reason} of init container {}", container.name)
            }
            Self::Container(_, reason) => (*reason).to_owned(),
        }
    }

    fn long(&self) -> String {
        match self {
            Self::Unschedulable(_, words) => words.clone(),
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
    let label = case.target_label();
    let rolls = format!("rolls the pods of {label}");
    let obstacle = match why {
        Why::Unschedulable(obstacle, _) => obstacle,
        Why::Unscheduled(Some(_)) if case.facts.hpa.target.api_version.starts_with("apps/") => {
            let patch = r#"{"spec":{"template":{"spec":{"schedulerName":"default-scheduler"}}}}"#;
            return finding.fix(
                "let the default scheduler place them",
                format!(
                    "kubectl patch {} --type=merge -p {}",
                    case.target_arguments(),
                    word(patch)
                ),
                rolls,
            );
        }
        Why::Unscheduled(_) => {
            return finding.fix(
                "see whether the scheduler runs",
                "kubectl get pods -n kube-system -l component=kube-scheduler",
                "reads only",
            );
        }
        Why::Container(container, reason) => return container_repair(case, finding, pod, container, reason),
    };
    let finding = match obstacle {
        Obstacle::ClaimMissing(_) | Obstacle::ClaimUnbound | Obstacle::VolumeElsewhere => finding.fix(
            "see the claims of the namespace",
            format!("kubectl get pvc -n {}", case.namespace()),
            "reads only",
        ),
        Obstacle::Unfit(_) | Obstacle::SpreadLabel => {
            finding.fix("see the nodes", "kubectl get nodes --show-labels", "reads only")
        }
        _ => finding.fix("see the events of the pod", describe(case, pod), "reads only"),
    };
    match obstacle {
        Obstacle::Insufficient(resources) => match greedy_init_container(pod, resources) {
            Some(init) => finding.advice(
                format!(
                    "lower the request of init container {init}: a pod needs the room of its largest init container, if that \
                     is more than its containers take"
                ),
                rolls,
            ),
            None => finding.advice(
                format!(
                    "add nodes, or lower the requests of {} (`kubectl set resources`)",
                    list(&regular(pod))
                ),
                format!("lower requests roll the pods of {label} and raise the utilization that the HPA sees"),
            ),
        },
        Obstacle::TooManyPods => finding.advice("add nodes", "changes the cluster"),
        Obstacle::ClaimMissing(claim) => finding.advice(
            format!("create PersistentVolumeClaim {claim}"),
            "the scheduler places the pods as soon as it is there",
        ),
        Obstacle::ClaimUnbound => finding.advice(
            "give the claim a StorageClass that provisions volumes, or create a PersistentVolume for it",
            "the scheduler places the pods as soon as it is bound",
        ),
        Obstacle::Unfit(unfit) => fit(case, finding, unfit),
        Obstacle::SpreadLabel => finding.advice(
            format!(
                "give the nodes the label that topologySpreadConstraints of {label} names (`kubectl label node`), or \
                 let them say ScheduleAnyway"
            ),
            "changes the nodes, or rolls the pods",
        ),
        Obstacle::Gate => finding.advice(
            "let whoever set the gate remove it, or take schedulingGates out of the template",
            rolls,
        ),
        _ => finding.advice(
            format!("add nodes that fit, or loosen the rule in the template of {label}"),
            rolls,
        ),
    }
}

/// What makes a node fit, for each thing that makes some unfit.
fn fit(case: &Case<'_>, mut finding: Finding, unfit: &Unfit) -> Finding {
    let label = case.target_label();
    if unfit.cordoned {
        finding = finding.advice(
            "let the nodes take pods again, if they are not drained on purpose (`kubectl uncordon NODE`)",
            "changes the nodes",
        );
    }
    if unfit.tainted {
        let (taint, key) = unfit
            .taints
            .first()
            .map_or(("the taint", "KEY"), |taint| (taint.as_str(), taint));
        finding = finding.advice(
            format!("give {label} a toleration of {taint}, or take it off a node (`kubectl taint node NODE {key}-`)"),
            "rolls the pods, or changes the node",
        );
    }
    if unfit.selector {
        finding = finding.advice(
            format!("label a node as the pods want it (`kubectl label node`), or change nodeSelector or node affinity of {label}"),
            "changes the node, or rolls the pods",
        );
    }
    finding
}

fn container_repair(
    case: &Case<'_>,
    finding: Finding,
    pod: &Pod,
    container: &Container,
    reason: &str,
) -> Finding {
    let finding = if reason.contains("CrashLoop") || reason == "Error" {
        finding.fix(
            "see what the container said before it ended",
            format!(
                "kubectl logs {} -n {} -c {} --previous --tail=50",
                word(&pod.name),
                case.namespace(),
                word(&container.name)
            ),
            "reads only",
        )
    } else {
        finding.fix("see the events of the pod", describe(case, pod), "reads only")
    };
    let is_image = reason.contains("Image");
    let older_runs = case.own_pods().any(|other| {
        is_running(other) && other.labels.get("pod-template-hash") != pod.labels.get("pod-template-hash")
    });
    if older_runs && !holds_up_a_repair(case) && case.facts.hpa.target.kind == "Deployment" {
        return finding.fix(
            "go back to the template before",
            format!("kubectl rollout undo {}", case.target_arguments()),
            format!("rolls the pods of {}", case.target_label()),
        );
    }
    if is_image {
        return finding.advice(
            format!(
                "name an image that exists, instead of {} (`kubectl set image`)",
                container.image
            ),
            format!("rolls the pods of {}", case.target_label()),
        );
    }
    finding
}

/// The init container that requests more of a resource than all containers that run (`PodRequests`,
/// `k8s.io/component-helpers/resource`): the pod is as large as that one.
fn greedy_init_container<'a>(pod: &'a Pod, resources: &[String]) -> Option<&'a str> {
    let requested = |container: &Container, resource: &String| {
        let request = container.resources.requests.get(resource);
        request.and_then(|it| it.milli_value().ok()).unwrap_or(0)
    };
    resources.iter().find_map(|resource| {
        let running = pod.containers.iter().filter(|it| it.counts_for_requests());
        let sum = running.fold(0_i64, |sum, it| sum.saturating_add(requested(it, resource)));
        let greatest = pod
            .containers
            .iter()
            .filter(|it| !it.counts_for_requests())
            .max_by_key(|it| requested(it, resource))?;
        (requested(greatest, resource) > sum).then_some(greatest.name.as_str())
    })
}

/// The names of the regular containers.
fn regular(pod: &Pod) -> Vec<&str> {
    let regular = pod.containers.iter().filter(|container| !container.init);
    regular.map(|container| container.name.as_str()).collect()
}
