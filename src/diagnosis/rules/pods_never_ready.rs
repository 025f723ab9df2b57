//! TFS502 pods-never-ready
//!
//! ## What it detects
//! Pods that run and have never become ready: the controller leaves their cpu out, however old they are.
//!
//! ## How it is proved
//! The pod is `Running`, its condition `Ready` is `False`, and it is older than the time that new pods are given, or
//! one of its containers is in a crash loop. Or its status has no condition `Ready` or no `startTime` at all, as some
//! virtual kubelets leave it.
//!
//! ## What it is not
//! A pod that was ready before and is not now counts, in the controller's eyes. A pod in its first five
//! minutes is TFS501.
//!
//! ## Fix
//! Repair the container or its readiness probe; the log of the container tells. Where the containers are ready and a
//! readiness gate is not met, repair the controller that sets its condition.
//!
//! ## Source
//! `groupPods` in `replica_calculator.go`, Kubernetes v1.37;
//! `--horizontal-pod-autoscaler-initial-readiness-delay`, default 30 s.

use crate::diagnosis::case::{container_trouble, is_ready, is_running};
use crate::diagnosis::offenders::holds_up_a_repair;
use crate::diagnosis::phrase::{amount, count, list, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::template_change::{self, Setting};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS502",
    name: "pods-never-ready",
    stage: Stage::Pods,
    source: documentation!("pods_never_ready.rs"),
    explains: &[
        "TFS304", "TFS404", "TFS501", "TFS505", "TFS510", "TFS602", "TFS607", "TFS708",
    ],
    needs: &[Need::Pods],
    check,
};

/// So many restarts before a pod was ever ready are a crash loop.
const CRASHES: i32 = 3;

/// How many pods are proved one by one.
const PROVED: usize = 3;

fn check(case: &Case<'_>) -> Option<Finding> {
    let running: Vec<&Pod> = case.own_pods().filter(|pod| is_running(pod)).collect();
    let never: Vec<&Pod> = running
        .iter()
        .copied()
        .filter(|pod| is_never_ready(case, pod))
        .collect();
    let Some(first) = never.first() else {
        return unreported(case, &running);
    };
    let names: Vec<&str> = never.iter().map(|pod| pod.name.as_str()).collect();
    let all = never.len() == running.len();
    let trouble = container_trouble(first);
    let why = match trouble {
        Some((container, reason)) => format!(
            "container {container} is in {reason}{}",
            last_end(first, container)
        ),
        None => again_and_again(first)
            .or_else(|| gate(first).map(|gate| format!("nothing has met the readiness gate {gate}")))
            .unwrap_or_else(|| "the readiness probe has never succeeded".to_owned()),
    };
    // Beside pods that have just started, a few that never become ready leave nothing that counts, too.
    let none_counts = case.blocked_by().is_some() && !running.iter().any(|pod| is_ready(pod));
    // One pod that keeps the rollout of a repair from its end is what breaks the HPA.
    let severity = if none_counts || holds_up_a_repair(case) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let ever = !was_ready(case, first);
    let title = match (all, ever) {
        (true, true) => format!("No pod of {} has ever been ready: {why}", case.target_label()),
        (true, false) => format!("No pod of {} is ready: {why}", case.target_label()),
        (false, _) => {
            let of = format!("{} of {}", never.len(), count(running.len(), "pod"));
            let never = if ever { "never ready" } else { "not ready" };
            format!("{of} of {} {never}: {why}", case.target_label())
        }
    };
    let why = if ever {
        "the HPA leaves out the cpu of a pod that has never been ready"
    } else {
        "a container that does not run has no usage, and its pod serves nothing"
    };
    let mut finding = RULE.finding(severity, title, why);
    for pod in never.iter().take(PROVED) {
        let age = case
            .age(pod)
            .map_or_else(String::new, |age| format!(", started {} ago", span(age)));
        let restarts = pod
            .containers
            .iter()
            .map(|container| container.restarts)
            .max()
            .unwrap_or(0);
        finding = match container_trouble(pod) {
            Some((container, _)) => finding.container("Pod", &pod.namespace, &pod.name, container),
            None => finding.object("Pod", &pod.namespace, &pod.name),
        };
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!(
                "Ready=False{}{age}, {}",
                gate(pod).map_or_else(String::new, |_| format!(" ({GATES})")),
                count(usize::try_from(restarts).unwrap_or(0), "restart")
            ),
            "LIST pods",
        );
    }
    if never.len() > PROVED {
        finding = finding.saw("pods never ready", list(&names), "LIST pods");
    }
    let container = match trouble {
        Some((container, "CrashLoopBackOff")) => format!(" -c {} --previous", word(container)),
        Some((container, _)) => format!(" -c {}", word(container)),
        None => String::new(),
    };
    if let Some(gate) = trouble.is_none().then(|| gate(first)).flatten() {
        return Some(gate_repair(case, finding, first, gate));
    }
    let finding = memory(case, finding, first);
    Some(
        finding
            .fix(
                "see what the container says",
                format!(
                    "kubectl logs {} -n {}{container} --tail=50",
                    word(&first.name),
                    case.namespace()
                ),
                "reads only",
            )
            .fix(
                "see what the probe got",
                format!(
                    "kubectl describe pod {} -n {}",
                    word(&first.name),
                    case.namespace()
                ),
                "reads only",
            ),
    )
}

/// What the kubelet says of a pod whose containers are all ready (`GeneratePodReadyCondition`,
/// `pkg/kubelet/status/generate.go`).
const GATES: &str = "ReadinessGatesNotReady";

