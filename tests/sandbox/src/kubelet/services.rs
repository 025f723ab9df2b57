//! In the place of kube-proxy: listens on the `ClusterIP` of a Service and leads to a ready pod's process.
//!
//! Ports below 1024 need a privilege. Where it is missing, the port of the Service, and of the `APIServices`
//! that point to it, is moved up by 10 000: 443 becomes 10443.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::backends::Backends;
use crate::FIELD_MANAGER;

/// How far a port is moved that may not be bound.
const SHIFT: i32 = 10_000;

/// Ends a listener when it is dropped.
struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves as long as the runtime lives.
pub(super) async fn serve(client: kube::Client, backends: Arc<Backends>) {
    let mut listening: HashMap<SocketAddr, Listening> = HashMap::new();
    let mut tick = tokio::time::interval(Duration::from_millis(300));
    loop {
        tick.tick().await;
        let mut wanted = HashMap::new();
        for namespace in backends.namespaces() {
            let api: Api<Service> = Api::namespaced(client.clone(), &namespace);
            // An unreachable API server is a state that tests ask for; keep what is there.
            let Ok(list) = api.list(&ListParams::default().match_any()).await else {
                wanted.clear();
                break;
            };
            for service in list {
                for (address, selector) in endpoints(&service, &backends) {
                    wanted.insert(address, (service.clone(), selector));
                }
            }
        }
        if wanted.is_empty() && !backends.namespaces().is_empty() {
            continue;
        }
        listening.retain(|address, _| wanted.contains_key(address));
        for (address, (service, selector)) in wanted {
            if listening.contains_key(&address) {
                continue;
            }
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    let namespace = service.namespace().unwrap_or_default();
                    let task = tokio::spawn(accept(listener, Arc::clone(&backends), namespace, selector));
                    listening.insert(address, Listening(task));
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    // The next look finds the new port, or this one again if the patch was refused.
                    let _ = move_port(&client, &service, i32::from(address.port())).await;
                }
                // Still held by the listener that has just been ended.
                Err(_) => {}
            }
        }
    }
}

/// The addresses of a Service that selects a real process.
fn endpoints(service: &Service, backends: &Backends) -> Vec<(SocketAddr, BTreeMap<String, String>)> {
    let Some(spec) = &service.spec else {
        return Vec::new();
    };
    let selector = spec.selector.clone().unwrap_or_default();
    let address = spec
        .cluster_ip
        .as_deref()
        .and_then(|ip| ip.parse::<IpAddr>().ok());
    let namespace = service.namespace().unwrap_or_default();
    let (Some(address), true) = (address, backends.any(&namespace, &selector)) else {
        return Vec::new();
    };
    let ports = spec
        .ports
        .iter()
        .flatten()
        .filter_map(|port| u16::try_from(port.port).ok());
    ports
        .map(|port| (SocketAddr::new(address, port), selector.clone()))
        .collect()
}

async fn accept(
    listener: TcpListener,
    backends: Arc<Backends>,
    namespace: String,
    selector: BTreeMap<String, String>,
) {
    while let Ok((mut client, _)) = listener.accept().await {
        // A Service without a ready endpoint refuses: the connection is closed at once.
        let Some(address) = backends.ready(&namespace, &selector) else {
            continue;
        };
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(address).await {
                // How a connection ends is the business of its two ends.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

async fn move_port(client: &kube::Client, service: &Service, port: i32) -> kube::Result<()> {
    let namespace = service.namespace().unwrap_or_default();
    let name = service.name_any();
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let ports = service
        .spec
        .as_ref()
        .and_then(|spec| spec.ports.clone())
        .unwrap_or_default();
    let moved: Vec<_> = ports
        .into_iter()
        .map(|mut entry| {
            if entry.port == port {
                entry.port += SHIFT;
            }
            entry
        })
        .collect();
    let services: Api<Service> = Api::namespaced(client.clone(), &namespace);
    services
        .patch(
            &name,
            &parameters,
            &Patch::Merge(json!({"spec": {"ports": moved}})),
        )
        .await?;
    let api_services: Api<APIService> = Api::all(client.clone());
    for api_service in api_services.list(&ListParams::default()).await? {
        let reference = api_service.spec.as_ref().and_then(|spec| spec.service.as_ref());
        let points_here = reference.is_some_and(|reference| {
            reference.name.as_ref() == Some(&name)
                && reference.namespace.as_ref() == Some(&namespace)
                && reference.port.unwrap_or(443) == port
        });
        if points_here {
            let patch = json!({"spec": {"service": {"port": port + SHIFT}}});
            api_services
                .patch(&api_service.name_any(), &parameters, &Patch::Merge(patch))
                .await?;
        }
    }
    Ok(())
}
