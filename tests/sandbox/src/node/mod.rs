//! A real node: kubelet, containerd, runc and kube-proxy in namespaces of their own, beside the real control plane.
//!
//! It needs root and Linux. Network, mounts and processes are all inside namespaces whose first process ends with
//! the sandbox; what lies outside them, control groups and a few settings of the kernel, is restored by the sweeper.

mod cgroups;
mod containerd;
mod disk;
mod gateway;
pub(crate) mod image;
mod isolation;
mod kubelet;
mod parts;
mod proxy;

use std::sync::Arc;

pub(crate) use cgroups::{Cgroups, restoring};
pub(crate) use disk::Disk;
pub(crate) use gateway::Gateway;
pub use image::Image;
pub(crate) use isolation::{ADDRESS, API_SERVICE, Isolation, SERVICES};
pub(crate) use parts::Parts;

use crate::control_plane::{ControlPlane, Layout};
use crate::error::Result;
use crate::process::{Process, ProcessGroup};

/// The name of the node.
pub const NODE: &str = "node-a";

/// The running parts of a node.
pub(crate) struct Node {
    /// In the order of their start.
    pub(crate) processes: Vec<Arc<Process>>,
    pub(crate) runtime: containerd::Runtime,
    /// Whether it knows how full its disk is.
    pub(crate) measures_disk: bool,
}

impl Node {
    /// Starts the container runtime, kubelet and kube-proxy, and waits until the node is Ready.
    pub(crate) async fn start(
        isolation: &Isolation,
        parts: &Parts,
        cgroups: &Cgroups,
        control_plane: &ControlPlane,
        group: &ProcessGroup,
        layout: &Layout,
        disk: &Disk,
    ) -> Result<Self> {
        let runtime = containerd::start(isolation, parts, group, layout).await?;
        runtime.import(&Image::pause(parts.pause()))?;
        let kubelet = kubelet::start(isolation, parts, cgroups, control_plane, group, layout, disk)?;
        let proxy = proxy::start(isolation, parts, control_plane, group, layout)?;
        let node = Self {
            processes: vec![isolation.process(), runtime.process(), kubelet, proxy],
            runtime,
            measures_disk: disk.is_measured(),
        };
        kubelet::wait_until_ready(&control_plane.client, &node.processes).await?;
        Ok(node)
    }
}
