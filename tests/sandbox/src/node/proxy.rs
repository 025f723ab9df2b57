//! kube-proxy: with it the addresses of Services answer.

use std::fs;
use std::sync::Arc;

use serde_json::json;

use super::containerd::PODS;
use super::{Isolation, NODE, Parts};
use crate::control_plane::{ControlPlane, Layout};
use crate::error::{Context, Result};
use crate::kubeconfig;
use crate::process::{Process, ProcessGroup};

/// Starts kube-proxy.
pub(super) fn start(
    isolation: &Isolation,
    parts: &Parts,
    control_plane: &ControlPlane,
    group: &ProcessGroup,
    layout: &Layout,
) -> Result<Arc<Process>> {
    let user = "system:kube-proxy";
    let identity = control_plane.authority.client(user, &[])?;
    let kubeconfig = layout.kubeconfig("kube-proxy");
    kubeconfig::write_for_identity(&kubeconfig, &control_plane.endpoint, user, &identity)?;
    let configuration = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": kubeconfig},
        "clusterCIDR": PODS,
        // Otherwise it sets limits of the whole machine.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "hostnameOverride": NODE,
        "mode": "iptables",
    });
    let file = layout.root.join("kube-proxy.json");
    fs::write(&file, configuration.to_string()).context(format!("cannot write {}", file.display()))?;
    let mut command = isolation.inside(&parts.kubernetes("kube-proxy"));
    command.arg(format!("--config={}", file.display()));
    Ok(Arc::new(group.spawn(
        "kube-proxy",
        &mut command,
        &layout.log("kube-proxy"),
    )?))
}
