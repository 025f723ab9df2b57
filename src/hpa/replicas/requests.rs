//! `calculateRequests` (`replica_calculator.go`): what the pods ask for.

use std::collections::BTreeMap;

use super::PodShare;
use crate::facts::{Container, Pod, Resources};

/// The first release that counts native sidecars.
const SIDECARS_SINCE: u32 = 29;
/// The first release that prefers pod-level requests (feature gate `PodLevelResources`, on by default).
const POD_LEVEL_SINCE: u32 = 34;
/// The first release that names container and pod.
const NAMES_SINCE: u32 = 26;
/// The first release that misses a container which a pod does not have.
const CONTAINER_REQUIRED_SINCE: u32 = 35;

/// What is asked for, of which container, by which release.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) resource: &'a str,
    pub(super) container: Option<&'a str>,
    pub(super) minor: u32,
}

/// The requests of all pods by name, in thousandths, or the controller's text for the first pod that lacks
/// one. Every pod is asked, ignored ones too; the shares are told what each of them lacks.
pub(super) fn calculate(
    pods: &[Pod],
    wanted: Wanted<'_>,
    shares: &mut [PodShare],
) -> Result<BTreeMap<String, i64>, String> {
    let mut requests = BTreeMap::new();
    let mut first = None;
    for (pod, share) in pods.iter().zip(shares) {
        match of_pod(pod, wanted) {
            Ok(milli) => {
                share.request_milli = Some(milli);
                requests.insert(pod.name.clone(), milli);
            }
            Err(lack) => {
                share.why = format!("{}; {}", share.why, lack.plainly);
                first.get_or_insert(lack.text);
            }
        }
    }
    first.map_or(Ok(requests), Err)
}

/// What a pod lacks: the controller's text, and all of it in plain words.
struct Lack {
    text: String,
    plainly: String,
}

fn of_pod(pod: &Pod, wanted: Wanted<'_>) -> Result<i64, Lack> {
    let pod_level = pod.resources.as_ref().filter(|resources| {
        wanted.minor >= POD_LEVEL_SINCE && wanted.container.is_none() && is_set(resources)
    });
    match pod_level {
        Some(resources) => of_pod_level(pod, resources, wanted.resource),
        None => of_containers(pod, wanted),
    }
}

/// `IsPodLevelRequestsSet` (`component-helpers/resource/helpers.go`).
fn is_set(resources: &Resources) -> bool {
    resources.requests.keys().any(|name| is_pod_level(name))
}

fn is_pod_level(resource: &str) -> bool {
    matches!(resource, "cpu" | "memory") || resource.starts_with("hugepages-")
}

/// `PodRequests`: the pod's own request, else what its containers add up to.
fn of_pod_level(pod: &Pod, resources: &Resources, resource: &str) -> Result<i64, Lack> {
    resources
        .requests
        .get(resource)
        .filter(|_| is_pod_level(resource))
        .and_then(|quantity| quantity.controller_milli_value().ok())
        .or_else(|| aggregate(&pod.containers, resource))
        .ok_or_else(|| Lack {
            text: format!("missing pod-level request for {resource} in Pod {}", pod.name),
            plainly: format!("requests {resource} neither for the pod nor for a container"),
        })
}

/// `aggregateContainerResourcesByFn`: the sum of containers and native sidecars, or what an init container
/// needs while it runs, whichever is more.
fn aggregate(containers: &[Container], resource: &str) -> Option<i64> {
    let (mut sum, mut sidecars, mut peak) = (0_i64, 0_i64, 0_i64);
    let mut any = false;
    for container in containers {
        let request = request(container, resource);
        any |= request.is_some();
        let milli = request.unwrap_or(0);
        if container.counts_for_requests() {
            sum = sum.saturating_add(milli);
        }
        if container.restartable {
            sidecars = sidecars.saturating_add(milli);
        } else if container.init {
            peak = peak.max(sidecars.saturating_add(milli));
        }
    }
    any.then(|| sum.max(peak))
}

/// `calculatePodRequestsFromContainers`.
fn of_containers(pod: &Pod, wanted: Wanted<'_>) -> Result<i64, Lack> {
    let mut counted = pod
        .containers
        .iter()
        .filter(|container| !container.init || (container.restartable && wanted.minor >= SIDECARS_SINCE))
        .filter(|container| wanted.container.is_none_or(|name| name == container.name))
        .peekable();
    if let (None, Some(name)) = (counted.peek(), wanted.container) {
        return if wanted.minor >= CONTAINER_REQUIRED_SINCE {
            Err(Lack {
                text: format!("container {name} not found in Pod {}", pod.name),
                plainly: format!("has no container {name}"),
            })
        } else {
            Ok(0)
        };
    }
    let mut sum = 0_i64;
    let mut lacking = Vec::new();
    for container in counted {
        match request(container, wanted.resource) {
            Some(milli) => sum = sum.wrapping_add(milli),
            None => lacking.push(container.name.as_str()),
        }
    }
    let Some(first) = lacking.first() else {
        return Ok(sum);
    };
    let resource = wanted.resource;
    Err(Lack {
        text: if wanted.minor >= NAMES_SINCE {
            format!(
                "missing request for {resource} in container {first} of Pod {}",
                pod.name
            )
        } else {
            format!("missing request for {resource}")
        },
        plainly: format!("no {resource} request in container {}", lacking.join(", ")),
    })
}

fn request(container: &Container, resource: &str) -> Option<i64> {
    container
        .resources
        .requests
        .get(resource)?
        .controller_milli_value()
        .ok()
}
