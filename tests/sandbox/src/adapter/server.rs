//! The HTTPS side of the stand-in: discovery, and the values.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use super::{Answer, MetricsGroup, Table};
use crate::certificates::Identity;
use crate::error::{Context, Error, Result};

/// What a question is answered from.
struct State {
    table: Table,
    client: Client,
}

/// Listens until the task is aborted, and every connection with it.
pub(super) async fn listen(
    address: SocketAddr,
    identity: &Identity,
    table: Table,
    client: Client,
) -> Result<JoinHandle<()>> {
    let acceptor = TlsAcceptor::from(Arc::new(tls(identity)?));
    let listener = TcpListener::bind(address)
        .await
        .context(format!("cannot listen on {address}"))?;
    let state = Arc::new(State { table, client });
    Ok(tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, acceptor.clone(), Arc::clone(&state)));
        }
    }))
}

fn tls(identity: &Identity) -> Result<ServerConfig> {
    let failed = |why: &dyn std::fmt::Display| Error::Unexpected(format!("an adapter has no TLS: {why}"));
    let certificate =
        CertificateDer::from_pem_slice(identity.certificate.as_bytes()).map_err(|error| failed(&error))?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(|error| failed(&error))?;
    let built = |builder: rustls::ConfigBuilder<ServerConfig, rustls::WantsVersions>| {
        builder
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
    };
    built(ServerConfig::builder_with_provider(Arc::new(
        ring::default_provider(),
    )))
    .map_err(|error| failed(&error))
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<State>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| answer(request, Arc::clone(&state)));
    // How a connection ends is the business of its two ends.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> http::Result<Response<Full<Bytes>>> {
    // Some clients write the asterisk of all pods as it is, and some do not.
    let path = request.uri().path().replace("%2A", "*");
    let (status, body) = match path.strip_prefix("/apis/").map(Question::read) {
        Some(Some(Question::Discovery { group, version })) => (200, discovery(&state, group, version)),
        Some(Some(Question::Values(asked))) => {
            values(&state, &asked, request.uri().query().unwrap_or_default()).await
        }
        // The API server asks for the aggregated form first, and is content with the other one.
        _ => (
            406,
            refusal(406, "NotAcceptable", "this adapter lists its versions one by one"),
        ),
    };
    Response::builder()
        .status(StatusCode::from_u16(status)?)
        .header("Content-Type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
}

/// What a path asks.
enum Question<'a> {
    Discovery { group: MetricsGroup, version: &'a str },
    Values(Asked<'a>),
}

/// A question for values.
struct Asked<'a> {
    group: MetricsGroup,
    version: &'a str,
    namespace: &'a str,
    /// What the metric describes and its name: `pods`, `*`; nothing for an external metric.
    object: Option<(&'a str, &'a str)>,
    metric: &'a str,
}

impl<'a> Question<'a> {
    /// Reads a path behind `/apis/`.
    fn read(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        let group = [
            MetricsGroup::Custom,
            MetricsGroup::External,
            MetricsGroup::Resource,
        ]
        .into_iter()
        .find(|group| Some(&group.name()) == parts.first())?;
        let values = |version, namespace, object, metric| {
            Self::Values(Asked {
                group,
                version,
                namespace,
                object,
                metric,
            })
        };
        match *parts.get(1..)? {
            [version] => Some(Self::Discovery { group, version }),
            // The namespace itself is what is described.
            [version, "namespaces", namespace, "metrics", metric] => Some(values(
                version,
                namespace,
                Some(("namespaces", namespace)),
                metric,
            )),
            [version, "namespaces", namespace, resource, name, metric] => {
                Some(values(version, namespace, Some((resource, name)), metric))
            }
            [version, "namespaces", namespace, metric] => Some(values(version, namespace, None, metric)),
            _ => None,
        }
    }
}

fn discovery(state: &State, group: MetricsGroup, version: &str) -> Value {
    let table = state.table.lock().unwrap_or_else(PoisonError::into_inner);
    let kind = match group {
        MetricsGroup::Custom => "MetricValueList",
        MetricsGroup::External => "ExternalMetricValueList",
        MetricsGroup::Resource => "PodMetrics",
    };
    let resources: Vec<Value> = table
        .keys()
        .filter(|(of, _)| *of == group.name())
        .map(|(_, name)| {
            json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get", "list"]})
        })
        .collect();
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{}/{version}", group.name()),
        "resources": resources,
    })
}

