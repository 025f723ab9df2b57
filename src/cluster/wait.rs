//! Waits for a roll-out, and says in words why it will not come.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use kube::runtime::{WatchStreamExt, watcher};
use tokio::time::Instant;

use super::rollout::{Rollout, judge};
use super::{Ask, Cluster, Error};
use crate::serving::model::why_no_port;

/// How long a pod may be unschedulable: a node, or room on one, may come within seconds.
const UNSCHEDULABLE_GRACE: Duration = Duration::from_secs(15);
/// How often the state is read where the watch tells nothing.
const TICK: Duration = Duration::from_secs(2);
/// How many log lines an error shows.
const LOG_LINES: i64 = 5;

/// Why the wait ended without success.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The cluster could not be asked.
    #[error(transparent)]
    Cluster(#[from] Error),
    /// It will not succeed as it is.
    #[error("{why}")]
    Failed {
        /// Why.
        why: String,
        /// The last lines of the container's log, where they tell more.
        log: Option<String>,
    },
    /// The API server refuses its pods; in its own words.
    #[error("no pod can be created: FailedCreate: {0}")]
    PodsRefused(String),
    /// The time is over; what it still waits for.
    #[error("{0}")]
    Deadline(String),
}

/// A roll-out to wait for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The Deployment.
    pub deployment: &'a str,
    /// The `metadata.generation` that the apply returned.
    pub generation: i64,
    /// When to give up.
    pub deadline: Instant,
}

/// Waits until every pod of the Deployment is new and available; the value is their names. `report` is
/// told what it waits for, whenever that changes or time passes.
///
/// # Errors
/// It failed, or the deadline came first.
pub async fn rollout(
    cluster: &Cluster,
    target: Target<'_>,
    report: &mut dyn FnMut(&str),
) -> Result<Vec<String>, WaitError> {
    let deployments: Api<Deployment> = Api::namespaced(cluster.client.clone(), target.namespace);
    let only = watcher::Config::default().fields(&format!("metadata.name={}", target.deployment));
    let mut changes = pin!(watcher(deployments, only).default_backoff());
    let mut unschedulable_since: Option<Instant> = None;
    loop {
        let state = read(cluster, target).await?;
        if !matches!(state, Rollout::Unschedulable(_)) {
            unschedulable_since = None;
        }
        let waiting = match state {
            Rollout::Done(pods) => return Ok(pods),
            Rollout::PodsRefused(why) => return Err(WaitError::PodsRefused(why)),
            Rollout::Failed(why) => return Err(failed(why)),
            Rollout::Crashing {
                pod,
                container,
                reason,
            } => {
                let log = log_tail(cluster, target.namespace, &pod, Some(&container)).await;
                return Err(WaitError::Failed {
                    why: format!(
                        "container {container} of pod {pod} ends again and again (CrashLoopBackOff): {reason}"
                    ),
                    log: Some(log),
                });
            }
            Rollout::Unschedulable(why) => {
                let since = *unschedulable_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= UNSCHEDULABLE_GRACE {
                    return Err(failed(why));
                }
                why
            }
            Rollout::NotReady { pod, waiting } => {
                let log = log_tail(cluster, target.namespace, &pod, None).await;
                if let Some(why) = why_no_port(&log) {
                    return Err(failed(format!("pod {pod} runs and serves nothing: {why}")));
                }
                format!("{waiting}; pod {pod} runs and is not ready")
            }
            Rollout::Waiting(what) => what,
        };
        report(&waiting);
        let now = Instant::now();
        if now >= target.deadline {
            return Err(WaitError::Deadline(waiting));
        }
        let until = target.deadline.min(now + TICK);
        // What the watch says, an error included, only means that it is time to look.
        let _ = tokio::time::timeout_at(until, changes.next()).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn failed(why: String) -> WaitError {
    WaitError::Failed { why, log: None }
}

async fn read(cluster: &Cluster, target: Target<'_>) -> Result<Rollout, Error> {
    let Target {
        namespace,
        deployment: name,
        ..
    } = target;
    let deployments: Api<Deployment> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "deployments.apps", namespace, name);
    let deployment = cluster.ask(ask, deployments.get(name)).await?;
    let selector = deployment
        .spec
        .as_ref()
        .map(|spec| spec.selector.clone())
        .unwrap_or_default();
    let labels: Vec<String> = selector
        .match_labels
        .iter()
        .flatten()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let parameters = ListParams::default().labels(&labels.join(","));
    let replica_sets: Api<ReplicaSet> = Api::namespaced(cluster.client.clone(), namespace);
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let (replica_sets, pods) = tokio::try_join!(
        cluster.ask(
            Ask::list("replicasets.apps", Some(namespace)),
            replica_sets.list(&parameters)
        ),
        cluster.ask(Ask::list("pods", Some(namespace)), pods.list(&parameters)),
    )?;
    Ok(judge(
        &deployment,
        &replica_sets.items,
        &pods.items,
        target.generation,
    ))
}

/// The last lines of a container's log; of its last run where the container waits for the next one.
async fn log_tail(cluster: &Cluster, namespace: &str, pod: &str, crashed: Option<&str>) -> String {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let parameters = LogParams {
        container: crashed.map(str::to_owned),
        previous: crashed.is_some(),
        tail_lines: Some(LOG_LINES),
        ..LogParams::default()
    };
    match cluster
        .ask(
            Ask::object("get", "pods/log", namespace, pod),
            pods.logs(pod, &parameters),
        )
        .await
    {
        Ok(log) if log.trim().is_empty() => "(it wrote nothing)".to_owned(),
        Ok(log) => log.trim_end().to_owned(),
        Err(error) => format!("({error})"),
    }
}
