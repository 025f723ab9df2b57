//! What keeps pods from coming up, and how long it may take to go away by itself.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::ask;
use crate::diagnosis::case::container_trouble;
use crate::diagnosis::scheduling::{Obstacle, obstacle};
use crate::facts::{Container, Pod, Rollout};

/// Reasons of a waiting container whose image is not there
/// (`pkg/kubelet/images/types.go`, v1.37).
const IMAGE: [&str; 4] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
];

/// Reasons of a container that cannot be made (`pkg/kubelet/kuberuntime/kuberuntime_container.go`, v1.37).
const NOT_CREATED: [&str; 3] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// What registries and container runtimes say of an image that no further attempt will find.
const NO_SUCH_IMAGE: [&str; 7] = [
    "not found",
    "manifest unknown",
    "denied",
    "unauthorized",
    "does not exist",
    "invalid reference",
    "no match for platform",
];

/// The events of a volume that is not there.
pub(in crate::diagnosis) const MOUNT_EVENTS: [&str; 3] =
    ["FailedMount", "FailedAttachVolume", "FailedMapVolume"];

/// The events of somebody who is about to add a node: the cluster autoscaler, Karpenter.
pub(in crate::diagnosis) const NODE_COMES: [&str; 2] = ["TriggeredScaleUp", "Nominated"];

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The API server refuses to create pods; its sentence.
    Refused(String),
    /// No node takes the pod; the resources that are short, where that is why.
    Unschedulable(Vec<String>),
    /// An image cannot be had.
    Image {
        /// The container that wants it.
        container: String,
        /// The image.
        image: String,
    },
    /// A container cannot be made.
    NotCreated,
    /// A container ends again and again.
    Crashing {
        /// The container.
        container: String,
        /// Whether it is an init container.
        init: bool,
        /// Whether it was killed for the lack of memory.
        out_of_memory: bool,
    },
    /// A volume cannot be mounted.
    NotMounted,
    /// The server finds no model.
    NoModel,
    /// The server cannot load a model.
    NotLoaded,
    /// The startup probe ends the server before it has loaded its model.
    LoadCutShort,
}

/// Something that keeps pods from coming up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: Kind,
    /// How long it is worth waiting for it to go away by itself; none where only the deadline ends the wait.
    pub patience: Option<Duration>,
}

impl Trouble {
    fn new(kind: Kind, patience: u64) -> Self {
        Self {
            kind,
            patience: Some(Duration::from_secs(patience)),
        }
    }

    fn patient(kind: Kind) -> Self {
        Self { kind, patience: None }
    }
}

/// All that is found, what says most first.
pub fn troubles(rollout: &Rollout, now: DateTime<Utc>) -> Vec<Trouble> {
    let mut found: Vec<Trouble> = ask(rollout, &["TFS805", "TFS810", "TFS811"], now)
        .into_iter()
        .map(|finding| match finding.code {
            // A model may be on its way, and the log a moment old.
            "TFS805" => Trouble::new(Kind::NoModel, 3),
            "TFS810" => Trouble::new(Kind::NotLoaded, 3),
            // The second load finds in the node's memory what the first one read.
            _ => Trouble::new(Kind::LoadCutShort, 30),
        })
        .collect();
    found.extend(rollout.current().filter_map(|pod| of_pod(rollout, pod)));
    if let Some(why) = &rollout.refused {
        // A pod that goes may leave its room in the quota.
        found.push(Trouble::new(Kind::Refused(why.clone()), 5));
    }
    found
}

fn of_pod(rollout: &Rollout, pod: &Pod) -> Option<Trouble> {
    if let Some((name, reason)) = container_trouble(pod) {
        let container = pod.containers.iter().find(|container| container.name == name)?;
        return of_container(container, reason);
    }
    if let Some(condition) = pod.condition("PodScheduled").filter(|it| it.status == "False") {
        let short = match obstacle(condition) {
            Obstacle::Insufficient(resources) => resources,
            _ => Vec::new(),
        };
        let kind = Kind::Unschedulable(short);
        // A new node takes minutes, and somebody has said that it comes.
        return Some(if rollout.newest(&pod.name, &NODE_COMES).is_some() {
            Trouble::patient(kind)
        } else {
            Trouble::new(kind, 15)
        });
    }
    let waits = pod.phase == "Pending" && pod.node.is_some();
    let event = rollout.newest(&pod.name, &MOUNT_EVENTS).filter(|_| waits)?;
    // The volume is still on the node of an old pod, and follows it.
    Some(if event.message.contains("Multi-Attach") {
        Trouble::patient(Kind::NotMounted)
    } else {
        Trouble::new(Kind::NotMounted, 30)
    })
}

fn of_container(container: &Container, reason: &str) -> Option<Trouble> {
    let message = container
        .state_message
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    if IMAGE.contains(&reason) {
        let kind = Kind::Image {
            container: container.name.clone(),
            image: container.image.clone(),
        };
        let hopeless = matches!(reason, "ErrImageNeverPull" | "InvalidImageName")
            || NO_SUCH_IMAGE.iter().any(|words| message.contains(words));
        return Some(Trouble::new(kind, if hopeless { 0 } else { 30 }));
    }
    if NOT_CREATED.contains(&reason) {
        return Some(Trouble::new(Kind::NotCreated, 5));
    }
    (reason == "CrashLoopBackOff").then(|| {
        let last = container.last_end.as_ref();
        let kind = Kind::Crashing {
            container: container.name.clone(),
            init: container.init,
            out_of_memory: last.is_some_and(|end| end.reason == "OOMKilled"),
        };
        Trouble::new(kind, 0)
    })
}