/// The readiness gate that keeps the pod from being ready, whatever its probe says.
fn gate(pod: &Pod) -> Option<&str> {
    let ready = pod.condition("Ready").filter(|ready| ready.reason == GATES)?;
    let (_, rest) = ready.message.split_once("readiness gate \"")?;
    rest.split_once('"').map(|(gate, _)| gate)
}

/// The pod itself can do nothing for it.
fn gate_repair(case: &Case<'_>, finding: Finding, pod: &Pod, gate: &str) -> Finding {
    finding
        .fix(
            "see the pod's gates and conditions",
            format!("kubectl describe pod {} -n {}", word(&pod.name), case.namespace()),
            "reads only; the containers are ready",
        )
        .advice(
            format!(
                "repair what sets the condition {gate}, often the controller of a load balancer, or take the gate out \
                 of the template"
            ),
            format!("a new template rolls the pods of {}", case.target_label()),
        )
}

/// A container that ends as soon as it starts is seen in its back-off for an instant only: its restarts tell.
fn again_and_again(pod: &Pod) -> Option<String> {
    let container = pod
        .containers
        .iter()
        .find(|it| it.restarts >= CRASHES && it.last_end.is_some())?;
    let name = &container.name;
    let restarts = container.restarts;
    Some(format!(
        "container {name} was restarted {restarts} times{}",
        last_end(pod, name)
    ))
}

/// How the container ended the last time, where that tells more than that it ended.
fn last_end(pod: &Pod, container: &str) -> String {
    let found = pod.containers.iter().find(|it| it.name == container);
    match found.and_then(|it| it.last_end.as_ref()) {
        Some(end) if end.reason == "OOMKilled" => ", ended by OOMKilled".to_owned(),
        Some(end) => format!(", ended with exit code {}", end.exit_code),
        None => String::new(),
    }
}

/// More memory helps a container that is killed for the lack of it.
fn memory(case: &Case<'_>, finding: Finding, pod: &Pod) -> Finding {
    let killed = pod.containers.iter().find(|container| {
        !container.init
            && container
                .last_end
                .as_ref()
                .is_some_and(|end| end.reason == "OOMKilled")
    });
    let limit = killed.and_then(|it| it.resources.limits.get("memory")?.milli_value().ok());
    let (Some(container), Some(limit)) = (killed, limit) else {
        return finding;
    };
    let limit = amount("memory", limit.saturating_mul(2));
    let title = format!(
        "give container {} more memory: twice the limit, to begin with",
        container.name
    );
    let setting = Setting::limit(&container.name, "memory", &limit);
    template_change::proposed(case, finding, title, &[setting], "")
}

/// Pods whose status lacks what the controller judges their readiness by: it takes them for unready for ever.
fn unreported(case: &Case<'_>, running: &[&Pod]) -> Option<Finding> {
    if !case.resource_metrics().any(|metric| metric.name == "cpu") {
        return None;
    }
    let lacks = |pod: &Pod| match (pod.condition("Ready"), pod.start_time) {
        (None, _) => Some("condition Ready"),
        (Some(_), None) => Some("startTime"),
        (Some(_), Some(_)) => None,
    };
    let silent: Vec<(&Pod, &str)> = running
        .iter()
        .filter_map(|pod| Some((*pod, lacks(pod)?)))
        .collect();
    let (first, what) = *silent.first()?;
    let label = case.target_label();
    let (severity, subject) = if silent.len() == running.len() {
        (Severity::Error, format!("The pods of {label}"))
    } else {
        let of = format!("{} of {}", silent.len(), count(running.len(), "pod"));
        (Severity::Warning, format!("{of} of {label}"))
    };
    let mut finding = RULE.finding(
        severity,
        format!("{subject} have no {what} in their status, so their cpu never counts"),
        "the HPA takes a pod without it for unready, however long it runs; the kubelet of its node has to write it",
    );
    for (pod, what) in silent.iter().take(PROVED) {
        let node = pod.node.as_deref().unwrap_or("no node");
        finding = finding.object("Pod", &pod.namespace, &pod.name).saw(
            format!("Pod {}", pod.name),
            format!("Running on {node}, no {what}"),
            "LIST pods",
        );
    }
    let node = first.node.as_deref().unwrap_or_default();
    Some(
        finding
            .fix(
                "see what serves the node",
                format!("kubectl describe node {}", word(node)),
                "reads only; a virtual kubelet is to be updated or configured",
            )
            .advice(
                "or scale on another metric than cpu: memory, Pods and External metrics do not ask for it",
                "changes the HPA alone",
            ),
    )
}

fn is_never_ready(case: &Case<'_>, pod: &Pod) -> bool {
    if is_ready(pod) || pod.start_time.is_none() || pod.condition("Ready").is_none() {
        return false;
    }
    let old = case
        .age(pod)
        .is_some_and(|age| age >= case.controller.cpu_initialization_seconds);
    let crashes = container_trouble(pod).is_some_and(|(_, reason)| reason == "CrashLoopBackOff");
    // Until the startup probe has succeeded, the readiness probe is not asked: TFS501.
    let starting = pod.startup_left(case.now).is_some();
    crashes || !was_ready(case, pod) && (old && !starting || again_and_again(pod).is_some())
}

/// Whether the condition changed so long after the start that the controller takes the pod for one that was ready.
fn was_ready(case: &Case<'_>, pod: &Pod) -> bool {
    let changed = pod
        .condition("Ready")
        .and_then(|ready| ready.last_transition_time);
    let (Some(start), Some(changed)) = (pod.start_time, changed) else {
        return false;
    };
    (changed - start).num_seconds() >= case.controller.initial_readiness_seconds
}
