//! What answers behind the resource metrics API, asked only when it does not deliver.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::{ListParams, LogParams};

use super::budget::{Budget, left_out};
use super::fact;
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{ApiService, Fact, HpaFacts, LogLine, MetricsServer, ServiceReference};

/// The name that every distribution gives the Deployment.
const USUAL_NAME: &str = "metrics-server";
/// The label that its own manifests give its pods.
const USUAL_LABEL: &str = "k8s-app";
/// The Service, its pods and a log.
const FULL_COST: usize = 3;
/// Without one of them.
pub(super) const SHORT_COST: usize = 2;
/// A Deployment, and its Service where there is one.
const UNREGISTERED_COST: usize = 2;
/// How many lines of the log are asked for.
const LOG_TAIL: i64 = 200;
/// How many bytes of the log are asked for.
const LOG_BYTES: i64 = 256 * 1024;
/// How many telling lines are kept.
const LINES_KEPT: usize = 40;
/// What metrics-server writes when a kubelet or a probe fails (`pkg/scraper`, `pkg/server`, v0.8).
const TELLING: [&str; 9] = [
    "Failed ",
    "failed ",
    "err=",
    "Unable to",
    "x509:",
    "Error: ",
    "error: ",
    "panic: ",
    "unable to ",
];

/// Looks behind the resource metrics API where an HPA needs it and it does not deliver.
pub(super) async fn metrics_server(
    cluster: &Cluster,
    api: &Fact<ApiService>,
    hpas: &[HpaFacts],
    budget: &Budget,
) -> Fact<MetricsServer> {
    let cost = cost(api, hpas);
    if cost == 0 {
        return Fact::default();
    }
    let left = budget.left(cluster);
    match api {
        // Something else answers: whether metrics-server is anywhere decides how to repair it.
        Fact::Known(api) if left >= cost && is_another(api) => usual_installation(cluster).await,
        Fact::Known(ApiService {
            service: Some(service),
            ..
        }) if left >= cost => behind_service(cluster, service).await,
        Fact::Known(ApiService {
            service: Some(service),
            ..
        }) if left == SHORT_COST => by_usual_label(cluster, service).await,
        Fact::Known(ApiService {
            service: Some(service),
            ..
        }) => Fact::NotReadable(budget.left_out(format!(
            "the pods of Service {}/{}",
            service.namespace, service.name
        ))),
        Fact::Absent if left >= cost => usual_installation(cluster).await,
        Fact::Absent if left > 0 => usual_deployment(cluster).await,
        Fact::Absent => Fact::NotReadable(budget.left_out(format!("Deployment {USUAL_NAME}"))),
        Fact::Known(_) | Fact::NotReadable(_) => Fact::default(),
    }
}

/// Whether what answers does not know the API at all.
fn is_another(api: &ApiService) -> bool {
    api.available.as_ref().is_some_and(|condition| {
        condition.reason == "FailedDiscoveryCheck" && condition.message.ends_with(": 404")
    })
}

/// How many requests it takes to look behind the API; 0 where there is no reason to.
pub(super) fn cost(api: &Fact<ApiService>, hpas: &[HpaFacts]) -> usize {
    let needed = hpas
        .iter()
        .any(|facts| needs_resource_metrics(facts) && !delivers(api, facts));
    match api {
        _ if !needed => 0,
        Fact::Known(ApiService { service: Some(_), .. }) => FULL_COST,
        Fact::Absent => UNREGISTERED_COST,
        Fact::Known(_) | Fact::NotReadable(_) => 0,
    }
}

fn needs_resource_metrics(facts: &HpaFacts) -> bool {
    facts
        .hpa
        .metrics
        .iter()
        .any(|metric| matches!(metric.type_.as_str(), "Resource" | "ContainerResource"))
}

/// Whether every running pod has a sample.
fn delivers(api: &Fact<ApiService>, facts: &HpaFacts) -> bool {
    let available = match api {
        Fact::Known(api) => api
            .available
            .as_ref()
            .is_none_or(|condition| condition.status == "True"),
        Fact::Absent => false,
        Fact::NotReadable(_) => true,
    };
    if facts.target.is_absent() || facts.scale.is_absent() {
        return true;
    }
    let (Fact::Known(pods), Fact::Known(samples)) = (&facts.pods, &facts.pod_metrics) else {
        // Without pods there is nothing to deliver; without an answer, nothing was delivered.
        return available && facts.pods.known().is_none();
    };
    available
        && pods
            .iter()
            .filter(|pod| pod.phase == "Running" && pod.deleted_at.is_none())
            .all(|pod| samples.iter().any(|sample| sample.name == pod.name))
}

/// The Deployment that would serve the API if it were registered.
async fn usual_deployment(cluster: &Cluster) -> Fact<MetricsServer> {
    let api: Api<Deployment> = Api::all(cluster.client.clone());
    let ask = Ask::list("deployments.apps", None);
    let params = ListParams::default().fields(&format!("metadata.name={USUAL_NAME}"));
    match cluster.ask(ask, api.list(&params)).await {
        Ok(list) => list
            .items
            .first()
            .map_or(Fact::Absent, |found| Fact::Known(from_deployment(found))),
        Err(error) => fact(&ask, Err(error)),
    }
}

