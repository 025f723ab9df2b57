//! A way to a model's REST port from where the user stands: the Service's own address, else the API server's
//! proxy, else a port-forward, and why the better ones were not taken.

mod direct;
mod exchange;
mod forward;
mod link;
mod ports;
mod proxied;
mod race;
mod target;

use std::fmt;
use std::time::Duration;

pub use exchange::{Failure, Reply, Request};
pub use forward::{Forwarded, open as open_forward};
pub use target::{Backend, Target};

use self::link::Link;
use self::proxied::Proxied;
use self::race::{Attempt, Group};
use super::{Cluster, Error};

/// How long an address has to answer.
const PROBE: Duration = Duration::from_secs(1);
/// How long the Service's own addresses have for themselves: a packet goes round the world in less.
const HEAD_START: Duration = Duration::from_millis(250);
/// How long the API server's proxy has before a port-forward is opened beside it.
const HEAD_START_OF_PROXY: Duration = Duration::from_secs(1);

/// Which way may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Via {
    /// The best one that answers.
    #[default]
    Any,
    /// An address of the Service, of a node or of a pod.
    Service,
    /// The API server's proxy.
    Proxy,
    /// A port-forward to a ready pod.
    PortForward,
    /// The best one that answers, the API server's proxy left out.
    AnyButProxy,
}

/// What is to be reached.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// A Service, or a Deployment.
    pub name: &'a str,
    /// The Service's port; the one of the REST API where none is given.
    pub port: Option<u16>,
    /// Which way may be taken.
    pub via: Via,
    /// A path that a server of models answers to `GET` with a JSON object.
    pub probe: &'a str,
}

/// A way that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// HTTP to an address.
    Direct {
        /// For example `http://10.0.0.7:8501`.
        url: String,
        /// What the address belongs to, for example `load balancer address`.
        of: &'static str,
    },
    /// Through the API server.
    Proxy(Proxied),
    /// Through the API server and the node to one pod.
    PortForward {
        /// The namespace.
        namespace: String,
        /// The pod.
        pod: String,
        /// The container's port.
        port: u16,
    },
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct { url, of } => write!(formatter, "{of} {url}"),
            Self::Proxy(proxied) => proxied.fmt(formatter),
            Self::PortForward { pod, port, .. } => {
                write!(formatter, "port-forward to port {port} of pod {pod}")
            }
        }
    }
}

/// A way that was tried and does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The way.
    pub way: String,
    /// What came back.
    pub why: String,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.way, self.why)
    }
}

/// Why nothing can be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The cluster could not be asked, or it has nothing of the name.
    #[error(transparent)]
    Cluster(#[from] Error),
    /// What has the name offers no REST port.
    #[error("{0}")]
    NoPort(String),
    /// No way answers.
    #[error("cannot reach {}: no way to it answers{}", target.title(), target.next_step())]
    NoWay {
        /// What was to be reached.
        target: Box<Target>,
        /// Each way, with what came back.
        tried: Vec<PassedOver>,
    },
}

/// What was found.
#[derive(Clone)]
pub struct Reach {
    /// What is reached; none where an address was given.
    pub target: Option<Target>,
    /// How.
    pub way: Way,
    /// Better ways, and why they were not taken.
    pub passed_over: Vec<PassedOver>,
    cluster: Option<Cluster>,
}

impl Reach {
    /// The way that `--address` gives; nothing is tried.
    pub fn address(url: impl Into<String>) -> Self {
        Self {
            target: None,
            way: Way::Direct {
                url: url.into(),
                of: "the address",
            },
            passed_over: Vec::new(),
            cluster: None,
        }
    }

    /// A port-forward to one pod; nothing is tried.
    pub(super) fn port_forward(cluster: &Cluster, namespace: &str, pod: &str, port: u16) -> Self {
        Self {
            target: None,
            way: Way::PortForward {
                namespace: namespace.to_owned(),
                pod: pod.to_owned(),
                port,
            },
            passed_over: Vec::new(),
            cluster: Some(cluster.clone()),
        }
    }

    /// Opens a connection that takes one request after the other.
    ///
    /// # Errors
    /// It cannot be opened.
    pub async fn connect(&self, deadline: Duration) -> Result<Connection, Failure> {
        let open = async {
            match (&self.way, &self.cluster) {
                (Way::Direct { url, .. }, _) => direct::connect(url).await.map(Connection::Link),
                (Way::Proxy(proxied), Some(cluster)) => {
                    Ok(Connection::Proxy(Box::new(cluster.clone()), proxied.clone()))
                }
                (Way::PortForward { namespace, pod, port }, Some(cluster)) => {
                    forward::connect(cluster, namespace, pod, *port)
                        .await
                        .map(Connection::Link)
                }
                (Way::Proxy(_) | Way::PortForward { .. }, None) => {
                    Err(Failure::Connect("there is no cluster to ask".to_owned()))
                }
            }
        };
        within(deadline, open).await
    }

    /// One request over a connection of its own.
    ///
    /// # Errors
    /// The server did not answer.
    pub async fn send(&self, request: &Request) -> Result<Reply, Failure> {
        self.connect(request.deadline).await?.send(request).await
    }
}

/// An open connection; over the API server's proxy it is the API server's.
pub enum Connection {
    /// To the server itself, HTTP/1.1 with keep-alive.
    Link(Link),
    /// To the API server.
    Proxy(Box<Cluster>, Proxied),
}

impl Connection {
    /// One request.
    ///
    /// # Errors
    /// The server did not answer; a connection that broke takes no further request.
    pub async fn send(&mut self, request: &Request) -> Result<Reply, Failure> {
        let answer = async {
            match self {
                Self::Link(link) => link.send(request).await,
                Self::Proxy(cluster, proxied) => proxied.send(cluster, request).await,
            }
        };
        within(request.deadline, answer).await
    }

