//! The states of the metrics API: the sandbox's own metrics-server, brought into each of them for real.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{ListParams, LogParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::error::{Context, Error, Result};
use crate::objects::{apply, delete, wait_for_api_service};
use crate::wait::{Look, PATIENCE, until};

/// Where metrics-server is installed.
const NAMESPACE: &str = "kube-system";
const NAME: &str = "metrics-server";
const API_SERVICE: &str = "v1beta1.metrics.k8s.io";
const LABEL: &str = "k8s-app=metrics-server";

/// A port that may be bound without root.
const SERVICE_PORT: u16 = 4443;

/// The image of the sandbox's own copy.
const IMAGE: &str = "registry.k8s.io/metrics-server/metrics-server:v0.9.0";

/// The lowest resolution that metrics-server takes, and a request timeout that it requires to be shorter.
const FAST: [&str; 2] = ["--metric-resolution=10s", "--kubelet-request-timeout=5s"];

/// A state of the metrics API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricsServer {
    /// Nothing is installed: `metrics.k8s.io` is not a known API group.
    Absent,
    /// It runs with `--kubelet-insecure-tls`, is available and serves the usage of every node.
    Ready,
    /// It runs without `--kubelet-insecure-tls`, refuses the kubelets' certificates and is never ready:
    /// the `APIService` says `MissingEndpoints`, the pod's log says `x509`.
    RefusesKubeletCertificate,
    /// It is registered, its Deployment has 0 replicas: `MissingEndpoints`, and there is no log.
    Down,
    /// It ends at once because of a flag that it does not know: the pod is in a crash loop.
    Crashing,
}

/// Brings the cluster into a state and waits until it is true.
pub(crate) async fn set(client: &Client, state: MetricsServer) -> Result<()> {
    if state == MetricsServer::Absent {
        remove(client).await?;
        return wait_until_absent(client).await;
    }
    install(client, state).await?;
    match state {
        MetricsServer::Absent => Ok(()),
        MetricsServer::Ready => wait_until_ready(client).await,
        MetricsServer::RefusesKubeletCertificate => {
            wait_for_api_service(client, API_SERVICE, "False", "MissingEndpoints").await?;
            wait_for_pods(
                client,
                "a pod refuses the kubelets' certificates",
                refuses_certificate,
            )
            .await
        }
        MetricsServer::Down => {
            wait_for_api_service(client, API_SERVICE, "False", "MissingEndpoints").await?;
            wait_for_pods(client, "no pod of metrics-server is left", async |_, pods| {
                Ok(if pods.is_empty() {
                    Ok(())
                } else {
                    Err(format!("{} pods", pods.len()))
                })
            })
            .await
        }
        MetricsServer::Crashing => {
            wait_for_api_service(client, API_SERVICE, "False", "MissingEndpoints").await?;
            wait_for_pods(client, "a pod has restarted", async |_, pods| {
                let restarted = pods.len() == 1 && pods.iter().any(|pod| restarts(pod) > 0);
                Ok(if restarted {
                    Ok(())
                } else {
                    Err(format!("{} pods", pods.len()))
                })
            })
            .await
        }
    }
}

async fn install(client: &Client, state: MetricsServer) -> Result<()> {
    apply::<ServiceAccount>(
        client,
        Some(NAMESPACE),
        &json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(NAME),
        }),
    )
    .await?;
    for role in cluster_roles() {
        apply::<ClusterRole>(client, None, &role).await?;
    }
    for (name, role) in [
        ("metrics-server:system:auth-delegator", "system:auth-delegator"),
        ("system:metrics-server", "system:metrics-server"),
    ] {
        apply::<ClusterRoleBinding>(
            client,
            None,
            &binding("ClusterRoleBinding", name, "ClusterRole", role),
        )
        .await?;
    }
    let reader = binding(
        "RoleBinding",
        "metrics-server-auth-reader",
        "Role",
        "extension-apiserver-authentication-reader",
    );
    apply::<RoleBinding>(client, Some(NAMESPACE), &reader).await?;
    apply::<Service>(client, Some(NAMESPACE), &service()).await?;
    apply::<Deployment>(client, Some(NAMESPACE), &deployment(state)).await?;
    apply::<APIService>(client, None, &api_service()).await
}

fn metadata(name: &str) -> Value {
    json!({"name": name, "labels": {"k8s-app": "metrics-server"}})
}

fn cluster_roles() -> [Value; 2] {
    let mut reader = metadata("system:aggregated-metrics-reader");
    for role in ["admin", "edit", "view"] {
        reader["labels"][format!("rbac.authorization.k8s.io/aggregate-to-{role}")] = json!("true");
    }
    let role = |metadata: Value, rules: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules,
        })
    };
    let watch = json!(["get", "list", "watch"]);
    [
        role(
            reader,
            json!([{"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": watch}]),
        ),
        role(
            metadata("system:metrics-server"),
            json!([
                {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
                {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": watch},
            ]),
        ),
    ]
}

fn binding(kind: &str, name: &str, role_kind: &str, role: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata(name),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(NAME),
        "spec": {
            "selector": {"k8s-app": "metrics-server"},
            "ports": [{
                "name": "https", "port": SERVICE_PORT, "protocol": "TCP", "targetPort": "https", "appProtocol": "https",
            }],
        },
    })
}

