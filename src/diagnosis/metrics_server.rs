//! The state of metrics-server, where its API does not answer, and how to repair it.

use super::case::{container_trouble, is_ready};
use super::phrase::word;
use super::rules::metrics_api_has_no_data::{by_address, failure_text, last_failure};
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
    let deployment = format!("Deployment {}/{}", server.namespace, server.name);
    if server.replicas == Some(0) {
        return Some(State {
            cause: "metrics-server is scaled to 0".to_owned(),
            what: deployment,
            value: "replicas 0".to_owned(),
            fix: StateFix::Scale,
        });
    }
    if server.pods.is_empty() && server.ready_replicas.is_some_and(|ready| ready > 0) {
        let labels = serde_json::to_string(&server.selector).unwrap_or_default();
        return Some(State {
            cause: "its Service selects none of metrics-server's pods".to_owned(),
            what: deployment,
            value: format!("runs, with labels {labels}"),
            fix: StateFix::Select(labels),
        });
    }
    if server.pods.is_empty() {
        return Some(without_pods(server, deployment));
    }
    if server.pods.iter().any(is_ready) {
        return misdirected(server);
    }
    server.pods.last().map(|pod| of_pod(server, pod))
}

fn without_pods(server: &MetricsServer, what: String) -> State {
    let Some(message) = &server.creation_refused else {
        return State {
            cause: "metrics-server has no pods".to_owned(),
            what,
            value: "no pods".to_owned(),
            fix: StateFix::Undo(format!("describe deployment {}", word(&server.name))),
        };
    };
    let refused = refusal::read(message);
    let look = format!("describe deployment {}", word(&server.name));
    let fix = match refused {
        refusal::Refusal::QuotaUsedUp(quota) => refusal::raised(message, 1)
            .map_or(StateFix::Undo(look), |hard| {
                StateFix::Quota(quota.to_owned(), hard)
            }),
        refusal::Refusal::ServiceAccount(name) if name == server.name => StateFix::Account(name.to_owned()),
        _ => StateFix::Undo(look),
    };
    State {
        cause: format!("metrics-server has no pods, {}", refusal::in_words(refused)),
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
    let what = format!("Pod {}", pod.name);
    let describe = format!("describe pod {}", word(&pod.name));
    if let Some(scheduled) = pod
        .condition("PodScheduled")
        .filter(|condition| condition.status == "False")
    {
        return State {
            cause: format!(
                "metrics-server is Pending, {}",
                scheduling::obstacle(scheduled).phrase()
            ),
            what,
            value: format!("Pending: {}", scheduled.message),
            fix: StateFix::Undo(describe),
        };
    }
    match container_trouble(pod) {
        Some((_, reason @ ("ImagePullBackOff" | "ErrImagePull" | "InvalidImageName"))) => State {
            cause: "the image of metrics-server cannot be pulled".to_owned(),
            what,
            value: reason.to_owned(),
            fix: StateFix::Undo(describe),
        },
        Some((_, reason)) => State {
            cause: format!("metrics-server does not stay up ({reason})"),
            what,
            value: format!("{reason}, {} restarts", restarts(pod)),
            fix: StateFix::Undo(format!("logs {} --tail=20", word(&pod.name))),
        },
        None if pod.phase == "Pending" => State {
            cause: "the pod of metrics-server has not started yet".to_owned(),
            what,
            value: "Pending".to_owned(),
            fix: StateFix::Undo(describe),
        },
        None => deaf(server, pod).unwrap_or_else(|| State {
            cause: "metrics-server runs but is not ready".to_owned(),
            what,
            value: format!("{}, not ready", pod.phase),
            fix: StateFix::Logs(word(&pod.name)),
        }),
    }
}

/// It runs, and is not ready because no kubelet answers it.
fn deaf(server: &MetricsServer, pod: &Pod) -> Option<State> {
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
    let finding = finding.object("Deployment", &server.namespace, &server.name).saw(
        state.what,
        state.value,
        "LIST pods",
    );
    match state.fix {
        StateFix::Scale => finding.fix(
            "start metrics-server",
            format!(
                "kubectl scale deployment {} -n {namespace} --replicas=1",
                word(&server.name)
            ),
            "starts one pod of metrics-server",
        ),
        StateFix::Undo(look) => finding
            .fix("see why", format!("kubectl {look} -n {namespace}"), "reads only")
            .fix(
                "where it worked before, go back",
                format!("kubectl rollout undo deployment {} -n {namespace}", word(&server.name)),
                "rolls metrics-server to its revision before this one",
            ),
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
                "changes the quota, and rolls metrics-server so that its pod is created at once",
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

/// What a metrics-server that does not stay up wrote last.
fn with_last_words(finding: Finding, server: &MetricsServer) -> Finding {
    let crashes = server.pods.iter().any(|pod| !is_ready(pod) && restarts(pod) > 0);
    let line = server.log.known().filter(|_| crashes).and_then(|log| log.last());
    match line {
        Some(line) => finding.saw(
            "log of metrics-server",
            line.text.clone(),
            format!("pods/log of {}", line.pod),
        ),
        None => finding,
    }
}