/// The same, with the ports of the Service that would lead to it.
async fn usual_installation(cluster: &Cluster) -> Fact<MetricsServer> {
    let mut found = usual_deployment(cluster).await;
    if let Fact::Known(server) = &mut found {
        let api: Api<v1::Service> = Api::namespaced(cluster.client.clone(), &server.namespace);
        let ask = Ask::object("get", "services", &server.namespace, USUAL_NAME);
        // Without a Service there is no port to name.
        if let Ok(service) = cluster.ask(ask, api.get(USUAL_NAME)).await {
            server.service_ports = ports(&service);
            server.target_ports = target_ports(&service);
        }
    }
    found
}

fn ports(service: &v1::Service) -> Vec<i32> {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    ports.map(|port| port.port).collect()
}

/// Where a Service sends to: its own port, where it does not say.
fn target_ports(service: &v1::Service) -> Vec<String> {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    ports
        .map(|port| match &port.target_port {
            Some(IntOrString::Int(number)) => number.to_string(),
            Some(IntOrString::String(name)) => name.clone(),
            None => port.port.to_string(),
        })
        .collect()
}

/// The names and numbers of the main container's ports.
fn container_ports(spec: &v1::PodSpec) -> Vec<String> {
    let ports = main_container(spec).and_then(|container| container.ports.as_ref());
    ports
        .into_iter()
        .flatten()
        .flat_map(|port| {
            port.name
                .clone()
                .into_iter()
                .chain([port.container_port.to_string()])
        })
        .collect()
}

fn from_deployment(deployment: &Deployment) -> MetricsServer {
    let spec = deployment.spec.as_ref();
    let pod_spec = spec.and_then(|spec| spec.template.spec.as_ref());
    MetricsServer {
        namespace: deployment.metadata.namespace.clone().unwrap_or_default(),
        name: deployment.metadata.name.clone().unwrap_or_default(),
        replicas: spec.map(|spec| spec.replicas.unwrap_or(1)),
        ready_replicas: deployment
            .status
            .as_ref()
            .map(|it| it.ready_replicas.unwrap_or(0)),
        selector: spec
            .and_then(|spec| spec.selector.match_labels.clone())
            .unwrap_or_default(),
        service_account: pod_spec.and_then(|spec| spec.service_account_name.clone()),
        args: pod_spec.map(args).unwrap_or_default(),
        container_ports: pod_spec.map(container_ports).unwrap_or_default(),
        creation_refused: deployment
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten())
            .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
            .and_then(|condition| condition.message.clone()),
        ..MetricsServer::default()
    }
}

/// Service, its pods, and the log of the newest one; the Deployment where there are no pods.
async fn behind_service(cluster: &Cluster, reference: &ServiceReference) -> Fact<MetricsServer> {
    match behind(cluster, reference, true).await {
        // Whether metrics-server is gone too decides how to repair it.
        Fact::Absent => usual_installation(cluster).await,
        found => found,
    }
}

/// What a Service leads to: its pods, and in `full` one request more, the log of the newest one or, where there are no pods,
/// the Deployment of that name. Absent where there is no such Service.
pub(super) async fn behind(
    cluster: &Cluster,
    reference: &ServiceReference,
    full: bool,
) -> Fact<MetricsServer> {
    let ask = Ask::object("get", "services", &reference.namespace, &reference.name);
    let api: Api<v1::Service> = Api::namespaced(cluster.client.clone(), &reference.namespace);
    let service = match cluster.ask(ask, api.get(&reference.name)).await {
        Ok(service) => service,
        Err(error) => return fact(&ask, Err(error)),
    };
    let service_ports = ports(&service);
    let target_ports = target_ports(&service);
    let selector = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
    let selector: Vec<_> = selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let ask = Ask::list("pods", Some(&reference.namespace));
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), &reference.namespace);
    let pods = match selector.as_slice() {
        // A Service without a selector has endpoints written by hand; all pods would be the wrong ones.
        [] => Vec::new(),
        labels => match cluster
            .ask(ask, api.list(&ListParams::default().labels(&labels.join(","))))
            .await
        {
            Ok(list) => list.items,
            Err(error) => return fact(&ask, Err(error)),
        },
    };
    let server = match newest(&pods) {
        Some(pod) => from_pods(cluster, reference, &pods, pod, full).await,
        None if full => without_pods(cluster, reference).await,
        None => of_service(reference),
    };
    Fact::Known(MetricsServer {
        service_ports,
        target_ports,
        ..server
    })
}

