//! Nodes whose pods run at once: kwok in the place of the kubelets.

mod resources;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Node;
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

pub(crate) use resources::{Forward, Log};

use crate::certificates::{self, write_identity, write_private};
use crate::components::Components;
use crate::control_plane::Layout;
use crate::error::{Context, Error, Result};
use crate::kubeconfig;
use crate::loopback::free_ports;
use crate::node::{ADDRESS, Isolation};
use crate::options::{KubeletCertificate, Options};
use crate::process::{Process, ProcessGroup};
use crate::wait::{PATIENCE, until};

/// The stages, metrics and usages.
const CONFIG: &str = include_str!("config.yaml");

/// Nodes with this annotation are kwok's.
const NODE_ANNOTATION: &str = "kwok.x-k8s.io/node";

/// The key of the taint `NoSchedule` of simulated nodes that stand beside a real one.
pub const SIMULATED_TAINT: &str = "kwok.x-k8s.io/node";

/// The name of the pods that are on every node.
const AGENT: &str = "sandbox-agent";

/// The address of every node: their kubelets share one server on loopback.
pub(crate) const NODE_ADDRESS: &str = "127.0.0.1";

/// Pod addresses come from the range for benchmarks, which no network routes. Nothing ever dials them.
const POD_RANGE: &str = "198.18.0.0/16";

/// What pods say in `kubectl logs` unless a test gives them another log.
const DEFAULT_LOG: &str = "2026-01-01T00:00:00Z stdout F this pod is simulated and has no output\n";

/// Where the simulated nodes are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Site<'a> {
    /// Alone, on loopback.
    Alone,
    /// In the network of a real node, where the API server is then.
    Beside(&'a Isolation),
}

impl Site<'_> {
    fn address(self) -> &'static str {
        match self {
            Self::Alone => NODE_ADDRESS,
            // Pods reach it, metrics-server's among them.
            Self::Beside(_) => ADDRESS,
        }
    }

    fn nodes(self, options: &Options) -> usize {
        match self {
            Self::Alone => options.nodes,
            Self::Beside(_) => options.simulated_beside,
        }
    }
}

/// Starts kwok, creates the nodes and waits until they are Ready.
pub(crate) async fn start(
    options: &Options,
    site: Site<'_>,
    components: &Components,
    group: &ProcessGroup,
    layout: &Layout,
    client: &kube::Client,
) -> Result<Kwok> {
    resources::install(client).await?;
    let [port] = free_ports()?;
    let names: &[&str] = match options.kubelet_certificate {
        KubeletCertificate::HostNameOnly => &["sandbox-node"],
        KubeletCertificate::WithAddress => &["sandbox-node", NODE_ADDRESS],
    };
    let kubelet = certificates::self_signed("sandbox-node", names)?;
    let (certificate, key) = write_identity(&layout.pki(), "kubelet", &kubelet)?;
    let config = layout.root.join("kwok.yaml");
    write_private(&config, &config_text(layout)?)?;
    let address = site.address();
    let mut command = match site {
        Site::Alone => Command::new(components.kwok()),
        Site::Beside(isolation) => isolation.in_network(components.kwok()),
    };
    command
        .arg(format!("--config={}", config.display()))
        .arg(format!("--kubeconfig={}", layout.kubeconfig("kwok").display()))
        .arg(format!(
            "--manage-nodes-with-annotation-selector={NODE_ANNOTATION}=fake"
        ))
        .arg(format!("--cidr={POD_RANGE}"))
        .arg(format!("--node-ip={address}"))
        .arg(format!("--node-port={port}"))
        .arg(format!("--server-address={address}:{port}"))
        .arg(format!("--tls-cert-file={}", certificate.display()))
        .arg(format!("--tls-private-key-file={}", key.display()))
        .arg(format!("--enable-crds={}", resources::KINDS.join(",")))
        // kwok would read and write the user's own files there.
        .env("HOME", &layout.root);
    let process = Arc::new(group.spawn("kwok", &mut command, &layout.log("kwok"))?);
    let nodes: Api<Node> = Api::all(client.clone());
    for number in 1..=site.nodes(options) {
        let node = node(&node_name(number), options, site, port)?;
        nodes
            .create(&PostParams::default(), &node)
            .await
            .context("cannot create a node")?;
    }
    if matches!(site, Site::Alone) {
        let agents: Api<DaemonSet> = Api::namespaced(client.clone(), "kube-system");
        agents
            .create(&PostParams::default(), &agent()?)
            .await
            .context("cannot create the agents")?;
    }
    wait_until_ready(client, &process, site.nodes(options)).await?;
    Ok(Kwok { process, port })
}