    /// Whether it takes a further request.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Link(link) => link.is_open(),
            Self::Proxy(..) => true,
        }
    }
}

const PROXY: &str = "API server proxy";

/// Finds the best way that answers.
///
/// # Errors
/// There is nothing of the name, it has no REST port, or no way answers.
pub async fn find(cluster: &Cluster, wanted: Wanted<'_>) -> Result<Reach, Unreachable> {
    let target = target::find(cluster, &wanted).await?;
    let allowed = |via: Via| matches!(wanted.via, Via::Any | Via::AnyButProxy) || wanted.via == via;
    let (mut direct, mut passed_over) = (Vec::new(), Vec::new());
    if allowed(Via::Service) {
        direct = direct::attempts(cluster, &target, wanted.probe, &mut passed_over).await;
    }
    let proxy: Option<Attempt<'_>> = allowed(Via::Proxy).then(|| Attempt {
        name: PROXY.to_owned(),
        answer: match wanted.via {
            Via::AnyButProxy => Box::pin(std::future::ready(Err(vec![PassedOver {
                way: PROXY.to_owned(),
                why: "not tried: a load through it would measure the API server".to_owned(),
            }]))),
            _ => Box::pin(proxied::find(cluster, &target, wanted.probe)),
        },
    });
    let port_forward: Option<Attempt<'_>> = allowed(Via::PortForward).then(|| Attempt {
        name: "port-forward to a ready pod".to_owned(),
        answer: Box::pin(forward::find(cluster, &target, wanted.probe)),
    });
    let groups = vec![
        Group {
            head_start: HEAD_START,
            attempts: direct,
        },
        Group {
            head_start: HEAD_START_OF_PROXY,
            attempts: proxy.into_iter().collect(),
        },
        Group {
            head_start: Duration::ZERO,
            attempts: port_forward.into_iter().collect(),
        },
    ];
    let (way, silent) = race::run(groups).await;
    passed_over.extend(silent);
    match way {
        Some(way) => Ok(Reach {
            target: Some(target),
            way,
            passed_over,
            cluster: Some(cluster.clone()),
        }),
        None => Err(Unreachable::NoWay {
            target: Box::new(target),
            tried: passed_over,
        }),
    }
}

async fn within<T>(deadline: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(deadline, work)
        .await
        .unwrap_or(Err(Failure::Deadline(deadline)))
}

/// Whether what answers is a server of models: a JSON object, with whatever status. An address of the cluster
/// may be somebody else's where the user stands.
fn judge(reply: Result<Reply, Failure>) -> Result<(), String> {
    let reply = reply.map_err(|failure| match failure {
        Failure::ApiServer(error @ Error::Request { .. }) => error.why().to_owned(),
        other => other.to_string(),
    })?;
    match serde_json::from_slice::<serde_json::Value>(&reply.body) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        _ => Err(format!(
            "HTTP {}, and what answers is no server of models",
            reply.status
        )),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use hyper::body::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A server that gives the same answers, one a request, over one connection.
    async fn serving(answers: &'static [&'static str]) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = String::new();
            for body in answers {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                seen += &String::from_utf8_lossy(&request[..length]);
                let answer = format!("HTTP/1.1 429 X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            seen
        });
        (url, seen)
    }

    #[tokio::test]
    async fn requests_follow_each_other_over_one_connection() {
        let (url, seen) = serving(&["{\"a\": NaN}", ""]).await;
        let mut connection = Reach::address(format!("{url}/base/"))
            .connect(SECOND)
            .await
            .unwrap();
        let first = connection
            .send(&Request::post("/v1/models/m:predict", "{}", SECOND))
            .await
            .unwrap();
        assert_eq!(
            (first.status, first.body.as_ref()),
            (429, b"{\"a\": NaN}".as_slice())
        );
        assert!(connection.is_open());
        connection
            .send(&Request::get("/v1/models/m", SECOND))
            .await
            .unwrap();
        let seen = seen.await.unwrap();
        assert!(
            seen.starts_with("POST /base/v1/models/m:predict HTTP/1.1\r\n"),
            "{seen}"
        );
        assert!(seen.contains("content-type: application/json\r\n"), "{seen}");
        assert!(seen.contains("GET /base/v1/models/m HTTP/1.1\r\n"), "{seen}");
        assert!(connection.send(&Request::get("/", SECOND)).await.is_err());
    }

    #[tokio::test]
    async fn what_does_not_answer_is_told_apart() {
        let failure = |url: String, deadline| async move {
            Reach::address(url)
                .send(&Request::get("/", deadline))
                .await
                .unwrap_err()
                .to_string()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        assert_eq!(failure(url.clone(), SECOND / 10).await, "no answer within 100ms");
        drop(listener);
        let refused = failure(url, SECOND).await;
        assert!(
            refused.starts_with("cannot connect: Connection refused"),
            "{refused}"
        );
        let (url, _seen) = serving(&[]).await;
        let broken = failure(url, SECOND).await;
        assert!(broken.starts_with("the answer broke off: "), "{broken}");
    }

    #[test]
    fn only_a_server_of_models_will_do() {
        let said = |status, body: &'static str| {
            judge(Ok(Reply {
                status,
                body: Bytes::from_static(body.as_bytes()),
                elapsed: SECOND,
            }))
        };
        assert_eq!(
            said(404, r#"{"error": "Could not find any versions of model m"}"#),
            Ok(())
        );
        insta::assert_snapshot!(said(200, "<html>").unwrap_err(), @"HTTP 200, and what answers is no server of models");
    }
}
