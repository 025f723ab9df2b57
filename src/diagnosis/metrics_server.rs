//! The state of metrics-server, or of an adapter, where its API does not answer, and how to repair it.

use super::case::{container_trouble, is_ready};
use super::phrase::word;
use super::scrape::{by_address, failure_text, last_failure};
use super::{Finding, refusal, scheduling};
use crate::facts::{ApiService, LogLine, MetricsServer, Pod};

/// What the pods of metrics-server show.
pub(super) struct State {
    /// Why there is no answer.
    pub(super) cause: String,
    what: String,
    value: String,
    fix: StateFix,
}

enum StateFix {
    Scale,
    Logs(String),
    Select(String),
    Send(String),
    Undo(String),
    Account(String),
    Quota(String, String),
    Reach(LogLine),
}

impl State {
    /// Whether the Service leads to a port that nobody has.
    pub(super) fn misdirects(&self) -> bool {
        matches!(self.fix, StateFix::Send(_))
    }
}

/// Why no pod of metrics-server answers; none where one is ready and nothing else is wrong.
pub(super) fn state(server: &MetricsServer) -> Option<State> {
    let found = of(server);
    // Its own log tells of the kubelets.
    let unready = found
        .as_ref()
        .is_some_and(|state| matches!(state.fix, StateFix::Logs(_)));
    let deaf = server.pods.last().filter(|_| unready);
    if found.is_none() && server.pods.iter().any(is_ready) {
        return misdirected(server);
    }
    deaf.and_then(|pod| deaf_to_kubelets(server, pod)).or(found)
}

/// Why no pod of an adapter answers; none where one is ready, or nothing is known but its Service.
pub(super) fn adapter(server: &MetricsServer) -> Option<State> {
    of(server).filter(|_| !server.pods.is_empty() || server.replicas.is_some())
}

fn of(server: &MetricsServer) -> Option<State> {
    let name = &server.name;
    let deployment = format!("Deployment {}/{}", server.namespace, server.name);
    if server.replicas == Some(0) {
        return Some(State {
            cause: format!("{name} is scaled to 0"),
            what: deployment,
            value: "replicas 0".to_owned(),
            fix: StateFix::Scale,
        });
    }
    if server.pods.is_empty() && server.ready_replicas.is_some_and(|ready| ready > 0) {
        let labels = serde_json::to_string(&server.selector).unwrap_or_default();
        return Some(State {
            cause: format!("its Service selects none of {name}'s pods"),
            what: deployment,
            value: format!("runs, with labels {labels}"),
            fix: StateFix::Select(labels),
        });
    }
    if server.pods.is_empty() {
        return Some(without_pods(server, deployment));
    }
    if server.pods.iter().any(is_ready) {
        return None;
    }
    server.pods.last().map(|pod| of_pod(server, pod))
}

fn without_pods(server: &MetricsServer, what: String) -> State {
    let Some(message) = &server.creation_refused else {
        return State {
            cause: format!("{} has no pods", server.name),
            what,
            value: "no pods".to_owned(),
            fix: StateFix::Undo(format!("describe deployment {}", word(&server.name))),
        };
    };
    let refused = refusal::read(message);
    let look = format!("describe deployment {}", word(&server.name));
    let fix = match refused {
        refusal::Refusal::QuotaUsedUp(quota) => refusal::raised(message, 1, None)
            .map_or(StateFix::Undo(look), |hard| {
                StateFix::Quota(quota.to_owned(), hard)
            }),
        refusal::Refusal::ServiceAccount(name) if name == server.name => StateFix::Account(name.to_owned()),
        _ => StateFix::Undo(look),
    };
    State {
        cause: format!("{} has no pods, {}", server.name, refusal::in_words(refused)),
        what,
        value: message.clone(),
        fix,
    }
}

/// A pod is ready, and the Service sends to a port that it does not have.
fn misdirected(server: &MetricsServer) -> Option<State> {
    let [target] = server.target_ports.as_slice() else {
        return None;
    };
    let right = server.container_ports.first()?;
    (!server.container_ports.contains(target)).then(|| State {
        cause: format!("its Service sends to port {target}, which metrics-server does not have"),
        what: format!("ports of Deployment {}/{}", server.namespace, server.name),
        value: server.container_ports.join(", "),
        fix: StateFix::Send(right.clone()),
    })
}

fn of_pod(server: &MetricsServer, pod: &Pod) -> State {
    let name = &server.name;
    let what = format!("Pod {}", pod.name);
    let describe = format!("describe pod {}", word(&pod.name));
    if let Some(scheduled) = pod
        .condition("PodScheduled")
        .filter(|condition| condition.status == "False")
    {
        return State {
            cause: format!("{name} is Pending, {}", scheduling::obstacle(scheduled).phrase()),
            what,
            value: format!("Pending: {}", scheduled.message),
            fix: StateFix::Undo(describe),
        };
    }
    match container_trouble(pod) {
        Some((_, reason @ ("ImagePullBackOff" | "ErrImagePull" | "InvalidImageName"))) => State {
            cause: format!("the image of {name} cannot be pulled"),
            what,
            value: reason.to_owned(),
            fix: StateFix::Undo(describe),
        },
        Some((_, reason)) => State {
            cause: format!("{name} does not stay up ({reason})"),
            what,
            value: format!("{reason}, {} restarts", restarts(pod)),
            fix: StateFix::Undo(format!("logs {} --tail=20", word(&pod.name))),
        },
        None if pod.phase == "Pending" => State {
            cause: format!("the pod of {name} has not started yet"),
            what,
            value: "Pending".to_owned(),
            fix: StateFix::Undo(describe),
        },
        None => State {
            cause: format!("{name} runs but is not ready"),
            what,
            value: format!("{}, not ready", pod.phase),
            fix: StateFix::Logs(word(&pod.name)),
        },
    }
}

