//! What a name means: a Service, or a Deployment and the Service that leads to its pods alone.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::ListParams;

use super::ports::{self, container_port, number, rest_argument, rest_port};
use super::{Unreachable, Wanted};
use crate::cluster::removal::why_foreign;
use crate::cluster::{Ask, Cluster, Error};
use crate::serving::{MANAGER, REST_PORT};

/// What is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The namespace.
    pub namespace: String,
    /// The name of the Service, or of the Deployment.
    pub name: String,
    /// What stands before the pods.
    pub backend: Backend,
    /// The pods, as a label selector; none where a Service selects none.
    pub selector: Option<String>,
    /// Why this program did not make it; none where it did.
    pub foreign: Option<String>,
    container_port: IntOrString,
}

/// What stands before the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backend {
    /// A Service.
    Service(Front),
    /// Nothing: the pods of a Deployment are reached one by one.
    Pods,
}

/// A Service, as far as it leads to its REST port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// `spec.type`.
    pub type_: String,
    /// The port.
    pub port: u16,
    /// Its node port.
    pub node_port: Option<u16>,
    /// Addresses of its load balancer.
    pub balancer: Vec<String>,
    /// Its `ClusterIP`.
    pub cluster_ip: Option<String>,
}

/// A ready pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadyPod {
    pub(super) name: String,
    pub(super) address: Option<String>,
    /// Its REST port.
    pub(super) port: Option<u16>,
}

impl Target {
    /// For example `Service tf-serving/image-classifier`.
    pub fn title(&self) -> String {
        let kind = match self.backend {
            Backend::Service(_) => "Service",
            Backend::Pods => "Deployment",
        };
        format!("{kind} {}/{}", self.namespace, self.name)
    }

    /// What to look at where nothing answers.
    pub(super) fn next_step(&self) -> String {
        self.selector.as_ref().map_or_else(String::new, |selector| {
            format!(
                "; look at its pods with `kubectl get pods -n {} -l '{selector}'`",
                self.namespace
            )
        })
    }

    /// The names of the pods that are ready and not about to end, or why there is none.
    ///
    /// # Errors
    /// The pods cannot be listed, or none is ready.
    pub async fn ready_pod_names(&self, cluster: &Cluster) -> Result<Vec<String>, String> {
        let pods = self.ready_pods(cluster).await?;
        Ok(pods.into_iter().map(|pod| pod.name).collect())
    }

    /// The pods that are ready and not about to end, or why there is none.
    pub(super) async fn ready_pods(&self, cluster: &Cluster) -> Result<Vec<ReadyPod>, String> {
        let Some(selector) = &self.selector else {
            return Err("the Service selects no pods".to_owned());
        };
        let pods = pods(cluster, &self.namespace, selector)
            .await
            .map_err(|error| error.to_string())?;
        if pods.is_empty() {
            return Err(format!("no pod has the labels {selector}"));
        }
        let ready: Vec<ReadyPod> = pods
            .iter()
            .filter(|pod| is_ready(pod))
            .map(|pod| ReadyPod {
                name: pod.metadata.name.clone().unwrap_or_default(),
                address: pod.status.as_ref().and_then(|status| status.pod_ip.clone()),
                port: container_port(pod, &self.container_port),
            })
            .collect();
        if ready.is_empty() {
            let states: Vec<String> = pods.iter().map(state).collect();
            return Err(format!("no pod is ready: {}", states.join("; ")));
        }
        Ok(ready)
    }
}

