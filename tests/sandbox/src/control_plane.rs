//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler as plain processes on loopback.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::admission;
use crate::certificates::{self, Authority, write_identity, write_private};
use crate::components::{Components, Release};
use crate::error::{Error, Result};
use crate::kubeconfig::{self, Endpoint};
use crate::loopback::{ServiceRange, free_ports};
use crate::node::{self, Gateway, Isolation};
use crate::options::Options;
use crate::process::{Process, ProcessGroup, tail};
use crate::wait::{PATIENCE, until};

/// The running control plane.
pub(crate) struct ControlPlane {
    /// The API server as clients see it.
    pub(crate) endpoint: Endpoint,
    /// Signs client certificates.
    pub(crate) authority: Authority,
    /// The administrator's kubeconfig.
    pub(crate) kubeconfig: PathBuf,
    /// The administrator's client.
    pub(crate) client: kube::Client,
    /// In the order of their start.
    pub(crate) processes: Vec<Arc<Process>>,
    _network: Network,
}

/// Where the control plane listens, and where its Services' addresses are.
enum Network {
    /// On loopback: a Service's address is one that a process can listen on.
    Loopback(ServiceRange),
    /// In the network of a real node; on the host a gateway listens.
    Node { _gateway: Gateway },
}

impl Network {
    fn new(isolation: Option<&Isolation>, port: u16) -> Result<Self> {
        Ok(match isolation {
            None => Self::Loopback(ServiceRange::reserve()?),
            Some(isolation) => Self::Node {
                _gateway: Gateway::open(&isolation.network(), port)?,
            },
        })
    }

    fn services(&self) -> String {
        match self {
            Self::Loopback(range) => range.cidr(),
            Self::Node { .. } => node::SERVICES.to_owned(),
        }
    }

    /// The names under which the API server is asked, beside those that are always the same.
    fn names(&self) -> Vec<String> {
        match self {
            Self::Loopback(range) => vec![range.first().to_string()],
            Self::Node { .. } => vec![node::ADDRESS.to_owned(), node::API_SERVICE.to_owned()],
        }
    }

    fn api_server_arguments(&self) -> Vec<String> {
        match self {
            Self::Loopback(_) => vec![
                "--bind-address=127.0.0.1".to_owned(),
                "--advertise-address=127.0.0.1".to_owned(),
                // Endpoints refuse loopback.
                "--endpoint-reconciler-type=none".to_owned(),
                "--authorization-mode=RBAC".to_owned(),
            ],
            Self::Node { .. } => vec![
                "--bind-address=0.0.0.0".to_owned(),
                format!("--advertise-address={}", node::ADDRESS),
                "--authorization-mode=Node,RBAC".to_owned(),
            ],
        }
    }
}

/// A command where the control plane runs.
fn command(isolation: Option<&Isolation>, program: &Path) -> Command {
    match isolation {
        None => Command::new(program),
        Some(isolation) => isolation.in_network(program),
    }
}

/// Where the parts of a sandbox keep their files.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The state directory, removed at the end.
    pub(crate) root: PathBuf,
}

impl Layout {
    /// Certificates and keys.
    pub(crate) fn pki(&self) -> PathBuf {
        self.root.join("pki")
    }

    /// The log of a component.
    pub(crate) fn log(&self, component: &str) -> PathBuf {
        self.root.join("logs").join(format!("{component}.log"))
    }

    /// The kubeconfig of a user.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.root.join(format!("{user}.kubeconfig"))
    }
}

