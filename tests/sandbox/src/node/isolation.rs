//! The namespaces of a node: network, mounts and processes, all gone with their first process.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control_plane::Layout;
use crate::error::{Context, Error, Result};
use crate::process::{Process, ProcessGroup, tail};

/// The address of the node; a node's address may not be loopback.
pub(crate) const ADDRESS: &str = "10.89.0.1";
/// The addresses of Services.
pub(crate) const SERVICES: &str = "10.0.0.0/24";
/// The first of them, which is the API server's own.
pub(crate) const API_SERVICE: &str = "10.0.0.1";

/// How long the first process may take.
const START: Duration = Duration::from_secs(10);

/// Runs as the first process. `$1` is a file that it makes when all is there.
///
/// Fixed paths that kubelet, containerd, runc and CNI write whatever their options say are hidden by new, empty
/// directories. The second route keeps addresses of Services usable, the first lets all others fail at once.
const SETUP: &str = r#"
set -eu
for directory in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs "$directory"; done
mkdir -p /var/lib/cni /var/lib/kubelet /var/log/containers /var/log/pods
ip link set lo up
ip link add node0 type bridge
ip address add "$2/24" dev node0
ip link set node0 up
ip route add unreachable default
ip route add "$3" dev node0
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
: > "$1"
exec sleep infinity
"#;

/// Namespaces that processes can enter.
#[derive(Debug)]
pub(crate) struct Isolation {
    /// The parent of the first process: the first process is killed when it ends.
    holder: Arc<Process>,
    /// The first process, as the host counts.
    init: u32,
}

impl Isolation {
    /// Makes the namespaces.
    pub(crate) fn start(group: &ProcessGroup, layout: &Layout) -> Result<Self> {
        let ready = layout.root.join("node-is-ready");
        let holder = group.spawn(
            "node",
            Command::new("unshare")
                .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
                .args(["--mount-proc", "--propagation", "private"])
                .args(["sh", "-c", SETUP, "node"])
                .arg(&ready)
                .args([ADDRESS, SERVICES]),
            &layout.log("node"),
        )?;
        let deadline = Instant::now() + START;
        while !ready.is_file() {
            holder.check()?;
            if Instant::now() > deadline {
                return Err(Error::Timeout {
                    what: "the namespaces of the node are there".to_owned(),
                    waited: START,
                    last: tail(holder.log(), 5),
                });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let init = only_child(holder.id())?;
        Ok(Self {
            holder: Arc::new(holder),
            init,
        })
    }

    /// The process that holds the namespaces.
    pub(crate) fn process(&self) -> Arc<Process> {
        Arc::clone(&self.holder)
    }

    /// The network namespace.
    pub(crate) fn network(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.init))
    }

    /// A command in the network of the node, with the files and processes of the host.
    pub(crate) fn in_network(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.network().display()))
            .arg("--")
            .arg(program);
        command
    }

    /// A command of the node itself.
    pub(crate) fn inside(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args([
                "--target",
                &self.init.to_string(),
                "--net",
                "--mount",
                "--pid",
                "--",
            ])
            .arg(program);
        command
    }
}

fn only_child(parent: u32) -> Result<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(&path).context(format!("cannot read {path}"))?;
    children
        .trim()
        .parse()
        .map_err(|_| Error::Unexpected(format!("`unshare` has the children `{}`", children.trim())))
}