/// Finds it.
pub(super) async fn find(cluster: &Cluster, wanted: &Wanted<'_>) -> Result<Target, Unreachable> {
    let Wanted { namespace, name, .. } = *wanted;
    let services: Api<Service> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "services", namespace, name);
    if let Some(service) = optional(cluster.ask(ask, services.get(name)).await)? {
        return of_service(namespace, &service, wanted.port);
    }
    let deployments: Api<Deployment> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "deployments.apps", namespace, name);
    let deployment = optional(cluster.ask(ask, deployments.get(name)).await)?;
    let list = cluster
        .ask(
            Ask::list("services", Some(namespace)),
            services.list(&ListParams::default()),
        )
        .await;
    let Some(deployment) = deployment else {
        return Err(not_found(namespace, name, list.ok().map(|list| list.items)).into());
    };
    let own = of_deployment(namespace, &deployment, wanted.port);
    let Some(own_selector) = &own.selector else {
        return Ok(own);
    };
    let own_pods = names(&pods(cluster, namespace, own_selector).await?);
    // Without the right to list Services the pods can still be reached.
    for service in list.map(|list| list.items).unwrap_or_default() {
        let Ok(target) = of_service(namespace, &service, wanted.port) else {
            continue;
        };
        let Some(selector) = target
            .selector
            .as_ref()
            .filter(|_| selects(&service, &deployment))
        else {
            continue;
        };
        if names(&pods(cluster, namespace, selector).await?) == own_pods {
            return Ok(target);
        }
    }
    Ok(own)
}

fn optional<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn of_service(namespace: &str, service: &Service, wanted: Option<u16>) -> Result<Target, Unreachable> {
    let name = service.metadata.name.clone().unwrap_or_default();
    let spec = service.spec.clone().unwrap_or_default();
    let ports = spec.ports.unwrap_or_default();
    let Some(port) = rest_port(&ports, wanted) else {
        return Err(Unreachable::NoPort(ports::missing(
            namespace, &name, &ports, wanted,
        )));
    };
    let balancer = service
        .status
        .as_ref()
        .and_then(|status| status.load_balancer.as_ref())
        .and_then(|balancer| balancer.ingress.clone())
        .unwrap_or_default();
    Ok(Target {
        namespace: namespace.to_owned(),
        name,
        backend: Backend::Service(Front {
            type_: spec.type_.unwrap_or_default(),
            port: number(port.port).unwrap_or_default(),
            node_port: port.node_port.and_then(number),
            balancer: balancer
                .into_iter()
                .filter_map(|ingress| ingress.ip.or(ingress.hostname))
                .collect(),
            cluster_ip: spec
                .cluster_ip
                .filter(|address| !matches!(address.as_str(), "" | "None")),
        }),
        selector: spec
            .selector
            .filter(|labels| !labels.is_empty())
            .map(|labels| joined(&labels)),
        foreign: why_foreign(&service.metadata, MANAGER),
        container_port: port.target_port.clone().unwrap_or(IntOrString::Int(port.port)),
    })
}

fn of_deployment(namespace: &str, deployment: &Deployment, wanted: Option<u16>) -> Target {
    let spec = deployment.spec.clone().unwrap_or_default();
    let containers = spec.template.spec.map(|spec| spec.containers).unwrap_or_default();
    let port = wanted
        .or_else(|| containers.iter().find_map(rest_argument))
        .unwrap_or(REST_PORT);
    Target {
        namespace: namespace.to_owned(),
        name: deployment.metadata.name.clone().unwrap_or_default(),
        backend: Backend::Pods,
        selector: selector_text(&spec.selector),
        foreign: why_foreign(&deployment.metadata, MANAGER),
        container_port: IntOrString::Int(i32::from(port)),
    }
}

fn not_found(namespace: &str, name: &str, services: Option<Vec<Service>>) -> Error {
    let known: Vec<String> = services
        .into_iter()
        .flatten()
        .filter(|service| of_service(namespace, service, None).is_ok())
        .filter_map(|service| service.metadata.name)
        .collect();
    let known = if known.is_empty() {
        format!("no Service in namespace {namespace} has a REST port; look in another one with `-n`")
    } else {
        format!("Services with a REST port there: {}", known.join(", "))
    };
    Error::Request {
        what: format!("cannot reach {namespace}/{name}"),
        why: format!("there is neither a Service nor a Deployment of that name; {known}"),
        status: Some(404),
    }
}

async fn pods(cluster: &Cluster, namespace: &str, selector: &str) -> Result<Vec<Pod>, Error> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let list = cluster
        .ask(
            Ask::list("pods", Some(namespace)),
            pods.list(&ListParams::default().labels(selector)),
        )
        .await?;
    Ok(list.items)
}

