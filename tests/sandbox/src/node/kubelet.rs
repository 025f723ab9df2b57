//! The kubelet: its configuration and its start.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node as KubernetesNode;
use kube::Api;
use serde_json::json;

use super::isolation::ADDRESS;
use super::{Cgroups, Disk, Isolation, NODE, Parts, containerd};
use crate::control_plane::{ControlPlane, Layout};
use crate::error::{Context, Result};
use crate::kubeconfig;
use crate::process::{Process, ProcessGroup};
use crate::wait::until;

/// Starts the kubelet. Nobody gives it a serving certificate, so it signs its own, as most installers leave it.
pub(super) fn start(
    isolation: &Isolation,
    parts: &Parts,
    cgroups: &Cgroups,
    control_plane: &ControlPlane,
    group: &ProcessGroup,
    layout: &Layout,
    disk: &Disk,
) -> Result<Arc<Process>> {
    let user = format!("system:node:{NODE}");
    let identity = control_plane.authority.client(&user, &["system:nodes"])?;
    let kubeconfig = layout.kubeconfig("kubelet");
    kubeconfig::write_for_identity(&kubeconfig, &control_plane.endpoint, &user, &identity)?;
    let runtime = format!("unix://{}", containerd::socket(layout).display());
    let configuration = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": layout.pki().join("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups.path(),
        "containerRuntimeEndpoint": runtime,
        "failCgroupV1": false,
        "failSwapOn": false,
        "localStorageCapacityIsolation": disk.is_measured(),
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "resolvConf": "",
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "nodeStatusUpdateFrequency": "5s",
        "volumePluginDir": layout.root.join("volume-plugins"),
    });
    let file = layout.root.join("kubelet.json");
    fs::write(&file, configuration.to_string()).context(format!("cannot write {}", file.display()))?;
    let mut command = isolation.inside(&parts.kubernetes("kubelet"));
    command
        .arg(format!("--config={}", file.display()))
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!("--root-dir={}", disk.directory().display()))
        .arg(format!(
            "--cert-dir={}",
            layout.root.join("kubelet-pki").display()
        ))
        .arg(format!("--hostname-override={NODE}"))
        .arg(format!("--node-ip={ADDRESS}"));
    Ok(Arc::new(group.spawn(
        "kubelet",
        &mut command,
        &layout.log("kubelet"),
    )?))
}

/// Waits until the node says that it is Ready; a part that ends meanwhile is the error.
pub(super) async fn wait_until_ready(client: &kube::Client, processes: &[Arc<Process>]) -> Result<()> {
    let nodes: Api<KubernetesNode> = Api::all(client.clone());
    until(
        "the node is Ready",
        Duration::from_secs(60),
        Duration::from_millis(100),
        async || {
            for process in processes {
                process.check()?;
            }
            let Some(node) = nodes.get_opt(NODE).await.context("cannot read the node")? else {
                return Ok(Err("the node is not there".to_owned()));
            };
            let conditions = node
                .status
                .and_then(|status| status.conditions)
                .unwrap_or_default();
            let ready = conditions
                .into_iter()
                .find(|condition| condition.type_ == "Ready");
            Ok(match ready {
                Some(condition) if condition.status == "True" => Ok(()),
                Some(condition) => Err(condition.message.unwrap_or_default()),
                None => Err("no condition Ready".to_owned()),
            })
        },
    )
    .await
}
