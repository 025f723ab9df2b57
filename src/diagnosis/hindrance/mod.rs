//! What keeps a pod from starting that has a node, or that waits for the volume of a claim, read from events.
//!
//! The kubelet writes them about the pod (`pkg/kubelet/events/event.go`, `volume_manager.go`), the controllers of volumes
//! about the pod and about the claim (`pv_controller.go`, `attach_detach_controller.go`), Kubernetes v1.37.

use super::rollout::MOUNT_EVENTS;
mod container;
mod repair;

pub(super) use container::{container_repaired, lacks_credentials, missing_object, pulls_too_often};
pub(super) use repair::{describe, often, older_template_runs, rolled_back};

use super::Case;
use crate::facts::{Container, Event, ObjectEvent, Pod};

/// The events of a pod whose sandbox, and with it its network, cannot be made.
const SANDBOX_EVENTS: [&str; 3] = [
    "FailedCreatePodSandBox",
    "NetworkNotReady",
    "FailedPodSandBoxStatus",
];

/// The kubelet sums up what it says in other events with more detail.
const SUMMARY: &str = "Unable to attach or mount volumes";

/// What held the pod before one of these does so no more.
const PROGRESS: [&str; 3] = ["Pulled", "Created", "Started"];

/// Those who speak of a pod before the kubelet does: the scheduler and whoever adds nodes.
const BEFORE_THE_KUBELET: [&str; 5] = [
    "Scheduled",
    "FailedScheduling",
    "TriggeredScaleUp",
    "NotTriggerScaleUp",
    "Nominated",
];

/// How long the kubelet may wait for a volume before it says so (`podAttachAndMountTimeout`, `volume_manager.go`), and
/// a little more.
const SILENCE_SECONDS: i64 = 180;

/// How long events are kept, by default (`--event-ttl` of the API server).
const EVENTS_KEPT_SECONDS: i64 = 3600;

