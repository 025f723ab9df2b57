//! The sandbox itself: its start, its end, and what is true of it all the time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::components::{Components, Release};
use crate::control_plane::{ControlPlane, Layout};
use crate::error::{Context, Error, Result};
use crate::kubelet::{self, Kubelet};
use crate::metrics_server::{self, MetricsServer};
use crate::node::{Cgroups, Disk, Image, Isolation, Node, Parts, restoring};
use crate::options::Options;
use crate::process::{Process, ProcessGroup};
use crate::wait::{PATIENCE, until};
use crate::{kubeconfig, kwok};

/// A running cluster. Dropping it ends every process and removes every file.
pub struct Sandbox {
    // The order of the fields is the order of the end: first whatever talks to the cluster.
    nodes: Nodes,
    runtime: Runtime,
    control_plane: ControlPlane,
    components: Components,
    release: Release,
    layout: Layout,
    _group: ProcessGroup,
    _state: TempDir,
}

/// What runs the pods.
enum Nodes {
    /// kwok, and the stand-in for the kubelet of metrics-server.
    Simulated {
        kwok: Arc<Process>,
        _kubelet: kubelet::Running,
    },
    /// One kubelet with its container runtime.
    Real { isolation: Isolation, node: Node },
}

/// A component of the control plane, or the stand-in for the kubelets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// etcd.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager, and with it the HPA controller.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
    /// kwok.
    Kwok,
}

impl Component {
    /// The name of its binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kwok => "kwok",
        }
    }
}

/// What is known of a component.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ComponentStatus {
    /// Its name.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// Whether it runs.
    pub running: bool,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("url", &self.url())
            .field("directory", &self.directory())
            .finish()
    }
}

impl Sandbox {
    /// Builds the components if this is the first time, then starts a cluster and waits until it is ready.
    pub fn start(options: &Options) -> Result<Self> {
        if !cfg!(target_os = "linux") {
            return Err(Error::UnsupportedPlatform);
        }
        let release = match options.kubernetes {
            Some(release) => release,
            None => Release::from_environment()?,
        };
        let components = Components::prepare(release)?;
        let clock = Talk {
            on: options.talk,
            start: Instant::now(),
        };
        let state = state_directory()?;
        let layout = Layout {
            root: state.path().to_owned(),
        };
        for directory in [layout.pki(), layout.root.join("logs")] {
            std::fs::create_dir(&directory).context(format!("cannot create {}", directory.display()))?;
        }
        let real = options
            .real_node
            .then(|| RealNode::prepare(state.path()))
            .transpose()?;
        let last = real
            .as_ref()
            .map_or_else(String::new, |real| restoring(&real.name) + &real.disk.removing());
        let group = ProcessGroup::start(state.path(), &last)?;
        let isolation = match &real {
            Some(_) => Some(Isolation::start(&group, &layout)?),
            None => None,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox")
            .enable_all()
            .build()
            .context("cannot start the async runtime")?;
        let (control_plane, nodes) = runtime.block_on(async {
            let control_plane =
                ControlPlane::start(options, release, &components, &group, &layout, isolation.as_ref())
                    .await?;
            clock.say("the API server is ready");
            let nodes = match (real, isolation) {
                (Some(real), Some(isolation)) => {
                    let cgroups = Cgroups::create(&real.name)?;
                    let node = Node::start(
                        &isolation,
                        &real.parts,
                        &cgroups,
                        &control_plane,
                        &group,
                        &layout,
                        &real.disk,
                    );
                    let mut node = node.await?;
                    clock.say("the node is ready");
                    if options.simulated_beside > 0 {
                        let site = kwok::Site::Beside(&isolation);
                        let client = &control_plane.client;
                        let kwok = kwok::start(options, site, &components, &group, &layout, client).await?;
                        node.processes.push(kwok.process);
                        clock.say(&format!(
                            "{} simulated nodes stand beside it",
                            options.simulated_beside
                        ));
                    }
                    wait_for_service_account(&control_plane.client).await?;
                    Nodes::Real { isolation, node }
                }
                _ => simulate(options, &components, &group, &layout, &control_plane, &clock).await?,
            };
            clock.say("the controllers are at work");
            Ok::<_, Error>((control_plane, nodes))
        })?;
        Ok(Self {
            nodes,
            runtime,
            control_plane,
            components,
            release,
            layout,
            _group: group,
            _state: state,
        })
    }

    /// The one cluster that all tests of a binary share, started by whoever asks first.
    ///
    /// It is never dropped; it ends with the process.
    pub fn shared() -> Result<&'static Self, &'static Error> {
        Self::shared_as(&Options::default())
    }

    /// The same, for a binary whose tests want another one: whoever asks first says which.
    pub fn shared_as(options: &Options) -> Result<&'static Self, &'static Error> {
        static SHARED: OnceLock<Result<Sandbox>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(options)).as_ref()
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.control_plane.kubeconfig
    }