impl ControlPlane {
    /// Starts everything; a port that somebody took meanwhile is answered by a new attempt.
    pub(crate) async fn start(
        options: &Options,
        release: Release,
        components: &Components,
        group: &ProcessGroup,
        layout: &Layout,
        isolation: Option<&Isolation>,
    ) -> Result<Self> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Self::attempt(options, release, components, group, layout, isolation).await {
                Err(Error::ComponentEnded { log, .. })
                    if attempts < 4 && log.contains("address already in use") => {}
                other => return other,
            }
        }
    }

    async fn attempt(
        options: &Options,
        release: Release,
        components: &Components,
        group: &ProcessGroup,
        layout: &Layout,
        isolation: Option<&Isolation>,
    ) -> Result<Self> {
        let [etcd_port, peer_port, api_port, manager_port, scheduler_port] = free_ports()?;
        let network = Network::new(isolation, api_port)?;
        let pki = layout.pki();
        let authority = Authority::new("tfserve-sandbox")?;
        let endpoint = Endpoint {
            url: format!("https://127.0.0.1:{api_port}"),
            authority: authority.certificate().to_owned(),
        };
        let users = [
            ("admin", "sandbox-admin", &["system:masters"][..]),
            ("controller-manager", "system:kube-controller-manager", &[]),
            ("scheduler", "system:kube-scheduler", &[]),
            ("kwok", "system:kwok", &["system:masters"]),
        ];
        for (file, user, groups) in users {
            let identity = authority.client(user, groups)?;
            kubeconfig::write_for_identity(&layout.kubeconfig(file), &endpoint, user, &identity)?;
        }

        // A second attempt must not meet the data of the first.
        let data = layout.root.join("etcd");
        let _ = std::fs::remove_dir_all(&data);
        let etcd_url = format!("http://127.0.0.1:{etcd_port}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let log = layout.log("etcd");
        let etcd = group.spawn(
            "etcd",
            command(isolation, components.etcd())
                .arg("--data-dir")
                .arg(&data)
                .args(["--name=sandbox", "--unsafe-no-fsync", "--log-level=warn"])
                .arg(format!("--listen-client-urls={etcd_url}"))
                .arg(format!("--advertise-client-urls={etcd_url}"))
                .arg(format!("--listen-peer-urls={peer_url}"))
                .arg(format!("--initial-advertise-peer-urls={peer_url}"))
                .arg(format!("--initial-cluster=sandbox={peer_url}")),
            &log,
        )?;
        let mut api_server = command(isolation, &components.kubernetes("kube-apiserver"));
        api_server_arguments(&mut api_server, &pki, &authority, &network, api_port, &etcd_url)?;
        api_server
            .args(admission::api_server_arguments(release))
            .args(&options.api_server_args);
        let api_server = group.spawn("kube-apiserver", &mut api_server, &layout.log("kube-apiserver"))?;

        let kubeconfig = layout.kubeconfig("admin");
        let client = kubeconfig::client(kubeconfig.clone()).await?;
        let mut processes = vec![Arc::new(etcd), Arc::new(api_server)];
        wait_until_ready(&client, &processes).await?;

        let mut manager = command(isolation, &components.kubernetes("kube-controller-manager"));
        manager
            .args(common_arguments(
                &layout.kubeconfig("controller-manager"),
                manager_port,
            ))
            .arg("--use-service-account-credentials=true")
            .arg(format!(
                "--service-account-private-key-file={}",
                pki.join("service-account.key").display()
            ))
            .arg(format!("--root-ca-file={}", pki.join("ca.crt").display()))
            // A test cluster need not wait for its own politeness.
            .args(["--kube-api-qps=200", "--kube-api-burst=400"]);
        if let Some(period) = options.hpa_sync_period {
            manager.arg(format!(
                "--horizontal-pod-autoscaler-sync-period={}ms",
                period.as_millis()
            ));
        }
        manager.arg(format!("--leader-elect={}", options.leader_election));
        manager.args(&options.controller_manager_args);
        let log = layout.log("kube-controller-manager");
        processes.push(Arc::new(group.spawn(
            "kube-controller-manager",
            &mut manager,
            &log,
        )?));

        let mut scheduler = command(isolation, &components.kubernetes("kube-scheduler"));
        scheduler.args(common_arguments(&layout.kubeconfig("scheduler"), scheduler_port));
        let log = layout.log("kube-scheduler");
        processes.push(Arc::new(group.spawn("kube-scheduler", &mut scheduler, &log)?));

        Ok(Self {
            endpoint,
            authority,
            kubeconfig,
            client,
            processes,
            _network: network,
        })
    }
}