/// What holds a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hindrance<'a> {
    /// A volume is of a `ConfigMap` or a `Secret` that does not exist.
    Missing {
        kind: &'static str,
        name: &'a str,
        volume: &'a str,
    },
    /// A volume cannot be attached or mounted.
    Volume(Option<&'a str>),
    /// The volume is on the node of another pod, and only one node may have it.
    AttachedElsewhere,
    /// The sandbox cannot be made.
    Sandbox,
    /// An init container has not ended.
    InitContainerRuns(&'a Container),
    /// The image is on its way.
    Pulling(&'a str),
    /// Nothing was heard from the kubelet of the node.
    SilentKubelet(&'a str),
    /// The claim names a `StorageClass` that does not exist.
    StorageClassMissing { class: &'a str, claim: &'a str },
    /// The claim names no `StorageClass`, none is the default, and no volume fits.
    NoStorageClass { claim: &'a str },
    /// This provisioner has not made the volume of the claim, and has not said why.
    ProvisionerSilent { provisioner: &'a str, claim: &'a str },
    /// The volume of the claim cannot be made.
    NotProvisioned { claim: &'a str },
}

/// What holds a pod, with the event that says so; without one where nothing was said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold<'a> {
    /// What holds it.
    pub(super) hindrance: Hindrance<'a>,
    event: Option<&'a ObjectEvent>,
}

impl<'a> Hold<'a> {
    fn told(hindrance: Hindrance<'a>, event: &'a ObjectEvent) -> Self {
        Self {
            hindrance,
            event: Some(event),
        }
    }

    fn seen(hindrance: Hindrance<'a>) -> Self {
        Self {
            hindrance,
            event: None,
        }
    }
}

/// What holds a pod; none where nothing is known of it.
pub(super) fn hold<'a>(case: &Case<'a>, pod: &'a Pod) -> Option<Hold<'a>> {
    if let Some(container) = pod.running_init_container() {
        return Some(Hold::seen(Hindrance::InitContainerRuns(container)));
    }
    let events = case.facts.pending_events.known()?;
    if pod.waits_for_claims() {
        let of_claims = events
            .iter()
            .rev()
            .filter(|it| it.kind == "PersistentVolumeClaim");
        let mut told = of_claims.filter(|it| pod.claims.contains(&it.name));
        return told.find_map(|it| Some(Hold::told(of_claim(&it.name, &it.event)?, it)));
    }
    let about: Vec<&ObjectEvent> = events
        .iter()
        .filter(|it| it.kind == "Pod" && it.name == pod.name)
        .collect();
    let newest = |detailed: bool| {
        let newest_first = about.iter().rev();
        let mut since_progress = newest_first.take_while(|it| !PROGRESS.contains(&it.event.reason.as_str()));
        since_progress.find_map(|it| {
            let fits = it.event.message.starts_with(SUMMARY) != detailed;
            Some(Hold::told(of_pod(&it.event).filter(|_| fits)?, it))
        })
    };
    newest(true).or_else(|| newest(false)).or_else(|| {
        let waited = (case.now - pod.placed_at()?).num_seconds();
        let heard = |it: &&ObjectEvent| !BEFORE_THE_KUBELET.contains(&it.event.reason.as_str());
        let silent = (SILENCE_SECONDS..EVENTS_KEPT_SECONDS).contains(&waited) && !about.iter().any(heard);
        let node = pod.node.as_deref().filter(|_| silent)?;
        Some(Hold::seen(Hindrance::SilentKubelet(node)))
    })
}

fn of_pod(event: &Event) -> Option<Hindrance<'_>> {
    let reason = event.reason.as_str();
    if MOUNT_EVENTS.contains(&reason) {
        return Some(of_volume(&event.message));
    }
    if SANDBOX_EVENTS.contains(&reason) {
        return Some(Hindrance::Sandbox);
    }
    // `Pulling image "registry/name:tag"`.
    (reason == "Pulling")
        .then(|| quoted(&event.message, "image"))
        .flatten()
        .map(Hindrance::Pulling)
}

/// `MountVolume.SetUp failed for volume "config" : configmap "web" not found`.
fn of_volume(message: &str) -> Hindrance<'_> {
    if message.contains("Multi-Attach") {
        return Hindrance::AttachedElsewhere;
    }
    let volume = quoted(message, "volume");
    let object = |kind: &'static str, word: &str| {
        let name = quoted(message, word).filter(|_| message.trim_end().ends_with("not found"))?;
        Some(Hindrance::Missing {
            kind,
            name,
            volume: volume?,
        })
    };
    object("ConfigMap", " : configmap")
        .or_else(|| object("Secret", " : secret"))
        .unwrap_or(Hindrance::Volume(volume))
}

fn of_claim<'a>(claim: &'a str, event: &'a Event) -> Option<Hindrance<'a>> {
    let message = event.message.as_str();
    match event.reason.as_str() {
        "ProvisioningFailed" => Some(
            quoted(message, "storageclass.storage.k8s.io")
                .filter(|_| message.ends_with("not found"))
                .map_or(Hindrance::NotProvisioned { claim }, |class| {
                    Hindrance::StorageClassMissing { class, claim }
                }),
        ),
        "FailedBinding" => Some(Hindrance::NoStorageClass { claim }),
        "ExternalProvisioning" => {
            let provisioner = message.split('\'').nth(1).unwrap_or("of its StorageClass");
            Some(Hindrance::ProvisionerSilent { provisioner, claim })
        }
        _ => None,
    }
}

/// The text in quotes after a word.
fn quoted<'a>(message: &'a str, word: &str) -> Option<&'a str> {
    let (_, rest) = message.split_once(&format!("{word} \""))?;
    rest.split_once('"').map(|(text, _)| text)
}

impl Hindrance<'_> {
    /// The end of `All pods are Pending: …`.
    pub(super) fn phrase(self) -> String {
        match self {
            Self::Missing { kind, name, volume } => {
                format!("{kind} {name} of volume {volume} does not exist")
            }
            Self::Volume(Some(volume)) => format!("volume {volume} cannot be mounted"),
            Self::Volume(None) => "a volume cannot be mounted".to_owned(),
            Self::AttachedElsewhere => "their volume is attached to another node".to_owned(),
            Self::Sandbox => "their sandbox cannot be created".to_owned(),
            Self::InitContainerRuns(init) => format!("init container {} still runs", init.name),
            Self::Pulling(image) => format!("image {image} is being pulled"),
            Self::SilentKubelet(node) => format!("nothing is heard from the kubelet of node {node}"),
            Self::StorageClassMissing { class, claim } => {
                format!("StorageClass {class} of claim {claim} does not exist")
            }
            Self::NoStorageClass { claim } => {
                format!("claim {claim} names no StorageClass, and no volume fits it")
            }
            Self::ProvisionerSilent { provisioner, claim } => {
                format!("provisioner {provisioner} has made no volume for claim {claim}")
            }
            Self::NotProvisioned { claim } => format!("the volume of claim {claim} cannot be made"),
        }
    }

    /// Whether it may go away by itself, however long it has lasted.
    pub(super) fn may_pass(self) -> bool {
        matches!(self, Self::Pulling(_) | Self::InitContainerRuns(_))
    }
}
