//! What the state of a Deployment, its `ReplicaSet`s and its pods says about its roll-out.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

/// The annotation by which the Deployment controller counts revisions
/// (`pkg/controller/deployment/util/deployment_util.go`, v1.37).
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Reasons of a waiting container that do not go away by waiting
/// (`pkg/kubelet/images/types.go`, `pkg/kubelet/kuberuntime/kuberuntime_container.go`, v1.37).
const HOPELESS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// How far a roll-out is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rollout {
    /// Every pod is new and available; these are their names.
    Done(Vec<String>),
    /// It goes on; what it waits for.
    Waiting(String),
    /// A pod runs and is not ready; its log may tell why.
    NotReady {
        /// The pod.
        pod: String,
        /// What to say meanwhile.
        waiting: String,
    },
    /// The scheduler finds no node; another pod may go, or a node may come.
    Unschedulable(String),
    /// A container ends again and again; its log tells why.
    Crashing {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// What is known without the log.
        reason: String,
    },
    /// No pod can be created; the API server's sentence.
    PodsRefused(String),
    /// It will not succeed; why.
    Failed(String),
}

/// Judges. `generation` is what the apply returned: before the controller has seen it, the status tells of
/// an earlier roll-out.
pub(super) fn judge(
    deployment: &Deployment,
    replica_sets: &[ReplicaSet],
    pods: &[Pod],
    generation: i64,
) -> Rollout {
    let status = deployment.status.clone().unwrap_or_default();
    if status.observed_generation.unwrap_or(0) < generation {
        return Rollout::Waiting("the Deployment controller to see the change".to_owned());
    }
    let wanted = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    let pods = current_pods(deployment, replica_sets, pods);
    let [updated, available, all] = [
        status.updated_replicas,
        status.available_replicas,
        status.replicas,
    ]
    .map(Option::unwrap_or_default);
    if updated == wanted && available == wanted && all == wanted {
        return Rollout::Done(pods.iter().map(|pod| name(pod)).collect());
    }
    if let Some(failure) = pods.iter().find_map(|pod| pod_failure(pod)) {
        return failure;
    }
    if let Some(failure) = deployment_failure(deployment, replica_sets) {
        return failure;
    }
    let waiting = if updated == wanted && all > wanted {
        format!("{} old pods to end", all - updated)
    } else {
        format!("{available} of {wanted} pods available")
    };
    pods.iter().find_map(|pod| running_not_ready(pod)).map_or_else(
        || {
            Rollout::Waiting(format!(
                "{waiting}{}",
                pods.iter().find_map(|pod| starting(pod)).unwrap_or_default()
            ))
        },
        |pod| Rollout::NotReady {
            pod,
            waiting: waiting.clone(),
        },
    )
}

/// The pods of the newest `ReplicaSet` that are not about to go.
fn current_pods<'a>(deployment: &Deployment, replica_sets: &[ReplicaSet], pods: &'a [Pod]) -> Vec<&'a Pod> {
    let revision = deployment
        .metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(REVISION));
    let current: Vec<&str> = owned(deployment, replica_sets)
        .filter(|set| {
            set.metadata
                .annotations
                .as_ref()
                .and_then(|all| all.get(REVISION))
                == revision
        })
        .filter_map(|set| set.metadata.uid.as_deref())
        .collect();
    pods.iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .filter(|pod| {
            pod.metadata
                .owner_references
                .iter()
                .flatten()
                .any(|owner| current.contains(&owner.uid.as_str()))
        })
        .collect()
}

fn owned<'a>(
    deployment: &Deployment,
    replica_sets: &'a [ReplicaSet],
) -> impl Iterator<Item = &'a ReplicaSet> {
    let uid = deployment.metadata.uid.clone();
    replica_sets.iter().filter(move |set| {
        set.metadata
            .owner_references
            .iter()
            .flatten()
            .any(|owner| Some(&owner.uid) == uid.as_ref())
    })
}

fn pod_failure(pod: &Pod) -> Option<Rollout> {
    let status = pod.status.as_ref()?;
    let containers = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten();
    for container in containers {
        let Some(waiting) = container.state.as_ref().and_then(|state| state.waiting.as_ref()) else {
            continue;
        };
        let reason = waiting.reason.clone().unwrap_or_default();
        let message = waiting.message.clone().unwrap_or_default();
        if reason == "CrashLoopBackOff" {
            return Some(Rollout::Crashing {
                pod: name(pod),
                container: container.name.clone(),
                reason: last_end(container),
            });
        }
        if HOPELESS.contains(&reason.as_str()) {
            return Some(Rollout::Failed(format!(
                "container {} of pod {} cannot start: {reason}: {message} (image {})",
                container.name,
                name(pod),
                container.image
            )));
        }
    }
    let scheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled")?;
    (scheduled.status == "False" && scheduled.reason.as_deref() == Some("Unschedulable")).then(|| {
        Rollout::Unschedulable(format!(
            "pod {} fits on no node: {}",
            name(pod),
            scheduled.message.as_deref().unwrap_or_default()
        ))
    })
}

fn last_end(container: &ContainerStatus) -> String {
    let end = container
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    end.map_or_else(String::new, |end| {
        format!(
            "{} with exit code {}",
            end.reason.as_deref().unwrap_or("ended"),
            end.exit_code
        )
    })
}

fn deployment_failure(deployment: &Deployment, replica_sets: &[ReplicaSet]) -> Option<Rollout> {
    let conditions = deployment
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    for condition in conditions {
        let message = condition.message.as_deref().unwrap_or_default();
        if condition.type_ == "ReplicaFailure" && condition.status == "True" {
            return Some(no_pod(message));
        }
        if condition.type_ == "Progressing" && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
        {
            return Some(Rollout::Failed(format!(
                "the Deployment gave up: ProgressDeadlineExceeded: {message}"
            )));
        }
    }
    owned(deployment, replica_sets)
        .filter_map(|set| set.status.as_ref())
        .flat_map(|status| status.conditions.iter().flatten())
        .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
        .map(|condition| no_pod(condition.message.as_deref().unwrap_or_default()))
}

fn no_pod(message: &str) -> Rollout {
    Rollout::PodsRefused(message.to_owned())
}

fn running_not_ready(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses
        .iter()
        .any(|container| {
            !container.ready
                && container
                    .state
                    .as_ref()
                    .is_some_and(|state| state.running.is_some())
        })
        .then(|| name(pod))
}

fn starting(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let waiting = statuses
        .iter()
        .find_map(|container| container.state.as_ref()?.waiting.as_ref())?;
    Some(format!(
        "; pod {}: {}",
        name(pod),
        waiting.reason.as_deref().unwrap_or("waiting")
    ))
}

fn name(pod: &Pod) -> String {
    pod.metadata.name.clone().unwrap_or_default()
}

#[cfg(test)]
#[path = "rollout_test.rs"]
mod tests;