/// kwok at work.
#[derive(Debug)]
pub(crate) struct Kwok {
    /// Its process.
    pub(crate) process: Arc<Process>,
    port: u16,
}

impl Kwok {
    /// Waits until every node tells of its agent: usage is counted from the first time that somebody asks.
    pub(crate) async fn wait_for_metrics(&self, nodes: usize) -> Result<()> {
        let client = kubeconfig::unverified_client(&format!("https://{NODE_ADDRESS}:{}", self.port))?;
        let what = "every node has metrics of a pod";
        until(what, PATIENCE, Duration::from_millis(50), async || {
            self.process.check()?;
            for name in (1..=nodes).map(node_name) {
                let request = http::Request::get(metrics_path(&name)).body(Vec::new());
                let request = request.map_err(|e| Error::Unexpected(e.to_string()))?;
                match client.request_text(request).await {
                    Ok(text) if text.contains(AGENT) => {}
                    Ok(_) => return Ok(Err(format!("{name} has none"))),
                    Err(error) => return Ok(Err(format!("{name}: {error}"))),
                }
            }
            Ok(Ok(()))
        })
        .await
    }
}

/// A pod on every node, as any cluster has some: without one metrics-server would have nothing to tell,
/// and would become ready one interval later, because it meets its own pod only at its second look.
fn agent() -> Result<DaemonSet> {
    let agent = json!({
        "metadata": {"name": AGENT},
        "spec": {
            "selector": {"matchLabels": {"app": AGENT}},
            "template": {
                "metadata": {"labels": {"app": AGENT}},
                "spec": {
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": "agent", "image": AGENT}],
                },
            },
        },
    });
    serde_json::from_value(agent)
        .map_err(|e| Error::Unexpected(format!("a daemon set does not fit its type: {e}")))
}

fn node_name(number: usize) -> String {
    format!("sandbox-node-{number}")
}

fn metrics_path(node: &str) -> String {
    format!("/metrics/nodes/{node}/metrics/resource")
}

/// Waits until every simulated node is Ready.
async fn wait_until_ready(client: &kube::Client, process: &Process, nodes: usize) -> Result<()> {
    let api: Api<Node> = Api::all(client.clone());
    until(
        "all nodes are Ready",
        PATIENCE,
        Duration::from_millis(50),
        async || {
            process.check()?;
            let list = api
                .list(&ListParams::default())
                .await
                .context("cannot list nodes")?;
            let simulated = |node: &&Node| node.annotations().contains_key(NODE_ANNOTATION);
            let ready = list
                .items
                .iter()
                .filter(simulated)
                .filter(|node| is_ready(node))
                .count();
            Ok(if ready == nodes {
                Ok(())
            } else {
                Err(format!("{ready} of {nodes}"))
            })
        },
    )
    .await
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    let tainted = taints.into_iter().flatten().any(|it| it.key != SIMULATED_TAINT);
    !tainted
        && conditions
            .into_iter()
            .flatten()
            .any(|c| c.type_ == "Ready" && c.status == "True")
}

fn config_text(layout: &Layout) -> Result<String> {
    let log = layout.root.join("logs").join("simulated-pod.log");
    std::fs::write(&log, DEFAULT_LOG).context(format!("cannot write {}", log.display()))?;
    let logs = json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "default"},
        "spec": {"logs": [{"logsFile": log, "previousLogsFile": log}]},
    });
    Ok(format!("{CONFIG}---\n{logs}\n"))
}

fn node(name: &str, options: &Options, site: Site<'_>, port: u16) -> Result<Node> {
    let taints = match site {
        Site::Alone => json!([]),
        Site::Beside(_) => json!([{"key": SIMULATED_TAINT, "value": "fake", "effect": "NoSchedule"}]),
    };
    let resources = json!({"cpu": options.node_cpu, "memory": options.node_memory, "pods": "250"});
    let node = json!({
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
            },
            "annotations": {
                NODE_ANNOTATION: "fake",
                "metrics.k8s.io/resource-metrics-path": metrics_path(name),
            },
        },
        "spec": {"taints": taints},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": site.address()},
                {"type": "Hostname", "address": name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "capacity": resources,
            "allocatable": resources,
            "nodeInfo": {
                "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "kwok://0.8.0",
                "kernelVersion": "", "kubeProxyVersion": "", "kubeletVersion": "v1.37.2", "machineID": "",
                "operatingSystem": "linux", "osImage": "tfserve-sandbox", "systemUUID": "",
            },
        },
    });
    serde_json::from_value(node).map_err(|e| Error::Unexpected(format!("a node does not fit its type: {e}")))
}

/// The path of a log as kwok wants it.
pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}
