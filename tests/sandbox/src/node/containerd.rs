//! containerd: its configuration, its start, and images without a registry.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Image, Isolation, Parts, image};
use crate::control_plane::Layout;
use crate::error::{Context, Error, Result};
use crate::process::{Process, ProcessGroup, tail};
use crate::venv::output;

/// The range of the pods' addresses.
pub(super) const PODS: &str = "10.88.0.0/16";

const START: Duration = Duration::from_secs(20);

/// The running container runtime.
#[derive(Debug)]
pub(crate) struct Runtime {
    process: Arc<Process>,
    socket: PathBuf,
    ctr: PathBuf,
    archives: PathBuf,
}

/// Starts containerd and waits for its socket.
pub(super) async fn start(
    isolation: &Isolation,
    parts: &Parts,
    group: &ProcessGroup,
    layout: &Layout,
) -> Result<Runtime> {
    let home = layout.root.join("containerd");
    let networks = home.join("networks");
    fs::create_dir_all(&networks).context(format!("cannot create {}", networks.display()))?;
    let socket = socket(layout);
    let root = home.display();
    let configuration = home.join("config.toml");
    let text = format!(
        r#"version = 3
root = "{root}/root"
state = "{root}/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]

[grpc]
address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{root}/opt"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{pause}"

[plugins."io.containerd.cri.v1.runtime"]
# The process may not be allowed to lower its own score.
restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{plugins}"]
conf_dir = "{networks}"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "{runc}"
"#,
        socket = socket.display(),
        pause = image::PAUSE,
        plugins = parts.cni.display(),
        networks = networks.display(),
        runc = parts.runc.display(),
    );
    fs::write(&configuration, text).context(format!("cannot write {}", configuration.display()))?;
    let network = serde_json::json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "bridge",
            "bridge": "pods0",
            "isGateway": true,
            "ipMasq": true,
            // A pod reaches itself through its Service.
            "hairpinMode": true,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]},
        }],
    });
    let file = networks.join("pods.conflist");
    fs::write(&file, network.to_string()).context(format!("cannot write {}", file.display()))?;

    let mut command = isolation.inside(&parts.containerd("containerd"));
    command.arg("--config").arg(&configuration);
    let process = Arc::new(group.spawn("containerd", &mut command, &layout.log("containerd"))?);
    let runtime = Runtime {
        process,
        socket,
        ctr: parts.containerd("ctr"),
        archives: layout.root.join("images"),
    };
    fs::create_dir_all(&runtime.archives).context("cannot create a directory for images")?;
    runtime.wait().await?;
    Ok(runtime)
}

/// The socket of containerd.
pub(super) fn socket(layout: &Layout) -> PathBuf {
    layout.root.join("containerd.sock")
}

impl Runtime {
    /// Its process.
    pub(crate) fn process(&self) -> Arc<Process> {
        Arc::clone(&self.process)
    }

    /// Puts an image into the runtime's store under its name.
    pub(crate) fn import(&self, image: &Image) -> Result<()> {
        let archive = image.archive(&self.archives)?;
        output(
            self.ctr(&["--namespace", "k8s.io", "images", "import", "--digests=false"])
                .arg(&archive),
        )
        .map_err(|error| Error::Unexpected(format!("cannot import the image {}: {error}", image.name())))?;
        if archive.starts_with(&self.archives) {
            fs::remove_file(&archive).context(format!("cannot remove {}", archive.display()))?;
        }
        Ok(())
    }

    async fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            self.process.check()?;
            match output(&mut self.ctr(&["version"])) {
                Ok(_) => return Ok(()),
                Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => {
                    return Err(Error::Timeout {
                        what: "containerd answers".to_owned(),
                        waited: START,
                        last: format!("{error}\n{}", tail(self.process.log(), 5)),
                    });
                }
            }
        }
    }

    fn ctr(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.ctr);
        command.arg("--address").arg(&self.socket).args(arguments);
        command
    }
}