/// It runs, and is not ready because no kubelet answers it.
fn deaf_to_kubelets(server: &MetricsServer, pod: &Pod) -> Option<State> {
    let (line, meaning) = last_failure(server.log.known()?, &[])?;
    Some(State {
        cause: format!("metrics-server reads no kubelet ({meaning})"),
        what: format!("log of {}", pod.name),
        value: failure_text(&line.text).to_owned(),
        fix: StateFix::Reach(line.clone()),
    })
}

fn restarts(pod: &crate::facts::Pod) -> i32 {
    pod.containers
        .iter()
        .map(|container| container.restarts)
        .max()
        .unwrap_or(0)
}

/// Names what is at fault, proves it, and repairs it.
pub(super) fn repaired(finding: Finding, api: &ApiService, server: &MetricsServer, state: State) -> Finding {
    let namespace = word(&server.namespace);
    let service = api.service.as_ref().map_or(&server.name, |service| &service.name);
    let finding = with_last_words(finding, server);
    let finding = match state.fix {
        StateFix::Select(_) | StateFix::Send(_) => finding.object("Service", &server.namespace, service),
        _ => finding,
    };
    let rolls = format!("rolls {} to its revision before this one", server.name);
    let finding = match server.pods.last().filter(|_| !is_of_deployment(server)) {
        Some(pod) => finding.object("Pod", &pod.namespace, &pod.name),
        None => finding.object("Deployment", &server.namespace, &server.name),
    };
    let finding = finding.saw(state.what, state.value, "LIST pods");
    match state.fix {
        StateFix::Scale => finding.fix(
            format!("start {}", server.name),
            format!(
                "kubectl scale deployment {} -n {namespace} --replicas=1",
                word(&server.name)
            ),
            "starts one pod of it",
        ),
        StateFix::Undo(look) => {
            let finding = finding.fix("see why", format!("kubectl {look} -n {namespace}"), "reads only");
            if !is_of_deployment(server) {
                return finding;
            }
            finding.fix(
                "where it worked before, go back",
                format!("kubectl rollout undo deployment {} -n {namespace}", word(&server.name)),
                rolls,
            )
        }
        StateFix::Account(name) => finding.fix(
            "create the account that its pods name",
            format!(
                "kubectl create serviceaccount {} -n {namespace} && kubectl rollout restart deployment {} -n {namespace}",
                word(&name),
                word(&server.name)
            ),
            "its bindings hold for the account of that name",
        ),
        StateFix::Quota(name, hard) => finding
            .object("ResourceQuota", &server.namespace, &name)
            .fix(
                "raise the quota by what it needs",
                format!(
                    "kubectl patch resourcequota {} -n {namespace} --type=merge -p '{{\"spec\":{{\"hard\":{hard}}}}}' && kubectl rollout restart deployment {} -n {namespace}",
                    word(&name),
                    word(&server.name)
                ),
                format!("changes the quota, and rolls {} so that its pod is created at once", server.name),
            )
            .fix(
                "see what is used up",
                format!("kubectl describe resourcequota {} -n {namespace}", word(&name)),
                "reads only",
            ),
        StateFix::Select(labels) => finding.fix(
            "let the Service select them",
            format!(
                r#"kubectl patch service {} -n {namespace} --type=json -p '[{{"op":"replace","path":"/spec/selector","value":{labels}}}]'"#,
                word(service)
            ),
            "changes the Service alone",
        ),
        StateFix::Send(port) => {
            let port = port.parse::<u16>().map_or_else(|_| format!(r#""{port}""#), |number| number.to_string());
            finding.fix(
                "let the Service send to the port that it has",
                format!(
                    r#"kubectl patch service {} -n {namespace} --type=json -p '[{{"op":"replace","path":"/spec/ports/0/targetPort","value":{port}}}]'"#,
                    word(service)
                ),
                "changes the Service alone",
            )
        }
        StateFix::Reach(line) => by_address(finding, server, &line)
            .fix(
                "see which nodes fail",
                format!("kubectl logs deployment/{} -n {namespace} --tail=50", word(&server.name)),
                "reads only",
            )
            .advice(
                "let metrics-server reach every kubelet: port 10250, at an address that its network knows",
                "--kubelet-preferred-address-types=InternalIP is what most clusters need",
            ),
        StateFix::Logs(pod) => finding.fix(
            "see what it says",
            format!("kubectl logs {pod} -n {namespace} --tail=20"),
            "reads only",
        ),
    }
}

/// Whether its name is that of a Deployment: a Service may lead to other pods.
fn is_of_deployment(server: &MetricsServer) -> bool {
    let start = format!("{}-", server.name);
    server.pods.iter().all(|pod| {
        let owner = pod.owner.as_ref();
        owner.is_some_and(|owner| owner.kind == "ReplicaSet" && owner.name.starts_with(&start))
    })
}

/// What a server that does not stay up wrote last.
fn with_last_words(finding: Finding, server: &MetricsServer) -> Finding {
    let crashes = server.pods.iter().any(|pod| !is_ready(pod) && restarts(pod) > 0);
    let line = server.log.known().filter(|_| crashes).and_then(|log| log.last());
    match line {
        Some(line) => finding.saw(
            format!("log of {}", server.name),
            line.text.clone(),
            format!("pods/log of {}", line.pod),
        ),
        None => finding,
    }
}
