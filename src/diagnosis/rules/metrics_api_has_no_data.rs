//! TFS304 metrics-api-has-no-data
//!
//! ## What it detects
//! The resource metrics API answers, and has no sample of any of the HPA's running pods, or none with the usage of every
//! container.
//!
//! ## How it is proved
//! `LIST pods.metrics.k8s.io` with the HPA's selector returns none of the running pods. The reason is read from
//! the ages of the pods and of metrics-server, and from its log.
//!
//! ## What it is not
//! For the first minute of a pod, or of metrics-server, this is normal: two samples are needed, 15 s apart. Unless it has been
//! so for minutes, with ever new pods: then they do not live long enough, which is told as *likely*.
//! Refused certificates are TFS303; pods that do not run are TFS503.
//!
//! ## Fix
//! Wait where it is young. Otherwise let metrics-server reach port 10250 of every node, with the right address
//! type and the right to read `nodes/metrics`.
//!
//! ## Source
//! `GetResourceMetric` in `metrics/client.go`, Kubernetes v1.37; `pkg/storage/pod.go` of metrics-server.

use crate::diagnosis::case::{FIRST_SAMPLES_SECONDS, is_running, refused};
use crate::diagnosis::phrase::{self, count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::rules::resource_not_measured::MEASURED;
use crate::diagnosis::scrape::{by_address, failure_text, last_failure, only_node};
use crate::diagnosis::{Case, Confidence, Finding, Severity, Verdict};
use crate::facts::{MetricsServer, Pod, PodMetrics, ServiceReference};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS304",
    name: "metrics-api-has-no-data",
    stage: Stage::MetricsPipeline,
    source: documentation!("metrics_api_has_no_data.rs"),
    explains: &["TFS607"],
    needs: &[
        Need::Pods,
        Need::PodMetrics,
        Need::MetricsServer,
        Need::MetricsServerLog,
    ],
    check,
};

/// So long no rollout leaves an HPA without a single sample.
const LONG_WITHOUT_SAMPLES_SECONDS: i64 = 120;
/// A recorder of events that has said the same too often speaks again after five minutes.
const EVENT_DELAY_SECONDS: i64 = 330;
/// What the controller says where a list of samples is empty.
const EMPTY: &str = "no metrics returned from resource metrics API";
/// How many syncs must have found nothing in that time.
const MANY_SYNCS: usize = 8;

fn check(case: &Case<'_>) -> Option<Finding> {
    case.resource_metrics().next()?;
    case.facts.pod_metrics.known()?;
    let running: Vec<&Pod> = case.own_pods().filter(|pod| is_running(pod)).collect();
    if running.is_empty() || !case.resource_metrics_api_available() {
        return None;
    }
    if running.iter().any(|pod| case.sample(pod).is_some()) {
        return incomplete(case, &running);
    }
    let oldest = running.iter().filter_map(|pod| case.age(pod)).max();
    let server = case.cluster.metrics_server.known();
    let server_age = server.and_then(|server| server.pods.iter().filter_map(|pod| case.age(pod)).max());
    let finding = match (oldest, server_age) {
        (Some(age), server) if age < FIRST_SAMPLES_SECONDS => match replaced(case, age, server) {
            Some(finding) => finding,
            None => young("The pods", "the pods", age),
        },
        (_, Some(age)) if age < FIRST_SAMPLES_SECONDS => young("metrics-server", "metrics-server", age),
        _ => missing(case, server, &running),
    };
    let finding = case.on_target(finding).saw(
        format!("samples of {}", count(running.len(), "running pod")),
        "none",
        "LIST pods.metrics.k8s.io",
    );
    let ages = oldest.map_or_else(
        || "unknown".to_owned(),
        |age| format!("the oldest runs for {}", span(age)),
    );
    Some(finding.saw("pods", ages, "status.startTime"))
}

