//! A stand-in for an adapter of custom and external metrics, or for another server of usage than metrics-server, behind
//! real `APIServices`.
//!
//! The API server reaches it as it reaches any adapter: by the `ClusterIP` of its Service, which is an address of
//! loopback on which it listens itself. Its `EndpointSlice` names an address that nobody needs to reach.

mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::certificates::{self, Identity};
use crate::error::{Context, Error, Result};
use crate::objects::{apply, delete, wait_for_api_service};
use crate::sandbox::Sandbox;
use crate::wait::{LAST, PATIENCE, until};

/// A port that may be bound without root.
const PORT: u16 = 6443;
/// An address of an `EndpointSlice` may not be one of loopback; nothing ever connects to this one.
const ENDPOINT: &str = "10.0.0.1";

/// A group of metrics that adapters serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsGroup {
    /// `custom.metrics.k8s.io`, in v1beta1 and v1beta2.
    Custom,
    /// `external.metrics.k8s.io`, in v1beta1.
    External,
    /// `metrics.k8s.io`, in v1beta1: the metric `pods` alone.
    Resource,
}

impl MetricsGroup {
    /// The name of the group.
    pub fn name(self) -> &'static str {
        match self {
            Self::Custom => "custom.metrics.k8s.io",
            Self::External => "external.metrics.k8s.io",
            Self::Resource => "metrics.k8s.io",
        }
    }

    fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Custom => &["v1beta1", "v1beta2"],
            Self::External | Self::Resource => &["v1beta1"],
        }
    }
}

/// What the adapter makes of a question for a metric that it lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The same value for whatever is asked: every pod that the selector matches, the object, one series.
    Value(String),
    /// These values, each with the name of its object. Those of an external metric are series with the label
    /// `series`, and a selector of that label is heeded. Those of `metrics.k8s.io` are the cpu of a pod's only container,
    /// `app`.
    Values(Vec<(String, String)>),
    /// 404 in the words of the library that adapters are made of: there is no series for what is asked.
    NotFound,
    /// 500 in the words of its source of metrics.
    Fails,
    /// This status without a word that Kubernetes understands, as a proxy before the adapter gives it.
    Status(u16),
    /// No answer at all.
    Hang,
}

/// How the adapter can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It listens and has an endpoint: the `APIServices` are available.
    Ready,
    /// Its Service has no endpoint: `MissingEndpoints`.
    NoEndpoint,
    /// It has an endpoint and nobody listens: `FailedDiscoveryCheck`.
    Refused,
    /// It answers, and the API server does not trust its certificate: `FailedDiscoveryCheck`.
    Untrusted(Doubt),
}

/// Why a certificate is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The `APIServices` trust another authority than the one that signed it.
    Authority,
    /// It is that of another host.
    Name,
    /// It has expired.
    Expired,
}

/// The metrics, by the name under which discovery lists them: `pods/rps`, or `queue`.
type Table = Arc<Mutex<BTreeMap<(&'static str, String), Answer>>>;

/// A running adapter. Dropping it removes its objects, without waiting for their end.
#[derive(Debug)]
pub struct Adapter<'a> {
    sandbox: &'a Sandbox,
    namespace: String,
    name: String,
    groups: Vec<MetricsGroup>,
    table: Table,
    address: SocketAddr,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl Sandbox {
    /// Starts an adapter, registers it for these groups and waits until the API server serves them.
    pub fn adapter(&self, namespace: &str, name: &str, groups: &[MetricsGroup]) -> Result<Adapter<'_>> {
        self.block_on(async {
            let client = self.client();
            apply::<Service>(client, Some(namespace), &service(name)).await?;
            let address = cluster_ip(client, namespace, name).await?;
            let adapter = Adapter {
                sandbox: self,
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                groups: groups.to_vec(),
                table: Table::default(),
                address,
                listening: Mutex::default(),
            };
            adapter.bring_to(Reach::Ready).await?;
            Ok(adapter)
        })
    }
}

