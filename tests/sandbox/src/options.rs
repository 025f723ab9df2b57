//! How a sandbox is to be.

use std::time::Duration;

use crate::components::Release;

/// What a sandbox is made of; [`Options::default`] suits most tests.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release of Kubernetes; `None` asks `TFSERVE_SANDBOX_KUBERNETES`, else takes the newest.
    pub kubernetes: Option<Release>,
    /// One real node instead of simulated ones: kubelet, containerd and kube-proxy in namespaces of their own.
    /// It needs root and the newest release; the options that speak of simulated nodes then mean nothing.
    pub real_node: bool,
    /// How many simulated nodes, where there is no real one.
    pub nodes: usize,
    /// How many simulated nodes stand beside a real one: tainted, so that only pods that tolerate
    /// [`SIMULATED_TAINT`](crate::SIMULATED_TAINT) come there.
    pub simulated_beside: usize,
    /// The CPU of each node.
    pub node_cpu: String,
    /// The memory of each node.
    pub node_memory: String,
    /// How often the HPA controller looks; `None` leaves its default of 15 s.
    pub hpa_sync_period: Option<Duration>,
    /// Whether kube-controller-manager keeps the lease of leader election, as on most clusters.
    pub leader_election: bool,
    /// More arguments for kube-controller-manager.
    pub controller_manager_args: Vec<String>,
    /// More arguments for kube-apiserver.
    pub api_server_args: Vec<String>,
    /// The longest `initialDelaySeconds` and `periodSeconds` of a metrics-server probe that the kubelet
    /// stand-in waits for; `None` keeps to the manifest.
    pub probe_limit: Option<Duration>,
    /// The serving certificate of the nodes' kubelets.
    pub kubelet_certificate: KubeletCertificate,
    /// Whether to tell on stderr how the start goes.
    pub talk: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kubernetes: None,
            real_node: false,
            nodes: 2,
            simulated_beside: 0,
            node_cpu: "8".to_owned(),
            node_memory: "32Gi".to_owned(),
            hpa_sync_period: Some(Duration::from_secs(2)),
            leader_election: false,
            controller_manager_args: Vec::new(),
            api_server_args: Vec::new(),
            probe_limit: Some(Duration::from_secs(1)),
            kubelet_certificate: KubeletCertificate::HostNameOnly,
            talk: false,
        }
    }
}

/// What a kubelet's self-signed certificate names. Both are refused by a client that verifies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KubeletCertificate {
    /// The host name alone, as kubelets make it: "doesn't contain any IP SANs".
    #[default]
    HostNameOnly,
    /// The address too: "certificate signed by unknown authority".
    WithAddress,
}
