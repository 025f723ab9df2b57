//! What a real node is made of, and what the machine must have for it.

use std::path::{Path, PathBuf};

use crate::components;
use crate::error::{Error, Result};

/// Where distributions keep the CNI plugins.
const CNI_DIRECTORIES: [&str; 3] = ["/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin"];
/// The CNI plugins in use.
const CNI_PLUGINS: [&str; 3] = ["bridge", "host-local", "loopback"];
/// Commands that the parts call, and the Debian packages that have them.
const COMMANDS: [(&str, &str); 6] = [
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("tar", "tar"),
];

/// Where each binary is.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    kubernetes: PathBuf,
    containerd: PathBuf,
    /// The path of runc.
    pub(crate) runc: PathBuf,
    /// The directory of the CNI plugins.
    pub(crate) cni: PathBuf,
}

impl Parts {
    /// Looks for what the machine must have, then finds the rest in the cache, or builds it there.
    pub(crate) fn prepare() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NodeNeedsRoot);
        }
        let mut missing: Vec<&str> = COMMANDS
            .iter()
            .filter(|(command, _)| on_path(command).is_none())
            .map(|(_, package)| *package)
            .collect();
        let cni = CNI_DIRECTORIES
            .iter()
            .map(Path::new)
            .find(|directory| CNI_PLUGINS.iter().all(|plugin| directory.join(plugin).is_file()));
        if cni.is_none() {
            missing.push("containernetworking-plugins");
        }
        missing.dedup();
        match (cni, on_path("runc")) {
            (Some(cni), Some(runc)) if missing.is_empty() => Ok(Self {
                kubernetes: components::node()?,
                containerd: components::containerd()?,
                runc,
                cni: cni.to_owned(),
            }),
            _ => Err(Error::NodeLacks(missing.join(" "))),
        }
    }

    /// A command of Kubernetes: `kubelet` or `kube-proxy`.
    pub(crate) fn kubernetes(&self, command: &str) -> PathBuf {
        self.kubernetes.join(command)
    }

    /// A command of containerd; its shim lies beside it, where it looks.
    pub(crate) fn containerd(&self, command: &str) -> PathBuf {
        self.containerd.join(command)
    }

    /// The program that holds the namespaces of a pod.
    pub(crate) fn pause(&self) -> PathBuf {
        self.containerd("pause")
    }
}

fn on_path(command: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|directory| directory.join(command))
        .find(|file| file.is_file())
}