fn names(pods: &[Pod]) -> Vec<Option<String>> {
    let mut names: Vec<_> = pods.iter().map(|pod| pod.metadata.name.clone()).collect();
    names.sort();
    names
}

fn selects(service: &Service, deployment: &Deployment) -> bool {
    let labels = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.template.metadata.as_ref())
        .and_then(|metadata| metadata.labels.as_ref());
    let wanted = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    wanted.is_some_and(|wanted| {
        wanted
            .iter()
            .all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    })
}

fn is_ready(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none()
        && pod
            .status
            .iter()
            .flat_map(|status| status.conditions.iter().flatten())
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// What a pod does instead of being ready.
fn state(pod: &Pod) -> String {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    if pod.metadata.deletion_timestamp.is_some() {
        return format!("pod {name} is ending");
    }
    let status = pod.status.clone().unwrap_or_default();
    let waiting = status
        .container_statuses
        .into_iter()
        .flatten()
        .find_map(|container| container.state?.waiting?.reason);
    let phase = status.phase.unwrap_or_default();
    match waiting {
        Some(reason) => format!("pod {name} is {phase} ({reason})"),
        None if phase == "Running" => {
            format!("pod {name} is Running and not ready: its model may still be loading")
        }
        None => format!("pod {name} is {phase}"),
    }
}

fn joined(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}

fn selector_text(selector: &LabelSelector) -> Option<String> {
    let mut parts: Vec<String> = selector
        .match_labels
        .iter()
        .flatten()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    for term in selector.match_expressions.iter().flatten() {
        let values = term.values.clone().unwrap_or_default().join(",");
        parts.push(match term.operator.as_str() {
            "In" => format!("{} in ({values})", term.key),
            "NotIn" => format!("{} notin ({values})", term.key),
            "Exists" => term.key.clone(),
            _ => format!("!{}", term.key),
        });
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service(ports: &Value) -> Service {
        serde_json::from_value(json!({"metadata": {"name": "m"}, "spec": {"type": "ClusterIP",
            "clusterIP": "10.0.0.7", "selector": {"app": "m"}, "ports": ports}}))
        .unwrap()
    }

    #[test]
    fn a_pod_says_why_it_is_not_ready() {
        let said = |status: &Value| {
            state(&serde_json::from_value(json!({"metadata": {"name": "m-1"}, "status": status})).unwrap())
        };
        insta::assert_snapshot!(said(&json!({"phase": "Running"})), @"pod m-1 is Running and not ready: its model may still be loading");
        insta::assert_snapshot!(said(&json!({"phase": "Pending", "containerStatuses": [{"name": "c", "image": "i", "imageID": "",
            "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}}]})), @"pod m-1 is Pending (ImagePullBackOff)");
        insta::assert_snapshot!(said(&json!({"phase": "Pending"})), @"pod m-1 is Pending");
    }

    #[test]
    fn a_name_that_nothing_has() {
        let known = vec![service(&json!([{"port": 8501}]))];
        insta::assert_snapshot!(not_found("n", "x", Some(known)), @"cannot reach n/x: there is neither a Service nor a Deployment of that name; Services with a REST port there: m");
        insta::assert_snapshot!(not_found("n", "x", None), @"cannot reach n/x: there is neither a Service nor a Deployment of that name; no Service in namespace n has a REST port; look in another one with `-n`");
    }

    #[test]
    fn the_port_of_a_deployment_is_its_argument() {
        let deployment: Deployment = serde_json::from_value(json!({"metadata": {"name": "m"}, "spec": {
            "selector": {"matchLabels": {"app": "m"}, "matchExpressions": [{"key": "v", "operator": "In", "values": ["1", "2"]}]},
            "template": {"spec": {"containers": [{"name": "c", "args": ["--port=1", "--rest_api_port=9001"]}]}}}}))
        .unwrap();
        let target = of_deployment("n", &deployment, None);
        assert_eq!(target.container_port, IntOrString::Int(9001));
        assert_eq!(target.selector.as_deref(), Some("app=m,v in (1,2)"));
        assert_eq!(target.title(), "Deployment n/m");
    }
}
