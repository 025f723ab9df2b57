//! A load in the cluster: how its pods come up, and the log of its master.

use std::sync::Arc;

use futures::AsyncBufReadExt;
use futures::future::join_all;
use futures::stream::{BoxStream, StreamExt};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::{ListParams, LogParams};

use super::{Ask, Cluster, Error, convert};
use crate::facts::{Fact, Rollout, ScaleTarget};
use crate::load::jobs::LOAD;

/// So many pods that wait are asked about: they are alike.
const ASKED_ABOUT: usize = 3;

/// The pod of the master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Master {
    /// Its name.
    pub pod: String,
    /// Its address.
    pub address: String,
    /// Whether it has ended.
    pub ended: bool,
}

/// A Job, and how many pods it is to have.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its `metadata.uid`: an earlier one of its name had events too.
    pub uid: &'a str,
    /// Its pods.
    pub pods: u16,
}

/// The pods of a Job, with the events about those that wait, and about the Job where pods are missing.
///
/// # Errors
/// The pods could not be listed.
pub async fn rollout(cluster: &Cluster, namespace: &str, job: Wanted<'_>) -> Result<Rollout, Error> {
    let all: Vec<Arc<v1::Pod>> = pods_of(cluster, namespace, job.name).await?;
    let missing = all.len() < usize::from(job.pods);
    let waiting = all
        .iter()
        .filter(|pod| is_waiting(pod))
        .filter_map(|pod| pod.metadata.uid.as_deref())
        .take(ASKED_ABOUT);
    let about = waiting.chain(Some(job.uid).filter(|_| missing));
    let events = join_all(about.map(|uid| events_about(cluster, namespace, uid))).await;
    let events: Vec<Arc<v1::Event>> = events.into_iter().flatten().collect();
    let refused = events
        .iter()
        .filter(|event| event.involved_object.uid.as_deref() == Some(job.uid))
        .find(|event| event.reason.as_deref() == Some("FailedCreate"))
        .and_then(|event| event.message.clone());
    Ok(Rollout {
        namespace: namespace.to_owned(),
        target: ScaleTarget {
            api_version: "batch/v1".to_owned(),
            kind: "Job".to_owned(),
            name: job.name.to_owned(),
            replicas: Some(i32::from(job.pods)),
            ..ScaleTarget::default()
        },
        replica_set: Some(job.name.to_owned()),
        refused,
        pods: all
            .iter()
            .map(|pod| {
                let mut pod = convert::pod(pod);
                if let Some(owner) = &mut pod.owner {
                    owner.is_scale_target = true;
                }
                pod
            })
            .collect(),
        events: Fact::Known(convert::events_of_pods(
            &events,
            &all.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        )),
        ..Rollout::default()
    })
}

fn is_waiting(pod: &v1::Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase.is_none_or(|phase| phase == "Pending")
}

/// Nothing where they may not be read: the pods' own states still tell.
async fn events_about(cluster: &Cluster, namespace: &str, uid: &str) -> Vec<Arc<v1::Event>> {
    let api: Api<v1::Event> = Api::namespaced(cluster.client.clone(), namespace);
    let about = ListParams::default().fields(&format!("involvedObject.uid={uid}"));
    cluster
        .ask(Ask::list("events", Some(namespace)), api.list(&about))
        .await
        .map(|list| list.items.into_iter().map(Arc::new).collect())
        .unwrap_or_default()
}

/// The master's pod; none until it has an address.
///
/// # Errors
/// The pods could not be listed.
pub async fn master(cluster: &Cluster, namespace: &str, job: &str) -> Result<Option<Master>, Error> {
    let pods = pods_of(cluster, namespace, job).await?;
    Ok(pods.iter().find_map(|pod| {
        let status = pod.status.as_ref()?;
        let phase = status.phase.as_deref().unwrap_or_default();
        let ended = matches!(phase, "Succeeded" | "Failed");
        if phase != "Running" && !ended {
            return None;
        }
        Some(Master {
            pod: pod.metadata.name.clone()?,
            address: status.pod_ip.clone()?,
            ended,
        })
    }))
}

/// How long ago an unfinished load began, in seconds; none where none runs.
///
/// # Errors
/// The Job could not be read.
pub async fn running_since(cluster: &Cluster, namespace: &str, job: &str) -> Result<Option<i64>, Error> {
    let api: Api<Job> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::object("get", "jobs.batch", namespace, job);
    let Some(job) = cluster.ask(ask, api.get_opt(job)).await? else {
        return Ok(None);
    };
    let ended = job
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .any(|condition| {
            matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True"
        });
    let created = job
        .metadata
        .creation_timestamp
        .and_then(|created| convert::instant(created.0));
    Ok(created
        .filter(|_| !ended && job.metadata.deletion_timestamp.is_none())
        .map(|created| (chrono::Utc::now() - created).num_seconds().max(0)))
}

/// The lines of a pod's log, from its beginning, as they come.
///
/// # Errors
/// It could not be read.
pub async fn log(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
) -> Result<BoxStream<'static, std::io::Result<String>>, Error> {
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let parameters = LogParams {
        follow: true,
        ..LogParams::default()
    };
    let ask = Ask::object("get", "pods/log", namespace, pod);
    let log = cluster.ask(ask, api.log_stream(pod, &parameters)).await?;
    Ok(log.lines().boxed())
}

async fn pods_of(cluster: &Cluster, namespace: &str, job: &str) -> Result<Vec<Arc<v1::Pod>>, Error> {
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let ask = Ask::list("pods", Some(namespace));
    let list = cluster
        .ask(ask, api.list(&ListParams::default().labels(LOAD)))
        .await?;
    let of_job = |pod: &v1::Pod| {
        convert::controller(&pod.metadata).is_some_and(|owner| owner.kind == "Job" && owner.name == job)
    };
    Ok(list.items.into_iter().filter(of_job).map(Arc::new).collect())
}
