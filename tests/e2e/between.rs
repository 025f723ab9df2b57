//! Stands between the plugin and the API server: counts requests, does something when one comes, and kills the plugin at
//! its n-th, as a person with Ctrl-C would, or a laptop that falls asleep.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use crate::support::sandbox;

/// When the plugin is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before the API server sees the request.
    Before,
    /// When it has answered, and before the plugin sees the answer.
    After,
}

/// What is called with every request, before it goes on: `METHOD /path?query`.
type Hook = Box<dyn Fn(&str) + Send + Sync>;

/// The body of an answer: a watch has no end.
type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// Running; it ends with the value.
pub(crate) struct Between {
    kubeconfig: tempfile::NamedTempFile,
    reached: mpsc::Receiver<()>,
    _gate: Gate,
    _runtime: tokio::runtime::Runtime,
}

/// What happens to requests.
struct Plan {
    upstream: SocketAddr,
    cut: Option<(usize, Moment)>,
    seen: AtomicUsize,
    reached: mpsc::Sender<()>,
    hook: Hook,
}

/// Runs the plugin and kills it at its n-th request; false where it ended before it came to that one.
pub(crate) fn killed_at(number: usize, moment: Moment, words: &str) -> bool {
    let between = Between::start(Some((number, moment)), |_| {});
    let mut plugin = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_kubectl-tfserve")))
        .args(words.split_whitespace())
        .env("KUBECONFIG", between.kubeconfig())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the plugin runs");
    loop {
        if between.reached.recv_timeout(Duration::from_millis(20)).is_ok() {
            plugin.kill().expect("it is killed");
            plugin.wait().expect("it ends");
            return true;
        }
        if plugin.try_wait().expect("it can be asked").is_some() {
            return false;
        }
    }
}

impl Between {
    /// Lets requests pass to the API server, in the administrator's name. From the cut on no answer comes back.
    pub(crate) fn start(cut: Option<(usize, Moment)>, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let gate = Gate::open();
        let (sender, reached) = mpsc::channel();
        let plan = Arc::new(Plan {
            upstream: gate.address,
            cut,
            seen: AtomicUsize::new(0),
            reached: sender,
            hook: Box::new(hook),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let kubeconfig = tempfile::NamedTempFile::new().expect("a file");
        let server = format!("http://{}", listener.local_addr().expect("an address"));
        std::fs::write(kubeconfig.path(), config(&server)).expect("a kubeconfig");
        runtime.spawn(serve(listener, plan));
        Self {
            kubeconfig,
            reached,
            _gate: gate,
            _runtime: runtime,
        }
    }

    /// The kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig.path().to_owned()
    }
}

fn config(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: between\n\
         clusters: [{{name: between, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: between, context: {{cluster: between, user: ''}}}}]\n"
    )
}

/// `kubectl proxy`: it speaks TLS, and is the administrator.
struct Gate {
    process: Child,
    address: SocketAddr,
}

impl Gate {
    fn open() -> Self {
        let mut process = sandbox()
            .kubectl()
            .args(["proxy", "--port=0", "--reject-paths=^$"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("kubectl runs");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line
            .trim()
            .rsplit(' ')
            .next()
            .and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address: {line}"));
        Self { process, address }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn serve(listener: tokio::net::TcpListener, plan: Arc<Plan>) {
    while let Ok((stream, _)) = listener.accept().await {
        let plan = Arc::clone(&plan);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&plan)));
            // A connection ends in an error where the plugin was killed, as it should.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, plan: Arc<Plan>) -> Result<Answer, Infallible> {
    let number = plan.seen.fetch_add(1, Ordering::SeqCst) + 1;
    let (at, moment) = plan.cut.unwrap_or((usize::MAX, Moment::Before));
    // What is sent beside the request at which it is killed may have come through, or not: here, not.
    if number > at || number == at && moment == Moment::Before {
        let _ = plan.reached.send(());
        return std::future::pending().await;
    }
    let line = format!("{} {}", request.method(), request.uri());
    let hooked = Arc::clone(&plan);
    let done = tokio::task::spawn_blocking(move || (hooked.hook)(&line)).await;
    done.expect("the hook does not panic");
    // A port-forward would need a tunnel; nothing that is tested here depends on one.
    let answer = if request.headers().contains_key("upgrade") {
        None
    } else {
        forward(request, plan.upstream).await.ok()
    };
    if number == at {
        let _ = plan.reached.send(());
        return std::future::pending().await;
    }
    Ok(answer.unwrap_or_else(|| {
        let empty = Full::default().map_err(|never: Infallible| match never {});
        let mut failed = Response::new(empty.boxed());
        *failed.status_mut() = StatusCode::BAD_GATEWAY;
        failed
    }))
}

async fn forward(
    request: Request<Incoming>,
    upstream: SocketAddr,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let stream = tokio::net::TcpStream::connect(upstream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends when the answer has been read, or nobody reads it any more.
    tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    // kubectl proxy answers to its own name alone.
    parts.headers.insert("host", upstream.to_string().parse()?);
    let body = Full::new(body.collect().await?.to_bytes());
    let answer = sender.send_request(Request::from_parts(parts, body)).await?;
    Ok(answer.map(http_body_util::BodyExt::boxed))
}