impl Adapter<'_> {
    /// From now on it lists a metric, `pods/rps` of custom metrics or `queue` of external ones, and answers so.
    pub fn answer(&self, group: MetricsGroup, metric: &str, answer: Answer) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.insert((group.name(), metric.to_owned()), answer);
    }

    /// Changes how it can be reached, and waits until its `APIServices` say so.
    pub fn reach(&self, reach: Reach) -> Result<()> {
        self.sandbox.block_on(self.bring_to(reach))
    }

    async fn bring_to(&self, reach: Reach) -> Result<()> {
        let client = self.sandbox.client();
        let host = format!("{}.{}.svc", self.name, self.namespace);
        let trusted = match reach {
            Reach::Untrusted(doubt) => {
                let (certificate, trusted) = doubted(doubt, &host)?;
                self.hang_up().await;
                self.listen(certificate).await?;
                Some(trusted)
            }
            Reach::Refused => {
                self.hang_up().await;
                None
            }
            Reach::Ready | Reach::NoEndpoint => {
                self.listen(certificates::self_signed("adapter", &["localhost"])?)
                    .await?;
                None
            }
        };
        for (group, version) in self.versions() {
            let mut object = api_service(group, version, &self.namespace, &self.name);
            if let Some(trusted) = &trusted {
                object["spec"]["insecureSkipTLSVerify"] = json!(false);
                object["spec"]["caBundle"] = json!(ByteString(trusted.as_bytes().to_vec()));
            }
            apply::<APIService>(client, None, &object).await?;
        }
        let slice = endpoint_slice(&self.name, reach != Reach::NoEndpoint);
        apply::<EndpointSlice>(client, Some(&self.namespace), &slice).await?;
        let (status, reason) = match reach {
            Reach::Ready => ("True", "Passed"),
            Reach::NoEndpoint => ("False", "MissingEndpoints"),
            Reach::Refused | Reach::Untrusted(_) => ("False", "FailedDiscoveryCheck"),
        };
        for (group, version) in self.versions() {
            wait_for_api_service(client, &format!("{version}.{group}"), status, reason).await?;
        }
        if reach == Reach::Ready {
            self.wait_until_listed().await?;
        }
        Ok(())
    }

    async fn listen(&self, identity: Identity) -> Result<()> {
        if self.listening().is_none() {
            let server = server::listen(
                self.address,
                &identity,
                Arc::clone(&self.table),
                self.sandbox.client().clone(),
            )
            .await?;
            *self.listening() = Some(server);
        }
        Ok(())
    }

    async fn hang_up(&self) {
        let server = self.listening().take();
        if let Some(server) = server {
            server.abort();
            // The address is free when it has ended.
            let _ = server.await;
        }
    }

    fn listening(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Clients learn from the list of groups which versions they may ask.
    async fn wait_until_listed(&self) -> Result<()> {
        let client = self.sandbox.client();
        let what = format!("the groups of adapter {} are listed", self.name);
        until(&what, PATIENCE, Duration::from_millis(100), async || {
            let listed = client.list_api_groups().await.context("cannot list API groups")?;
            let missing = self
                .groups
                .iter()
                .find(|group| !listed.groups.iter().any(|it| it.name == group.name()));
            Ok(missing.map_or(Ok(()), |group| Err(format!("{} is not", group.name()))))
        })
        .await
    }

    fn versions(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.groups
            .iter()
            .flat_map(|group| group.versions().iter().map(|version| (group.name(), *version)))
    }

    async fn remove(&self) -> Result<()> {
        let client = self.sandbox.client();
        for (group, version) in self.versions() {
            delete::<APIService>(client, None, &format!("{version}.{group}")).await?;
        }
        delete::<EndpointSlice>(client, Some(&self.namespace), &self.name).await?;
        delete::<Service>(client, Some(&self.namespace), &self.name).await
    }
}

impl Drop for Adapter<'_> {
    fn drop(&mut self) {
        // The cluster may be gone, or be held still by the test.
        let _ = self
            .sandbox
            .block_on(async { tokio::time::timeout(LAST, self.remove()).await });
        self.sandbox.block_on(self.hang_up());
    }
}

/// A certificate of a host with something wrong with it, and the authority that the `APIServices` trust. The name and the
/// time are looked at before the authority.
fn doubted(doubt: Doubt, host: &str) -> Result<(Identity, String)> {
    Ok(match doubt {
        Doubt::Authority => {
            let other = certificates::self_signed("another", &["localhost"])?;
            (certificates::self_signed("adapter", &[host])?, other.certificate)
        }
        Doubt::Name => {
            let identity = certificates::self_signed("adapter", &["localhost", "adapter"])?;
            (identity.clone(), identity.certificate)
        }
        Doubt::Expired => {
            let identity = certificates::expired("adapter", &[host])?;
            (identity.clone(), identity.certificate)
        }
    })
}

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"ports": [{"name": "https", "port": PORT, "protocol": "TCP"}]},
    })
}

fn endpoint_slice(name: &str, ready: bool) -> Value {
    let endpoint = json!({"addresses": [ENDPOINT], "conditions": {"ready": true}});
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": if ready { vec![endpoint] } else { Vec::new() },
        "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}],
    })
}

fn api_service(group: &str, version: &str, namespace: &str, service: &str) -> Value {
    json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": format!("{version}.{group}")},
        "spec": {
            "group": group, "version": version,
            "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
            "service": {"name": service, "namespace": namespace, "port": PORT},
        },
    })
}

async fn cluster_ip(client: &Client, namespace: &str, name: &str) -> Result<SocketAddr> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service = api.get(name).await.context("cannot read a Service")?;
    let address = service.spec.and_then(|spec| spec.cluster_ip).unwrap_or_default();
    let address = address
        .parse()
        .map_err(|_| Error::Unexpected(format!("Service {name} has the address `{address}`")))?;
    Ok(SocketAddr::new(address, PORT))
}
