//! What a namespace and the nodes still have room for, asked for before an HPA is written and where pods are refused.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Container, PodTemplate, Quantity, Resources};

/// A `ResourceQuota`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// `status.hard`.
    pub hard: BTreeMap<String, Quantity>,
    /// `status.used`.
    pub used: BTreeMap<String, Quantity>,
    /// Whether it is for some pods only: `spec.scopes` or `spec.scopeSelector`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub scoped: bool,
}

/// An object whose absence a refusal told of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FoundObject {
    /// For example `ServiceAccount`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `metadata.creationTimestamp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
}

/// The nodes of the cluster, as far as the pods of a scale target may be placed on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Nodes {
    /// Those that take such pods and whose own pods were listed.
    pub counted: Vec<NodeRoom>,
    /// How many others take such pods: a few nodes had room enough, or there are too many to ask.
    #[serde(skip_serializing_if = "is_zero")]
    pub uncounted: usize,
    /// Why others do not take such pods, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unfit: BTreeMap<String, String>,
}

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeRoom {
    /// Its name.
    pub name: String,
    /// `status.allocatable`, of the resources that the scale target's pods request.
    pub allocatable: BTreeMap<String, Quantity>,
    /// What the pods on it that stay request of them; `pods` is their number.
    pub requested: BTreeMap<String, Quantity>,
}

/// A toleration of a pod template; what is empty is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Toleration {
    /// `key`; without one it is for all taints.
    pub key: String,
    /// `operator`: `Equal` or `Exists`.
    pub operator: String,
    /// `value`.
    pub value: String,
    /// `effect`; without one it is for all effects.
    pub effect: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl NodeRoom {
    /// How many more pods with these requests, in thousandths, it holds.
    pub fn holds(&self, requests: &BTreeMap<String, i64>) -> i64 {
        let of = |all: &BTreeMap<String, Quantity>, name: &str| {
            all.get(name)
                .and_then(|quantity| quantity.milli_value().ok())
                .unwrap_or(0)
        };
        requests
            .iter()
            .filter(|(_, request)| **request > 0)
            .map(|(name, request)| {
                let free = of(&self.allocatable, name).saturating_sub(of(&self.requested, name));
                free.max(0) / request
            })
            .min()
            .unwrap_or(0)
    }
}

impl Nodes {
    /// How many more pods with these requests the counted nodes hold.
    pub fn hold(&self, requests: &BTreeMap<String, i64>) -> i64 {
        let held = self.counted.iter().map(|node| node.holds(requests));
        held.fold(0, i64::saturating_add)
    }
}

impl PodTemplate {
    /// What the scheduler counts for one pod of it, in thousandths; `pods` is itself.
    pub fn requests(&self) -> BTreeMap<String, i64> {
        pod_requests(&self.containers, self.resources.as_ref())
    }
}

/// What the scheduler counts for a pod, in thousandths (`PodRequests` in `component-helpers/resource`, v1.37): its
/// containers and native sidecars together, or the greatest init container with the sidecars before it; what the pod
/// itself requests takes their place. `pods` is the pod itself.
///
/// What a container limits and does not request, it requests: the API server writes that into pods and not into templates
/// (`SetDefaults_Pod` in `pkg/apis/core/v1/defaults.go`, v1.37).
pub fn pod_requests(containers: &[Container], of_pod: Option<&Resources>) -> BTreeMap<String, i64> {
    let in_milli = |quantities: BTreeMap<String, Quantity>| -> BTreeMap<String, i64> {
        let known = quantities.into_iter();
        known
            .filter_map(|(name, quantity)| Some((name, quantity.milli_value().ok()?)))
            .collect()
    };
    let mut running: BTreeMap<String, i64> = BTreeMap::new();
    let mut sidecars: BTreeMap<String, i64> = BTreeMap::new();
    let mut starting: BTreeMap<String, i64> = BTreeMap::new();
    for container in containers {
        let mut requests = container.resources.limits.clone();
        requests.extend(container.resources.requests.clone());
        for (name, request) in in_milli(requests) {
            if container.counts_for_requests() {
                let sum = running.entry(name.clone()).or_default();
                *sum = sum.saturating_add(request);
            }
            if container.init {
                let before = sidecars.entry(name.clone()).or_default();
                let peak = before.saturating_add(request);
                if container.restartable {
                    *before = peak;
                }
                let most = starting.entry(name).or_default();
                *most = peak.max(*most);
            }
        }
    }
    for (name, peak) in starting {
        let sum = running.entry(name).or_default();
        *sum = peak.max(*sum);
    }
    running.extend(of_pod.map(|it| in_milli(it.requests.clone())).unwrap_or_default());
    running.insert("pods".to_owned(), 1000);
    running
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(cpu: &str, init: bool, restartable: bool) -> Container {
        Container {
            init,
            restartable,
            resources: requests(cpu),
            ..Container::default()
        }
    }

    fn requests(cpu: &str) -> Resources {
        Resources {
            requests: [("cpu".to_owned(), Quantity::from(cpu))].into(),
            limits: BTreeMap::new(),
        }
    }

    fn cpu(containers: &[Container], of_pod: Option<&Resources>) -> i64 {
        pod_requests(containers, of_pod).remove("cpu").unwrap_or(0)
    }

    #[test]
    fn a_pod_needs_what_it_needs_most_at_a_time() {
        let app = container("500m", false, false);
        let sidecar = container("100m", true, true);
        let setup = container("1", true, false);
        assert_eq!(cpu(&[app.clone(), app.clone()], None), 1000);
        assert_eq!(cpu(&[app.clone(), sidecar.clone()], None), 600);
        assert_eq!(cpu(&[app.clone(), setup.clone()], None), 1000);
        assert_eq!(cpu(&[app.clone(), sidecar, setup], None), 1100);
        assert_eq!(cpu(&[app], Some(&requests("2"))), 2000);
        assert_eq!(pod_requests(&[], None), [("pods".to_owned(), 1000)].into());
    }

    #[test]
    fn what_a_container_limits_alone_it_requests() {
        let mut limited = container("500m", false, false);
        limited.resources.limits = requests("2").requests;
        assert_eq!(cpu(std::slice::from_ref(&limited), None), 500);
        limited.resources.requests.clear();
        assert_eq!(cpu(&[limited], None), 2000);
    }

    #[test]
    fn a_node_holds_what_its_scarcest_resource_allows() {
        let quantities = |cpu: &str, pods: &str| {
            [
                ("cpu".to_owned(), Quantity::from(cpu)),
                ("pods".to_owned(), Quantity::from(pods)),
            ]
            .into()
        };
        let node = |cpu: &str, pods: &str| NodeRoom {
            name: "node-1".to_owned(),
            allocatable: quantities("4", "110"),
            requested: quantities(cpu, pods),
        };
        let pod = pod_requests(&[container("500m", false, false)], None);
        assert_eq!(node("1", "10").holds(&pod), 6);
        assert_eq!(node("1", "108").holds(&pod), 2);
        assert_eq!(node("5", "10").holds(&pod), 0);
        let mut gpu = pod;
        gpu.insert("nvidia.com/gpu".to_owned(), 1000);
        assert_eq!(node("1", "10").holds(&gpu), 0);
    }
}
