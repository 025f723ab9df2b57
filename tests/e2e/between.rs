//! Stands between the plugin and the API server: counts requests, and does something when one comes.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::support::sandbox;

/// What is called with every request, before it goes on: its number, from 1 on, and `METHOD /path?query`.
type Hook = Box<dyn Fn(usize, &str) + Send + Sync>;

/// Running; it ends with the value.
pub(crate) struct Between {
    kubeconfig: tempfile::NamedTempFile,
    count: Arc<AtomicUsize>,
    proxy: Child,
    _runtime: tokio::runtime::Runtime,
}

impl Between {
    /// Lets requests pass to the API server, in the administrator's name. After `cut` of them no answer comes back any
    /// more: the last one still takes effect, as when a process is killed while it waits.
    pub(crate) fn start(cut: Option<usize>, hook: impl Fn(usize, &str) + Send + Sync + 'static) -> Self {
        let (proxy, port) = kubectl_proxy();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let count = Arc::new(AtomicUsize::new(0));
        let (shared, hook): (_, Arc<Hook>) = (Arc::clone(&count), Arc::new(Box::new(hook)));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, hook) = (Arc::clone(&shared), Arc::clone(&hook));
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let (shared, hook) = (Arc::clone(&shared), Arc::clone(&hook));
                        pass(request, port, cut, shared, hook)
                    });
                    // A connection that is cut ends in an error, as it should.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        let kubeconfig = tempfile::NamedTempFile::new().expect("a file");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: between\n\
             clusters: [{{name: between, cluster: {{server: 'http://{address}'}}}}]\n\
             contexts: [{{name: between, context: {{cluster: between, user: ''}}}}]\n"
        );
        std::fs::write(kubeconfig.path(), text).expect("a kubeconfig");
        Self {
            kubeconfig,
            count,
            proxy,
            _runtime: runtime,
        }
    }

    /// The kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig.path().to_owned()
    }

    /// How many requests came.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

/// `kubectl proxy` speaks TLS, and is the administrator.
fn kubectl_proxy() -> (Child, u16) {
    let mut child = Command::new(sandbox().kubectl_directory().join("kubectl"))
        .args(["proxy", "--port=0", "--reject-paths=^$"])
        .env("KUBECONFIG", sandbox().kubeconfig())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kubectl runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("it says where it is");
    let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
    (child, port.unwrap_or_else(|| panic!("no port: {line}")))
}

async fn pass(
    request: Request<Incoming>,
    port: u16,
    cut: Option<usize>,
    count: Arc<AtomicUsize>,
    hook: Arc<Hook>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let number = count.fetch_add(1, Ordering::SeqCst) + 1;
    let closed = || std::io::Error::other("cut");
    if cut.is_some_and(|cut| number > cut) {
        return Err(closed());
    }
    let line = format!("{} {}", request.method(), request.uri());
    let done = tokio::task::spawn_blocking(move || hook(number, &line)).await;
    done.map_err(std::io::Error::other)?;
    let answer = forward(request, port).await.map_err(std::io::Error::other)?;
    if cut == Some(number) {
        return Err(closed());
    }
    Ok(answer)
}

async fn forward(
    request: Request<Incoming>,
    port: u16,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    parts.headers.insert("host", format!("127.0.0.1:{port}").parse()?);
    let answer = sender
        .send_request(Request::from_parts(parts, Full::new(body)))
        .await?;
    let (mut parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    // The body is whole now, whatever it was on its way.
    parts.headers.remove("transfer-encoding");
    Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Response::from_parts(parts, Full::new(body)))
}

/// Nothing happens between.
pub(crate) fn nothing(_: usize, _: &str) {}