fn deployment(state: MetricsServer) -> Value {
    let mut arguments = vec![
        "--cert-dir=/tmp",
        "--secure-port=10250",
        "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
        "--kubelet-use-node-status-port",
    ];
    arguments.extend(FAST);
    match state {
        MetricsServer::Absent | MetricsServer::RefusesKubeletCertificate => {}
        MetricsServer::Ready | MetricsServer::Down => arguments.push("--kubelet-insecure-tls"),
        MetricsServer::Crashing => arguments.push("--no-such-flag"),
    }
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "https", "scheme": "HTTPS"}, "periodSeconds": 10, "failureThreshold": 3});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(NAME),
        "spec": {
            "replicas": i32::from(state != MetricsServer::Down),
            "selector": {"matchLabels": {"k8s-app": "metrics-server"}},
            // One state follows another; none may live on in an old pod.
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": {"k8s-app": "metrics-server"}},
                "spec": {
                    "serviceAccountName": NAME,
                    "priorityClassName": "system-cluster-critical",
                    "nodeSelector": {"kubernetes.io/os": "linux"},
                    "containers": [{
                        "name": NAME,
                        "image": IMAGE,
                        "args": arguments,
                        "ports": [{"name": "https", "containerPort": 10250, "protocol": "TCP"}],
                        "readinessProbe": probe("/readyz"),
                        "livenessProbe": probe("/livez"),
                        "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}},
                    }],
                },
            },
        },
    })
}

fn api_service() -> Value {
    json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": metadata(API_SERVICE),
        "spec": {
            "group": "metrics.k8s.io", "version": "v1beta1",
            "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
            "service": {"name": NAME, "namespace": NAMESPACE, "port": SERVICE_PORT},
        },
    })
}

async fn remove(client: &Client) -> Result<()> {
    delete::<APIService>(client, None, API_SERVICE).await?;
    delete::<Deployment>(client, Some(NAMESPACE), NAME).await?;
    delete::<Service>(client, Some(NAMESPACE), NAME).await?;
    delete::<RoleBinding>(client, Some(NAMESPACE), "metrics-server-auth-reader").await?;
    delete::<ClusterRoleBinding>(client, None, "metrics-server:system:auth-delegator").await?;
    delete::<ClusterRoleBinding>(client, None, "system:metrics-server").await?;
    delete::<ClusterRole>(client, None, "system:aggregated-metrics-reader").await?;
    delete::<ClusterRole>(client, None, "system:metrics-server").await?;
    delete::<ServiceAccount>(client, Some(NAMESPACE), NAME).await
}

async fn wait_until_absent(client: &Client) -> Result<()> {
    wait_for_pods(client, "metrics-server is gone", async |client, pods| {
        if !pods.is_empty() {
            return Ok(Err(format!("{} pods", pods.len())));
        }
        let groups = client.list_api_groups().await.context("cannot list API groups")?;
        let served = groups.groups.iter().any(|group| group.name == "metrics.k8s.io");
        Ok(if served {
            Err("the API group is still listed".to_owned())
        } else {
            Ok(())
        })
    })
    .await
}

async fn wait_until_ready(client: &Client) -> Result<()> {
    wait_for_api_service(client, API_SERVICE, "True", "Passed").await?;
    until(
        "metrics.k8s.io is discovered",
        PATIENCE,
        Duration::from_millis(100),
        async || {
            let groups = client.list_api_groups().await.context("cannot list API groups")?;
            let served = groups.groups.iter().any(|group| group.name == "metrics.k8s.io");
            Ok(if served {
                Ok(())
            } else {
                Err("the API group is not listed".to_owned())
            })
        },
    )
    .await?;
    until(
        "metrics-server serves every node",
        PATIENCE,
        Duration::from_millis(200),
        async || {
            let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(client.clone());
            let nodes = nodes
                .list(&ListParams::default())
                .await
                .context("cannot list nodes")?
                .items
                .len();
            let request = http::Request::get("/apis/metrics.k8s.io/v1beta1/nodes").body(Vec::new());
            let request = request.map_err(|e| Error::Unexpected(e.to_string()))?;
            Ok(match client.request::<Value>(request).await {
                Ok(list) if list["items"].as_array().is_some_and(|items| items.len() == nodes) => Ok(()),
                Ok(list) => Err(list.to_string()),
                Err(error) => Err(error.to_string()),
            })
        },
    )
    .await
}

async fn wait_for_pods(
    client: &Client,
    what: &str,
    mut look: impl AsyncFnMut(&Client, &[Pod]) -> Result<Look<()>>,
) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    until(what, PATIENCE, Duration::from_millis(200), async || {
        let list = api
            .list(&ListParams::default().labels(LABEL))
            .await
            .context("cannot list pods")?;
        look(client, &list.items).await
    })
    .await
}

async fn refuses_certificate(client: &Client, pods: &[Pod]) -> Result<Look<()>> {
    let [pod] = pods else {
        return Ok(Err(format!("{} pods", pods.len())));
    };
    let api: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    Ok(match api.logs(&pod.name_any(), &LogParams::default()).await {
        Ok(log) if log.contains("failed to verify certificate: x509: ") => Ok(()),
        Ok(log) => Err(log.lines().last().unwrap_or("an empty log").to_owned()),
        Err(error) => Err(error.to_string()),
    })
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    statuses.map(|status| status.restart_count).sum()
}