/// The same with a request less: the Service is not asked for its selector. Where the label finds nothing, nothing
/// is known.
async fn by_usual_label(cluster: &Cluster, reference: &ServiceReference) -> Fact<MetricsServer> {
    let ask = Ask::list("pods", Some(&reference.namespace));
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), &reference.namespace);
    let label = format!("{USUAL_LABEL}={}", reference.name);
    let pods = match cluster
        .ask(ask, api.list(&ListParams::default().labels(&label)))
        .await
    {
        Ok(list) => list.items,
        Err(error) => return fact(&ask, Err(error)),
    };
    match newest(&pods) {
        Some(pod) => Fact::Known(from_pods(cluster, reference, &pods, pod, true).await),
        None => Fact::NotReadable(left_out(format!(
            "the pods of Service {}/{}",
            reference.namespace, reference.name
        ))),
    }
}

fn newest(pods: &[v1::Pod]) -> Option<&v1::Pod> {
    pods.iter()
        .max_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

async fn from_pods(
    cluster: &Cluster,
    reference: &ServiceReference,
    pods: &[v1::Pod],
    newest: &v1::Pod,
    with_log: bool,
) -> MetricsServer {
    let log = if with_log {
        log(cluster, &reference.namespace, newest).await
    } else {
        Fact::default()
    };
    MetricsServer {
        namespace: reference.namespace.clone(),
        name: deployment_of(newest).unwrap_or_else(|| reference.name.clone()),
        service_account: newest
            .spec
            .as_ref()
            .and_then(|spec| spec.service_account_name.clone()),
        pods: pods.iter().map(convert::pod).collect(),
        args: newest.spec.as_ref().map(args).unwrap_or_default(),
        container_ports: newest.spec.as_ref().map(container_ports).unwrap_or_default(),
        log,
        ..MetricsServer::default()
    }
}

async fn without_pods(cluster: &Cluster, reference: &ServiceReference) -> MetricsServer {
    let api: Api<Deployment> = Api::namespaced(cluster.client.clone(), &reference.namespace);
    let ask = Ask::object("get", "deployments.apps", &reference.namespace, &reference.name);
    match cluster.ask(ask, api.get(&reference.name)).await {
        Ok(deployment) => from_deployment(&deployment),
        Err(_) => of_service(reference),
    }
}

/// Nothing is known but the Service.
fn of_service(reference: &ServiceReference) -> MetricsServer {
    MetricsServer {
        namespace: reference.namespace.clone(),
        name: reference.name.clone(),
        ..MetricsServer::default()
    }
}

/// The Deployment behind a pod, by the name of its `ReplicaSet`.
fn deployment_of(pod: &v1::Pod) -> Option<String> {
    let owner = convert::controller(&pod.metadata).filter(|owner| owner.kind == "ReplicaSet")?;
    let hash = pod.metadata.labels.as_ref()?.get("pod-template-hash")?;
    Some(owner.name.strip_suffix(hash)?.strip_suffix('-')?.to_owned())
}

/// `command` and `args` of the container called metrics-server, else of the first one.
fn args(spec: &v1::PodSpec) -> Vec<String> {
    main_container(spec)
        .map(|container| {
            container
                .command
                .iter()
                .chain(&container.args)
                .flatten()
                .cloned()
                .collect()
        })
        .unwrap_or_default()
}

fn main_container(spec: &v1::PodSpec) -> Option<&v1::Container> {
    spec.containers
        .iter()
        .find(|container| container.name == USUAL_NAME)
        .or_else(|| spec.containers.first())
}

async fn log(cluster: &Cluster, namespace: &str, pod: &v1::Pod) -> Fact<Vec<LogLine>> {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "pods/log", namespace, &name);
    let params = LogParams {
        container: pod
            .spec
            .as_ref()
            .and_then(main_container)
            .map(|container| container.name.clone()),
        tail_lines: Some(LOG_TAIL),
        limit_bytes: Some(LOG_BYTES),
        timestamps: true,
        ..LogParams::default()
    };
    let text: Result<String, Error> = cluster.ask(ask, api.logs(&name, &params)).await;
    fact(&ask, text.map(|text| telling_lines(&name, &text)))
}

/// The last lines that tell of a failure, without the kubelet's timestamp in front.
fn telling_lines(pod: &str, log: &str) -> Vec<LogLine> {
    let mut lines: Vec<LogLine> = log
        .lines()
        .rev()
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .filter(|(_, text)| TELLING.iter().any(|part| text.contains(part)))
        .take(LINES_KEPT)
        .map(|(time, text)| LogLine {
            pod: pod.to_owned(),
            time: time.parse().ok(),
            text: text.to_owned(),
        })
        .collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::telling_lines;

    #[test]
    fn only_failures_are_kept_in_order() {
        let log = "2026-01-02T03:04:05.123456789Z I0102 serving securely on [::]:10250\n\
                   2026-01-02T03:04:06Z E0102 \"Failed to scrape node\" err=\"x509: cannot validate\" node=\"a\"\n\
                   2026-01-02T03:04:07Z I0102 \"Failed probe\" probe=\"metric-storage-ready\"\n";
        let lines = telling_lines("metrics-server-1", log);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].text.starts_with("E0102 \"Failed to scrape node\""));
        assert!(lines[1].text.contains("metric-storage-ready"));
        assert!(lines[0].time < lines[1].time && lines[0].time.is_some());
    }
}
