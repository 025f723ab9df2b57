//! TensorFlow Serving's own numbers, read from pods through the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::{Ask, Cluster, Error};
use crate::serving::REST_PORT;
use crate::serving::monitoring::{self, Counters, Rates};

/// How often a pod is asked.
pub const EVERY: Duration = Duration::from_secs(15);
/// No more pods than this are asked at a time: each costs a request.
pub const PODS_AT_MOST: usize = 12;
/// Requests under way.
const AT_A_TIME: usize = 4;

/// A pod, and the port of its REST API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The port; [`REST_PORT`] in the image.
    pub port: u16,
}

impl Server {
    /// A pod whose REST API is where the image has it.
    pub fn new(namespace: &str, pod: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            port: REST_PORT,
        }
    }
}

/// What is remembered between two readings.
#[derive(Debug, Default)]
pub struct Monitoring {
    last: BTreeMap<(String, String), (Instant, Counters)>,
}

/// The answers of one round.
#[derive(Debug, Default)]
pub struct Round {
    /// By namespace and pod; a pod that was asked for the first time has none yet.
    pub rates: BTreeMap<(String, String), Rates>,
    /// Why a pod could not be asked, the first of them.
    pub trouble: Option<String>,
}

impl Monitoring {
    /// Asks some servers once.
    pub async fn round(&mut self, cluster: &Cluster, servers: &[Server]) -> Round {
        let answers: Vec<_> = stream::iter(servers.iter().take(PODS_AT_MOST))
            .map(|server| async move { (server, ask(cluster, server).await, Instant::now()) })
            .buffered(AT_A_TIME)
            .collect()
            .await;
        let mut round = Round::default();
        let mut last = BTreeMap::new();
        for (server, answer, at) in answers {
            let key = (server.namespace.clone(), server.pod.clone());
            match answer {
                Ok(Some(counters)) => {
                    let rates = self
                        .last
                        .get(&key)
                        .and_then(|(then, before)| monitoring::rates(before, &counters, at - *then));
                    round.rates.extend(rates.map(|rates| (key.clone(), rates)));
                    last.insert(key, (at, counters));
                }
                Ok(None) => {
                    round.trouble.get_or_insert_with(|| {
                        format!(
                            "pod {}/{} tells nothing of TensorFlow Serving at {}",
                            server.namespace,
                            server.pod,
                            monitoring::PATH
                        )
                    });
                }
                Err(error) => {
                    round.trouble.get_or_insert_with(|| error.to_string());
                }
            }
        }
        self.last = last;
        round
    }
}

async fn ask(cluster: &Cluster, server: &Server) -> Result<Option<Counters>, Error> {
    let Server { namespace, pod, port } = server;
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{}",
        monitoring::PATH
    );
    let ask = Ask::object("get", "pods/proxy", namespace, pod);
    let text = cluster
        .ask(ask, async {
            let request = http::Request::get(path)
                .body(Vec::new())
                .map_err(kube::Error::HttpError)?;
            cluster.client.request_text(request).await
        })
        .await?;
    Ok(monitoring::parse(&text))
}

/// Rounds for ever, of the servers that are wanted at the time.
pub async fn follow(cluster: Cluster, mut wanted: watch::Receiver<Vec<Server>>, rounds: mpsc::Sender<Round>) {
    let mut monitoring = Monitoring::default();
    loop {
        let servers = wanted.borrow_and_update().clone();
        if servers.is_empty() {
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        }
        let round = monitoring.round(&cluster, &servers).await;
        if rounds.send(round).await.is_err() {
            return;
        }
        sleep(EVERY).await;
    }
}