/// There are samples, and none that counts: the controller leaves out a pod whose sample has no container, or has one without
/// the resource. metrics-server itself gives no such samples.
fn incomplete(case: &Case<'_>, running: &[&Pod]) -> Option<Finding> {
    let samples: Vec<&PodMetrics> = running.iter().filter_map(|pod| case.sample(pod)).collect();
    let lacks = |sample: &PodMetrics, resource: &str| {
        let mut containers = sample.containers.iter();
        sample.containers.is_empty() || containers.any(|container| !container.usage.contains_key(resource))
    };
    let resource = case.resources().into_iter().find(|resource| {
        MEASURED.contains(resource) && samples.iter().all(|sample| lacks(sample, resource))
    })?;
    let first = samples.first()?;
    let without = first
        .containers
        .iter()
        .find(|container| !container.usage.contains_key(resource));
    let mut finding = RULE
        .finding(
            Severity::Error,
            format!(
                "The samples of {} lack {resource}, so that none of them counts",
                count(samples.len(), "pod")
            ),
            "the HPA leaves out a pod whose sample has not every container's usage; what serves metrics.k8s.io, or the container runtime behind it, does not tell it",
        )
        .saw(
            format!("sample of Pod {}", first.name),
            match without {
                Some(container) => format!("container {} without {resource}", container.name),
                None => "no containers".to_owned(),
            },
            "LIST pods.metrics.k8s.io",
        );
    let api = case.cluster.resource_metrics_api.known();
    if let Some(service) = api.and_then(|api| api.service.as_ref()) {
        finding = finding.object("Service", &service.namespace, &service.name).saw(
            "metrics.k8s.io",
            format!("answered by Service {}/{}", service.namespace, service.name),
            "APIService",
        );
    }
    Some(
        see_samples(case, case.on_target(finding))
            .advice(
                "let what serves the API report every container, or put metrics-server in its place",
                "where it is metrics-server, the kubelet's /metrics/resource lacks the container too: see the container runtime",
            ),
    )
}

