//! Through a port-forward to a ready pod: it needs no address of the pod or the Service.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use super::link::Link;
use super::{Failure, PassedOver, Request, Target, Way, judge, within};
use crate::cluster::{Ask, Cluster, DEFAULT_DEADLINE};

/// How many pods are tried.
const ENOUGH: usize = 2;

/// Tries it.
pub(super) async fn find(cluster: &Cluster, target: &Target, probe: &str) -> Result<Way, Vec<PassedOver>> {
    let pods = target.ready_pods(cluster).await.map_err(|why| {
        vec![PassedOver {
            way: "port-forward to a ready pod".to_owned(),
            why,
        }]
    })?;
    let mut passed_over = Vec::new();
    for pod in pods.into_iter().take(ENOUGH) {
        let Some(port) = pod.port else {
            passed_over.push(PassedOver {
                way: format!("port-forward to pod {}", pod.name),
                why: "none of its containers has the Service's target port".to_owned(),
            });
            continue;
        };
        let way = Way::PortForward {
            namespace: target.namespace.clone(),
            pod: pod.name.clone(),
            port,
        };
        let deadline = cluster.deadline().unwrap_or(DEFAULT_DEADLINE);
        let reply = async {
            let mut link = connect(cluster, &target.namespace, &pod.name, port).await?;
            link.send(&Request::get(probe, deadline)).await
        };
        match judge(within(deadline, reply).await) {
            Ok(()) => return Ok(way),
            Err(why) => passed_over.push(PassedOver {
                way: way.to_string(),
                why,
            }),
        }
    }
    Err(passed_over)
}

/// A stream to a pod's port.
pub type Forwarded = Box<dyn Stream>;

/// What can be written to and read from.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens a connection to a pod's port that speaks HTTP.
pub(super) async fn connect(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    port: u16,
) -> Result<Link, Failure> {
    let (stream, reason) = start(cluster, namespace, pod, port).await?;
    Link::open(stream, format!("localhost:{port}"), String::new(), reason).await
}

/// Opens a stream to a pod's port.
///
/// # Errors
/// The API server or the kubelet refuses.
pub async fn open(cluster: &Cluster, namespace: &str, pod: &str, port: u16) -> Result<Forwarded, Failure> {
    let (stream, _) = start(cluster, namespace, pod, port).await?;
    Ok(Box::new(stream))
}

/// The stream, and why somebody between here and the server will have closed it.
async fn start(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    port: u16,
) -> Result<
    (
        impl AsyncRead + AsyncWrite + Send + Unpin + use<>,
        Option<JoinHandle<Option<String>>>,
    ),
    Failure,
> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("create", "pods/portforward", namespace, pod);
    let mut forwarder = cluster
        .ask(ask, pods.portforward(pod, &[port]))
        .await
        .map_err(Failure::ApiServer)?;
    // The kubelet tells on a channel of its own why it closed the stream.
    let reason = forwarder.take_error(port).map(tokio::spawn);
    let stream = forwarder
        .take_stream(port)
        .ok_or_else(|| Failure::Connect("the port-forward has no stream".to_owned()))?;
    Ok((stream, reason))
}
