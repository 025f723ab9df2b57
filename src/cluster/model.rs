//! Asks a serving pod for its model, through a port-forward: it needs no address of the pod or the Service.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Ask, Cluster};
use crate::serving::REST_PORT;
use crate::serving::model::{self, ModelState};

const DEADLINE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);
const BODY_LIMIT: usize = 1 << 20;

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
        .map_err(|_| format!("no answer through a port-forward within {DEADLINE:?}"))?
}

async fn get(cluster: &Cluster, namespace: &str, pod: &str, model_name: &str) -> Result<ModelState, String> {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let request = Ask::object("create", "pods/portforward", namespace, pod);
    let mut forwarder = cluster
        .ask(request, pods.portforward(pod, &[REST_PORT]))
        .await
        .map_err(|error| error.to_string())?;
    let refusal = forwarder.take_error(REST_PORT);
    let stream = forwarder
        .take_stream(REST_PORT)
        .ok_or_else(|| "the port-forward has no stream".to_owned())?;
    let answer = exchange(stream, model_name).await;
    let Err(closed) = answer else { return answer };
    // The kubelet tells on a channel of its own why it closed the stream.
    let told = async { refusal?.await };
    let why = tokio::time::timeout(PAUSE, told)
        .await
        .ok()
        .flatten()
        .unwrap_or(closed);
    Err(format!("cannot ask its port {REST_PORT}: {why}"))
}

/// One request over a stream to the server.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    model_name: &str,
) -> Result<ModelState, String> {
    let failed = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
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
            .map_err(|error| format!("the answer broke off: {error}"))?;
        model::parse(status, &body.to_bytes())
    }
    .await;
    driver.abort();
    answer
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn the_answer_is_read_over_a_stream() {
        let (client, mut server) = tokio::io::duplex(4096);
        let serve = tokio::spawn(async move {
            let mut request = vec![0; 1024];
            let length = server.read(&mut request).await.unwrap();
            let body = r#"{"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}"#;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            server.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let state = exchange(client, "image_classifier").await;
        assert_eq!(state, Ok(ModelState::Available(vec!["1".to_owned()])));
        assert!(
            serve
                .await
                .unwrap()
                .starts_with("GET /v1/models/image_classifier HTTP/1.1\r\n")
        );
    }

    #[tokio::test]
    async fn a_closed_stream_is_no_answer() {
        let (client, server) = tokio::io::duplex(64);
        drop(server);
        assert!(exchange(client, "m").await.is_err());
    }
}