fn nodes_of<'a>(pods: &[&'a Pod]) -> Vec<&'a str> {
    let mut nodes: Vec<&str> = pods.iter().filter_map(|pod| pod.node.as_deref()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

fn see_node(finding: Finding, nodes: &[&str]) -> Finding {
    let words: Vec<String> = nodes.iter().take(3).map(|node| word(node)).collect();
    finding.fix(
        "see what is wrong with the node",
        format!("kubectl describe node {}", words.join(" ")),
        "reads only; its kubelet must answer metrics-server on its port",
    )
}

/// The pods are young, and so were those before them: for minutes the controller has found no sample of any pod.
fn replaced(case: &Case<'_>, oldest: i64, server_age: Option<i64>) -> Option<Finding> {
    let events = case.facts.events.known()?;
    let active = case.facts.hpa.condition("ScalingActive")?;
    let empty = events.iter().find(|event| event.message.contains(EMPTY))?;
    let (first, last) = (
        seconds_since(empty.first_seen?, case.now),
        seconds_since(empty.last_seen?, case.now),
    );
    let syncs = usize::try_from(empty.count).unwrap_or(0);
    // A pipeline that was young itself, or broken for a moment, is no matter of the pods.
    let now_too = active.status == "False" && active.message.contains(EMPTY) && last <= EVENT_DELAY_SECONDS;
    let long = first - last >= LONG_WITHOUT_SAMPLES_SECONDS && syncs >= MANY_SYNCS;
    if !now_too || !long || server_age.is_some_and(|age| age < first) {
        return None;
    }
    let label = case.target_label();
    Some(
        RULE.finding(
            Severity::Error,
            format!(
                "The pods of {label} do not live long enough to be measured: the oldest is {} old",
                span(oldest)
            ),
            "metrics-server needs two samples of each container, 15 s apart; something ends the pods before",
        )
        .at_most(Confidence::Likely)
        .saw(
            format!("the controller, {} in {}", count(syncs, "time"), span(first)),
            EMPTY,
            "events",
        )
        .fix(
            "see what ends them",
            format!(
                "kubectl get events -n {} --field-selector involvedObject.kind=Pod --sort-by=.lastTimestamp",
                case.namespace()
            ),
            "reads only; Killing names the kubelet's reason, nothing but Scheduled and Started a delete from outside",
        ),
    )
}

fn young(subject: &str, who: &str, age: i64) -> Finding {
    let left = span(FIRST_SAMPLES_SECONDS - age);
    let verb = if who == "the pods" { "are" } else { "is" };
    RULE.finding(
        Severity::Info,
        format!(
            "{subject} {verb} only {} old: the first samples are due within {left}",
            span(age)
        ),
        "metrics-server needs two samples of each container, 15 s apart",
    )
    .verdict(Verdict::Waiting)
}

fn missing(case: &Case<'_>, server: Option<&MetricsServer>, running: &[&Pod]) -> Finding {
    let nodes = nodes_of(running);
    let failure = server
        .and_then(|server| server.log.known())
        .and_then(|log| last_failure(log, &nodes));
    let namespace = server.map_or("kube-system", |server| &server.namespace);
    let name = server.map_or("metrics-server", |server| &server.name);
    let logs = format!(
        "kubectl logs deployment/{} -n {} --tail=50",
        word(name),
        word(namespace)
    );
    let who = match somebody_else(case) {
        Some(service) => format!("Service {}/{}", service.namespace, service.name),
        None => "metrics-server".to_owned(),
    };
    let subject = format!("{who} has no sample of {}", count(running.len(), "running pod"));
    if let Some((line, meaning)) = failure {
        let when = line
            .time
            .map_or_else(String::new, |time| format!(", {}", phrase::ago(time, case.now)));
        let log = server.and_then(|server| server.log.known());
        let failed = log
            .and_then(|log| only_node(log))
            .filter(|node| nodes.contains(node));
        let whom = failed.map_or_else(
            || "the kubelets".to_owned(),
            |node| format!("the kubelet of node {node}"),
        );
        let finding = RULE
            .finding(
                Severity::Error,
                format!("{subject}: it cannot read {whom}"),
                meaning,
            )
            .object("Deployment", namespace, name)
            .saw(
                format!("log of metrics-server{when}"),
                failure_text(&line.text),
                format!("pods/log of {}", line.pod),
            );
        let finding = match failed {
            Some(node) => see_node(finding.object("Node", "", node), &nodes),
            None => finding,
        };
        let finding = match server {
            Some(server) => by_address(finding, server, line),
            None => finding,
        };
        return finding.fix("see which nodes fail", logs, "reads only").advice(
            "open port 10250 of the nodes to metrics-server",
            "a rule of the firewall or the network",
        );
    }
    let finding = RULE
        .finding(
            Severity::Error,
            subject,
            "the API answers, and what it knows does not include these pods",
        )
        .at_most(Confidence::Likely);
    let finding = of_others(case, finding);
    if let Some(service) = somebody_else(case) {
        return by_somebody_else(case, finding, service);
    }
    let mut finding = finding.saw("nodes of the pods", phrase::list(&nodes), "spec.nodeName");
    for node in nodes.iter().take(3) {
        finding = finding.object("Node", "", node);
    }
    match server.and_then(|server| refused(&server.log)) {
        Some(unreadable) => finding.could_not_read(unreadable),
        None => finding,
    }
    .fix(
        "see whether these nodes are known",
        "kubectl top nodes",
        "reads only",
    )
    .fix("see what metrics-server says", logs, "reads only")
}

/// What serves the API, where that is not metrics-server, whatever a chart has put before or after its name.
fn somebody_else<'a>(case: &Case<'a>) -> Option<&'a ServiceReference> {
    let service = case.cluster.resource_metrics_api.known()?.service.as_ref()?;
    (!service.name.contains("metrics-server")).then_some(service)
}

/// The samples that there are, of pods that there are not.
fn of_others(case: &Case<'_>, finding: Finding) -> Finding {
    let samples = case.facts.pod_metrics.known().into_iter().flatten();
    let strange: Vec<&str> = samples
        .map(|sample| sample.name.as_str())
        .filter(|name| !case.pods().iter().any(|pod| pod.name == *name))
        .take(3)
        .collect();
    if strange.is_empty() {
        return finding;
    }
    finding.saw(
        "samples of pods that do not exist",
        phrase::list(&strange),
        "LIST pods.metrics.k8s.io",
    )
}

fn see_samples(case: &Case<'_>, finding: Finding) -> Finding {
    finding.fix(
        "see the samples as they are",
        format!(
            "kubectl get --raw /apis/metrics.k8s.io/v1beta1/namespaces/{}/pods",
            case.namespace()
        ),
        "reads only",
    )
}

fn by_somebody_else(case: &Case<'_>, finding: Finding, service: &ServiceReference) -> Finding {
    see_samples(case, finding.object("Service", &service.namespace, &service.name))
        .advice(
            "let what serves the API name its samples after the pods that run, or put metrics-server in its place",
            "the HPA takes a sample by the name of its pod",
        )
}
