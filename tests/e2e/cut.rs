//! A proxy that stops the program at its n-th request, as a person with Ctrl-C would, or a laptop that falls asleep.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{client, server};
use hyper_util::rt::TokioIo;

use crate::support::sandbox;

/// When the program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before the API server sees the request.
    Before,
    /// When it has answered, and before the program sees the answer.
    After,
}

/// What the proxy does at its n-th request.
#[derive(Debug, Clone)]
struct Plan {
    upstream: SocketAddr,
    at: usize,
    moment: Moment,
    seen: Arc<AtomicUsize>,
    reached: mpsc::Sender<()>,
}

/// Runs the plugin and kills it at its n-th request; false where it ended before it came to that one.
pub(crate) fn killed_at(number: usize, moment: Moment, words: &str) -> bool {
    let gate = Gate::open();
    let (reached, signal) = mpsc::channel();
    let plan = Plan {
        upstream: gate.address,
        at: number,
        moment,
        seen: Arc::default(),
        reached,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let server = format!("http://{}", listener.local_addr().expect("an address"));
    runtime.spawn(serve(listener, plan));
    let directory = tempfile::tempdir().expect("a directory");
    let kubeconfig = directory.path().join("kubeconfig");
    std::fs::write(&kubeconfig, config(&server)).expect("the kubeconfig is written");
    let mut program = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_kubectl-tfserve")))
        .args(words.split_whitespace())
        .env("KUBECONFIG", kubeconfig)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the plugin runs");
    loop {
        if signal.recv_timeout(Duration::from_millis(50)).is_ok() {
            program.kill().expect("it is killed");
            program.wait().expect("it ends");
            return true;
        }
        if program.try_wait().expect("it can be asked").is_some() {
            return false;
        }
    }
}

fn config(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: cut\nclusters: [{{name: cut, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: cut, user: {{}}}}]\ncontexts: [{{name: cut, context: {{cluster: cut, user: cut}}}}]\n"
    )
}

/// `kubectl proxy`: the API server without TLS.
struct Gate {
    process: Child,
    address: SocketAddr,
}

impl Gate {
    fn open() -> Self {
        let mut process = sandbox()
            .kubectl()
            .args(["proxy", "--port=0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl runs");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line
            .trim()
            .rsplit(' ')
            .next()
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("no address: {line}"));
        Self { process, address }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn serve(listener: tokio::net::TcpListener, plan: Plan) {
    while let Ok((stream, _)) = listener.accept().await {
        let plan = plan.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, plan.clone()));
            // A connection ends in an error where the program was killed, as it should.
            let _ = server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, plan: Plan) -> Result<Response<Full<Bytes>>, Infallible> {
    let here = plan.seen.fetch_add(1, Ordering::SeqCst) + 1 == plan.at;
    if here && plan.moment == Moment::Before {
        let _ = plan.reached.send(());
        return std::future::pending().await;
    }
    let answer = forward(request, plan.upstream).await;
    if here {
        let _ = plan.reached.send(());
        return std::future::pending().await;
    }
    Ok(answer.unwrap_or_else(|| {
        let mut failed = Response::new(Full::default());
        *failed.status_mut() = StatusCode::BAD_GATEWAY;
        failed
    }))
}

async fn forward(request: Request<Incoming>, upstream: SocketAddr) -> Option<Response<Full<Bytes>>> {
    let stream = tokio::net::TcpStream::connect(upstream).await.ok()?;
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    // kubectl proxy answers to its own name alone.
    parts.headers.insert("host", upstream.to_string().parse().ok()?);
    let body = Full::new(body.collect().await.ok()?.to_bytes());
    let response = sender.send_request(Request::from_parts(parts, body)).await.ok()?;
    let (parts, body) = response.into_parts();
    Some(Response::from_parts(
        parts,
        Full::new(body.collect().await.ok()?.to_bytes()),
    ))
}