async fn values(state: &State, asked: &Asked<'_>, query: &str) -> (u16, Value) {
    let listed = match asked.object {
        Some((resource, _)) => format!("{resource}/{}", asked.metric),
        None => asked.metric.to_owned(),
    };
    let known = {
        let table = state.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&(asked.group.name(), listed)).cloned()
    };
    match known {
        Some(Answer::Value(value)) => match objects(state, asked, query).await {
            Ok(objects) => (
                200,
                list(asked, objects.into_iter().map(|name| (name, value.clone()))),
            ),
            Err(error) => (500, refusal(500, "InternalError", &error.to_string())),
        },
        Some(Answer::Values(mut values)) => {
            let external = asked.group == MetricsGroup::External;
            let selector = parameter(query, "labelSelector").filter(|_| external);
            values.retain(|(name, _)| {
                selector
                    .as_ref()
                    .is_none_or(|selector| *selector == format!("series={name}"))
            });
            (200, list(asked, values.into_iter()))
        }
        Some(Answer::Fails) => {
            let message = "the adapter's source of metrics fails";
            (500, refusal(500, "InternalError", message))
        }
        Some(Answer::Status(status)) => (status, json!("no healthy upstream")),
        Some(Answer::Hang) => std::future::pending().await,
        Some(Answer::NotFound) | None => (404, refusal(404, "NotFound", &not_found(asked))),
    }
}

/// A parameter of the query that is not empty.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, value) = pairs.find(|(key, value)| key == name && !value.is_empty())?;
    Some(value.into_owned())
}

/// The names of what is described.
async fn objects(state: &State, asked: &Asked<'_>, query: &str) -> kube::Result<Vec<String>> {
    match asked.object {
        Some(("pods", "*")) => pods(state, asked.namespace, query).await,
        Some((_, name)) => Ok(vec![name.to_owned()]),
        None if asked.group == MetricsGroup::Resource => pods(state, asked.namespace, query).await,
        None => Ok(vec![asked.metric.to_owned()]),
    }
}

/// The names of the pods that the selector matches.
async fn pods(state: &State, namespace: &str, query: &str) -> kube::Result<Vec<String>> {
    let api: Api<Pod> = Api::namespaced(state.client.clone(), namespace);
    let selector = parameter(query, "labelSelector").unwrap_or_default();
    let pods = api.list(&ListParams::default().labels(&selector)).await?;
    Ok(pods.items.iter().map(ResourceExt::name_any).collect())
}

/// A list of values in the form of the version that was asked.
fn list(asked: &Asked<'_>, values: impl Iterator<Item = (String, String)>) -> Value {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let items: Vec<Value> = values
        .map(|(name, value)| match asked.group {
            MetricsGroup::External => json!({
                "metricName": asked.metric, "metricLabels": {"series": name}, "timestamp": now, "value": value,
            }),
            MetricsGroup::Custom => {
                let mut item = json!({
                    "describedObject": {"apiVersion": "v1", "namespace": asked.namespace, "name": name},
                    "timestamp": now, "windowSeconds": 60, "value": value,
                });
                if asked.version == "v1beta1" {
                    item["metricName"] = json!(asked.metric);
                } else {
                    item["metric"] = json!({"name": asked.metric});
                }
                item
            }
            MetricsGroup::Resource => json!({
                "metadata": {"name": name, "namespace": asked.namespace, "creationTimestamp": now},
                "timestamp": now, "window": "15s", "containers": [{"name": "app", "usage": {"cpu": value}}],
            }),
        })
        .collect();
    let kind = match asked.group {
        MetricsGroup::Custom => "MetricValueList",
        MetricsGroup::External => "ExternalMetricValueList",
        MetricsGroup::Resource => "PodMetricsList",
    };
    json!({
        "kind": kind, "apiVersion": format!("{}/{}", asked.group.name(), asked.version), "metadata": {}, "items": items,
    })
}

/// The words of the library that adapters are made of.
fn not_found(asked: &Asked<'_>) -> String {
    match asked.object {
        Some((resource, "*")) => format!(
            "the server could not find the metric {} for {resource}",
            asked.metric
        ),
        Some((resource, name)) => {
            format!(
                "the server could not find the metric {} for {resource} {name}",
                asked.metric
            )
        }
        None => format!("the server could not find the metric {}", asked.metric),
    }
}

fn refusal(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "reason": reason, "message": message, "code": code,
    })
}
