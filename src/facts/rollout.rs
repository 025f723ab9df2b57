//! A Deployment on its way to pods that serve: what `up` waits for.

use super::{Event, Fact, LogLine, Nodes, NotReadable, Pod, ScaleTarget};

/// A Deployment, its newest `ReplicaSet` and their pods, at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rollout {
    /// The namespace.
    pub namespace: String,
    /// The Deployment.
    pub target: ScaleTarget,
    /// The selector of its pods, serialized.
    pub selector: String,
    /// `status.updatedReplicas`: pods of the newest template.
    pub updated: i32,
    /// `status.availableReplicas`: pods that are ready, of whichever template.
    pub available: i32,
    /// `status.replicas`: pods of whichever template.
    pub all: i32,
    /// The name of the newest `ReplicaSet`; none until the controller has made it.
    pub replica_set: Option<String>,
    /// What the API server says to the newest `ReplicaSet` that may create no pod.
    pub refused: Option<String>,
    /// All pods of the Deployment.
    pub pods: Vec<Pod>,
    /// The events about those pods, oldest first.
    pub events: Fact<Vec<PodEvent>>,
    /// The telling lines of the log of a server that has never been ready; asked for only there.
    pub serving_log: Fact<Vec<LogLine>>,
    /// What containers wrote last before they ended, or while they are not ready.
    pub last_words: Vec<LastWords>,
    /// What there is room for; asked for only where a pod finds no node.
    pub nodes: Fact<Nodes>,
}

/// An event about a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodEvent {
    /// The pod's name.
    pub pod: String,
    /// The event.
    pub event: Event,
}

/// The last lines of a container's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWords {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether they are of the run before.
    pub previous: bool,
    /// The lines, or why they could not be read.
    pub lines: Result<Vec<String>, NotReadable>,
}

impl Rollout {
    /// `spec.replicas`.
    pub fn wanted(&self) -> i32 {
        self.target.replicas.unwrap_or(1)
    }

    /// The pods of the newest template that are not about to go.
    pub fn current(&self) -> impl Iterator<Item = &Pod> {
        let of_newest = |pod: &&Pod| {
            let owner = pod.owner.as_ref().map(|owner| owner.name.as_str());
            owner.is_some() && owner == self.replica_set.as_deref()
        };
        self.pods
            .iter()
            .filter(of_newest)
            .filter(|pod| pod.deleted_at.is_none())
    }

    /// The events about a pod, oldest first.
    pub fn about(&self, pod: &str) -> impl DoubleEndedIterator<Item = &Event> {
        let all = self.events.known().map_or(&[][..], Vec::as_slice);
        let about = all.iter().filter(move |event| event.pod == pod);
        about.map(|event| &event.event)
    }

    /// The newest event about a pod for one of these reasons.
    pub fn newest(&self, pod: &str, reasons: &[&str]) -> Option<&Event> {
        let mut newest_first = self.about(pod).rev();
        newest_first.find(|event| reasons.contains(&event.reason.as_str()))
    }
}
