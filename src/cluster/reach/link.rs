//! HTTP/1.1 over a stream.

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};

use super::{Failure, Reply, Request};

/// What an answer may be in size at most.
pub(super) const BODY_LIMIT: usize = 512 << 20;

/// How long the reason of a broken stream is waited for.
const REASON: Duration = Duration::from_secs(1);

/// A stream to a server; it ends with the value.
pub struct Link {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<hyper::Result<()>>,
    host: String,
    prefix: String,
    /// Tells why somebody between here and the server closed the stream.
    reason: Option<JoinHandle<Option<String>>>,
}

impl Link {
    /// Starts to speak HTTP. `prefix` stands before each path.
    pub(super) async fn open(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        host: String,
        prefix: String,
        reason: Option<JoinHandle<Option<String>>>,
    ) -> Result<Self, Failure> {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::Connect(error.to_string()))?;
        Ok(Self {
            sender,
            driver: tokio::spawn(connection),
            host,
            prefix,
            reason,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) async fn send(&mut self, request: &Request) -> Result<Reply, Failure> {
        match self.exchange(request).await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(Failure::Broken(match self.told().await {
                Some(reason) => reason,
                None => error,
            })),
        }
    }

    async fn exchange(&mut self, request: &Request) -> Result<Reply, String> {
        let text = |error: hyper::Error| super::super::error::innermost(&error);
        self.sender.ready().await.map_err(text)?;
        let start = Instant::now();
        let outgoing = http::Request::builder()
            .method(request.method.clone())
            .uri(format!("{}{}", self.prefix, request.path))
            .header(http::header::HOST, &self.host)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::new(request.body.clone()))
            .map_err(|error| error.to_string())?;
        let response = self.sender.send_request(outgoing).await.map_err(text)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| error.to_string())?
            .to_bytes();
        Ok(Reply {
            status,
            body,
            elapsed: start.elapsed(),
        })
    }

    async fn told(&mut self) -> Option<String> {
        let reason = self.reason.take()?;
        tokio::time::timeout(REASON, reason).await.ok()?.ok()?
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
        if let Some(reason) = &self.reason {
            reason.abort();
        }
    }
}