/// What controller-manager and scheduler share.
fn common_arguments(kubeconfig: &Path, port: u16) -> Vec<String> {
    let kubeconfig = kubeconfig.display();
    vec![
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        "--leader-elect=false".to_owned(),
    ]
}

fn api_server_arguments(
    command: &mut Command,
    pki: &Path,
    authority: &Authority,
    network: &Network,
    port: u16,
    etcd: &str,
) -> Result<()> {
    let own_names = network.names();
    let mut names = vec!["localhost", "127.0.0.1", "kubernetes", "kubernetes.default.svc"];
    names.extend(own_names.iter().map(String::as_str));
    let (certificate, key) = write_identity(
        pki,
        "kube-apiserver",
        &authority.server("kube-apiserver", &names)?,
    )?;
    let kubelet = authority.client("kube-apiserver-kubelet-client", &["system:masters"])?;
    let (kubelet_certificate, kubelet_key) = write_identity(pki, "kubelet-client", &kubelet)?;
    // The aggregation layer has an authority of its own: only its names may speak for other users.
    let front = Authority::new("tfserve-sandbox-front-proxy")?;
    let (proxy_certificate, proxy_key) = write_identity(
        pki,
        "front-proxy-client",
        &front.client("front-proxy-client", &[])?,
    )?;
    let authority_file = pki.join("ca.crt");
    write_private(&authority_file, authority.certificate())?;
    let front_file = pki.join("front-proxy-ca.crt");
    write_private(&front_file, front.certificate())?;
    let accounts = pki.join("service-account.key");
    let accounts_public = pki.join("service-account.pub");
    let (private, public) = certificates::signing_key()?;
    write_private(&accounts, &private)?;
    write_private(&accounts_public, &public)?;

    command.args(network.api_server_arguments());
    command.args([
        format!("--etcd-servers={etcd}"),
        format!("--secure-port={port}"),
        format!("--service-cluster-ip-range={}", network.services()),
        "--allow-privileged=true".to_owned(),
        "--shutdown-delay-duration=0s".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        "--enable-aggregator-routing=false".to_owned(),
    ]);
    for (flag, file) in [
        ("client-ca-file", &authority_file),
        ("tls-cert-file", &certificate),
        ("tls-private-key-file", &key),
        ("service-account-key-file", &accounts_public),
        ("service-account-signing-key-file", &accounts),
        ("kubelet-client-certificate", &kubelet_certificate),
        ("kubelet-client-key", &kubelet_key),
        ("requestheader-client-ca-file", &front_file),
        ("proxy-client-cert-file", &proxy_certificate),
        ("proxy-client-key-file", &proxy_key),
    ] {
        command.arg(format!("--{flag}={}", file.display()));
    }
    Ok(())
}

async fn wait_until_ready(client: &kube::Client, processes: &[Arc<Process>]) -> Result<()> {
    until(
        "the API server is ready",
        PATIENCE,
        Duration::from_millis(50),
        async || {
            for process in processes {
                process.check()?;
            }
            let request = http::Request::get("/readyz").body(Vec::new());
            let request = request.map_err(|e| Error::Unexpected(e.to_string()))?;
            Ok(match client.request_text(request).await {
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            })
        },
    )
    .await
    .map_err(|error| match error {
        Error::Timeout { what, waited, last } => {
            let logs: Vec<String> = processes.iter().map(|p| tail(p.log(), 5)).collect();
            Error::Timeout {
                what,
                waited,
                last: format!("{last}\n{}", logs.join("\n")),
            }
        }
        other => other,
    })
}
