//! Asks a serving pod for its model, through a port-forward: it needs no address of the pod or the Service.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::time::Instant;

use super::{Ask, Cluster};
use crate::serving::REST_PORT;
use crate::serving::model::{self, ModelState};

const DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);
const BODY_LIMIT: usize = 1 << 20;

/// Asks one pod until its model is neither starting nor loading, or the deadline has come.
///
/// # Errors
/// Why it could not be asked.
pub async fn until_loaded(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    model_name: &str,
    deadline: Instant,
) -> Result<ModelState, String> {
    loop {
        let state = ask(cluster, namespace, pod, model_name).await?;
        if !matches!(state, ModelState::Loading(_)) || Instant::now() >= deadline {
            return Ok(state);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks one pod `GET /v1/models/NAME`.
///
/// # Errors
/// Why it could not be asked: no right, no port-forward, no answer.
pub async fn ask(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    model_name: &str,
) -> Result<ModelState, String> {
    tokio::time::timeout(DEADLINE, get(cluster, namespace, pod, model_name))
        .await
        .map_err(|_| format!("no answer from pod {pod} through a port-forward within {DEADLINE:?}"))?
}

async fn get(cluster: &Cluster, namespace: &str, pod: &str, model_name: &str) -> Result<ModelState, String> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let request = Ask::object("create", "pods/portforward", namespace, pod);
    let mut forwarder = cluster
        .ask(request, pods.portforward(pod, &[REST_PORT]))
        .await
        .map_err(|error| error.to_string())?;
    let stream = forwarder
        .take_stream(REST_PORT)
        .ok_or_else(|| format!("the port-forward to pod {pod} has no stream"))?;
    let failed = |error: hyper::Error| format!("cannot ask port {REST_PORT} of pod {pod}: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let driver = tokio::spawn(connection);
    let answer = async {
        let request = http::Request::get(format!("/v1/models/{model_name}"))
            .header(http::header::HOST, format!("localhost:{REST_PORT}"))
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| format!("cannot read the answer of pod {pod}: {error}"))?;
        model::parse(status, &body.to_bytes())
    }
    .await;
    driver.abort();
    answer
}