    /// The URL of the API server.
    pub fn url(&self) -> &str {
        &self.control_plane.endpoint.url
    }

    /// The state directory with the logs of the components in `logs/`; removed at the end.
    pub fn directory(&self) -> &Path {
        &self.layout.root
    }

    /// The directory that holds the pinned `kubectl`, for a test's PATH.
    pub fn kubectl_directory(&self) -> PathBuf {
        let kubectl = self.components.kubernetes("kubectl");
        kubectl.parent().map_or_else(PathBuf::new, Path::to_owned)
    }

    /// The pinned `kubectl`, set to this cluster.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(self.components.kubernetes("kubectl"));
        command
            .env("KUBECONFIG", self.kubeconfig())
            .env("KUBECACHEDIR", self.layout.root.join("kubectl-cache"))
            // Everything is on loopback.
            .env("NO_PROXY", "127.0.0.0/8,localhost");
        command
    }

    /// A kubeconfig for a user without any rights of its own, `test:NAME` in the given groups (two at most).
    pub fn kubeconfig_for_user(&self, name: &str, groups: &[&str]) -> Result<PathBuf> {
        let user = format!("test:{name}");
        let identity = self.control_plane.authority.client(&user, groups)?;
        let path = self.layout.kubeconfig(&format!("user-{name}"));
        kubeconfig::write_for_identity(&path, &self.control_plane.endpoint, &user, &identity)?;
        Ok(path)
    }

    /// Applies manifests, as `kubectl apply --server-side -f -` does.
    pub fn apply_yaml(&self, manifests: &str) -> Result<()> {
        self.run_kubectl(
            &["apply", "--server-side", "--force-conflicts", "-f", "-"],
            Some(manifests),
        )?;
        Ok(())
    }

    /// Brings the metrics API into a state and waits until the state is true.
    pub fn metrics_server(&self, state: MetricsServer) -> Result<()> {
        self.runtime
            .block_on(metrics_server::set(&self.control_plane.client, state))
    }

    /// Holds a component still, for example the controller manager while a tool is asked to judge the same
    /// state as the controller did. A paused API server takes connections and never answers.
    pub fn pause(&self, component: Component) -> Result<()> {
        self.process(component)?.signal(Signal::STOP)
    }

    /// Lets a paused component go on.
    pub fn resume(&self, component: Component) -> Result<()> {
        self.process(component)?.signal(Signal::CONT)
    }

    /// Ends a component for good: without its API server the cluster refuses connections.
    pub fn stop(&self, component: Component) -> Result<()> {
        self.process(component)?.kill()
    }

    fn process(&self, component: Component) -> Result<&Arc<Process>> {
        let name = component.name();
        self.processes()
            .find(|process| process.name() == name)
            .ok_or_else(|| Error::Unexpected(format!("{name} was never started")))
    }

    fn processes(&self) -> impl Iterator<Item = &Arc<Process>> {
        let nodes = match &self.nodes {
            Nodes::Simulated { kwok, .. } => std::slice::from_ref(kwok),
            Nodes::Real { node, .. } => &node.processes,
        };
        self.control_plane.processes.iter().chain(nodes)
    }

    /// Puts an image into the store of the real node, so that pods can run it without a registry.
    pub fn import_image(&self, image: &Image) -> Result<()> {
        self.real_node()?.1.runtime.import(image)
    }

    /// A command in the network of the real node, where the addresses of pods and Services answer.
    pub fn in_network(&self, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
        Ok(self.real_node()?.0.in_network(program))
    }

    /// Whether the real node evicts pods that write too much: where its kubelet knows how full its disk is.
    pub fn evicts(&self) -> bool {
        self.real_node().is_ok_and(|(_, node)| node.measures_disk)
    }

    /// The binary of metrics-server: it is static, and an image by itself.
    pub fn metrics_server_binary(&self) -> &Path {
        self.components.metrics_server()
    }

    fn real_node(&self) -> Result<(&Isolation, &Node)> {
        match &self.nodes {
            Nodes::Real { isolation, node } => Ok((isolation, node)),
            Nodes::Simulated { .. } => Err(Error::Unexpected("this sandbox has no real node".to_owned())),
        }
    }

    pub(crate) fn client(&self) -> &kube::Client {
        &self.control_plane.client
    }

    pub(crate) fn release(&self) -> Release {
        self.release
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn(task)
    }

    /// Every component with its process id.
    pub fn status(&self) -> Vec<ComponentStatus> {
        self.processes()
            .map(|process| ComponentStatus {
                name: process.name().to_owned(),
                pid: process.id(),
                running: process.ended().is_none(),
            })
            .collect()
    }

    /// Runs `kubectl` with an input and returns its stdout.
    pub fn run_kubectl(&self, arguments: &[&str], input: Option<&str>) -> Result<String> {
        use std::io::Write;
        use std::process::Stdio;
        let mut child = self
            .kubectl()
            .args(arguments)
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start kubectl")?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            stdin
                .write_all(input.as_bytes())
                .context("cannot write to kubectl")?;
        }
        let output = child.wait_with_output().context("cannot wait for kubectl")?;
        if !output.status.success() {
            return Err(Error::Kubectl {
                arguments: arguments.join(" "),
                message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// What a real node needs before anything is started.
struct RealNode {
    parts: Parts,
    /// The name of its control groups: that of the state directory, which nobody else has.
    name: String,
    disk: Disk,
    /// Two nodes at once would restore each other's settings of the kernel.
    _alone: File,
}

impl RealNode {
    fn prepare(state: &Path) -> Result<Self> {
        let parts = Parts::prepare()?;
        let lock = crate::components::cache_directory()?.join("real-node.lock");
        let alone = File::create(&lock).context(format!("cannot create {}", lock.display()))?;
        alone
            .lock()
            .context("cannot wait for the other real node to end")?;
        let name = state
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            parts,
            disk: Disk::prepare(&name, state)?,
            name,
            _alone: alone,
        })
    }
}

/// kwok's nodes, and the stand-in for their kubelets.
async fn simulate(
    options: &Options,
    components: &Components,
    group: &ProcessGroup,
    layout: &Layout,
    control_plane: &ControlPlane,
    clock: &Talk,
) -> Result<Nodes> {
    let client = &control_plane.client;
    let kwok = kwok::start(options, kwok::Site::Alone, components, group, layout, client).await?;
    clock.say(&format!("{} nodes are ready", options.nodes));
    wait_for_service_account(client).await?;
    kwok.wait_for_metrics(options.nodes).await?;
    let kubelet = Kubelet::new(
        client.clone(),
        control_plane.endpoint.clone(),
        components.metrics_server().to_owned(),
        group.id(),
        layout.clone(),
        options.probe_limit,
    );
    Ok(Nodes::Simulated {
        kwok: kwok.process,
        _kubelet: kubelet.run(),
    })
}

/// Tells on stderr how long a start took so far.
struct Talk {
    on: bool,
    start: Instant,
}

impl Talk {
    fn say(&self, what: &str) {
        if self.on {
            anstream::eprintln!("{:5.1} s  {what}", self.start.elapsed().as_secs_f64());
        }
    }
}

/// A new directory in memory where that is possible.
fn state_directory() -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("tfserve-sandbox-");
    builder
        .tempdir_in("/dev/shm")
        .or_else(|_| builder.tempdir())
        .context("cannot create a state directory")
}

/// Without it no pod can be created in the `default` namespace.
async fn wait_for_service_account(client: &kube::Client) -> Result<()> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    until(
        "the controllers are at work",
        PATIENCE,
        Duration::from_millis(50),
        async || {
            let found = api
                .get_opt("default")
                .await
                .context("cannot read a service account")?;
            Ok(found
                .map(|_| ())
                .ok_or_else(|| "no service account in `default`".to_owned()))
        },
    )
    .await
}
