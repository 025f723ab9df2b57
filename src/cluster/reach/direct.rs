//! HTTP to an address of the Service, of a node or of a pod, where it leads anywhere from here.

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::ListParams;
use tokio::net::TcpStream;

use super::link::Link;
use super::race::Attempt;
use super::target::Backend;
use super::{Failure, PROBE, PassedOver, Request, Target, Way, judge, within};
use crate::cluster::{Ask, Cluster};

/// How many nodes, or pods, are tried.
const ENOUGH: usize = 3;

/// All addresses, the best one first.
pub(super) async fn attempts<'a>(
    cluster: &Cluster,
    target: &Target,
    probe: &'a str,
    passed_over: &mut Vec<PassedOver>,
) -> Vec<Attempt<'a>> {
    let mut candidates = Vec::new();
    match &target.backend {
        Backend::Service(service) => {
            let port = service.port;
            candidates.extend(
                service
                    .balancer
                    .iter()
                    .map(|host| ("load balancer address", url(host, port))),
            );
            if service.type_ == "LoadBalancer" && service.balancer.is_empty() {
                passed_over.push(PassedOver {
                    way: "load balancer address".to_owned(),
                    why: "none yet (EXTERNAL-IP <pending>)".to_owned(),
                });
            }
            if let Some(node_port) = service.node_port {
                match node_addresses(cluster).await {
                    Ok(hosts) => {
                        candidates.extend(hosts.iter().map(|host| ("node port", url(host, node_port))));
                    }
                    Err(why) => passed_over.push(PassedOver {
                        way: "node port".to_owned(),
                        why,
                    }),
                }
            }
            candidates.extend(
                service
                    .cluster_ip
                    .iter()
                    .map(|host| ("ClusterIP", url(host, port))),
            );
        }
        Backend::Pods => {
            if let Ok(pods) = target.ready_pods(cluster).await {
                candidates.extend(
                    pods.iter()
                        .take(ENOUGH)
                        .filter_map(|pod| Some(("pod address", url(pod.address.as_deref()?, pod.port?)))),
                );
            }
        }
    }
    candidates
        .into_iter()
        .map(|(of, url)| attempt(of, url, probe))
        .collect()
}

fn attempt<'a>(of: &'static str, url: String, probe: &'a str) -> Attempt<'a> {
    let name = format!("{of} {url}");
    Attempt {
        name: name.clone(),
        answer: Box::pin(async move {
            match ask(&url, probe).await {
                Ok(()) => Ok(Way::Direct { url, of }),
                Err(why) => Err(vec![PassedOver { way: name, why }]),
            }
        }),
    }
}

async fn ask(url: &str, probe: &str) -> Result<(), String> {
    let reply = async {
        let mut link = connect(url).await?;
        link.send(&Request::get(probe, PROBE)).await
    };
    judge(within(PROBE, reply).await)
}

/// Connects to `http://HOST:PORT`, with or without a path that goes before every other one.
pub(super) async fn connect(url: &str) -> Result<Link, Failure> {
    let refused = |error: String| Failure::Connect(error);
    let uri: http::Uri = url
        .parse()
        .map_err(|error| refused(format!("`{url}` is no URL: {error}")))?;
    let authority = uri
        .authority()
        .ok_or_else(|| refused(format!("`{url}` names no host")))?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| refused(error.to_string()))?;
    // A request is written at once; nothing is gained by waiting for more of it.
    let _ = stream.set_nodelay(true);
    let prefix = uri.path().trim_end_matches('/').to_owned();
    Link::open(stream, authority.to_string(), prefix, None).await
}

/// Addresses of nodes that are ready, the ones for outside first.
async fn node_addresses(cluster: &Cluster) -> Result<Vec<String>, String> {
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let list = cluster
        .ask(
            Ask::list("nodes", None),
            nodes.list(&ListParams::default().limit(50)),
        )
        .await
        .map_err(|error| error.to_string())?;
    let mut addresses: Vec<(bool, String)> = Vec::new();
    for status in list.items.into_iter().filter_map(|node| node.status) {
        let ready = status
            .conditions
            .iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        if !ready {
            continue;
        }
        for address in status.addresses.into_iter().flatten() {
            if matches!(address.type_.as_str(), "ExternalIP" | "InternalIP") {
                addresses.push((address.type_ == "InternalIP", address.address));
            }
        }
    }
    addresses.sort_by_key(|(internal, _)| *internal);
    addresses.truncate(ENOUGH);
    if addresses.is_empty() {
        return Err("no node is ready".to_owned());
    }
    Ok(addresses.into_iter().map(|(_, address)| address).collect())
}

fn url(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("http://[{host}]:{port}")
    } else {
        format!("http://{host}:{port}")
    }
}
