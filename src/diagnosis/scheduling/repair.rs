//! What gives a pod a node, for each obstacle.

use super::{Obstacle, Unfit};
use crate::diagnosis::hindrance::describe;
use crate::diagnosis::node_autoscaler::{self, Said};
use crate::diagnosis::phrase::{amount, count, list, word};
use crate::diagnosis::{Case, Finding};
use crate::facts::{Container, Pod};

/// Adds the repair of what keeps the pod from every node, in the scheduler's words.
pub(in crate::diagnosis) fn repaired(
    case: &Case<'_>,
    finding: Finding,
    pod: &Pod,
    obstacle: &Obstacle,
    words: &str,
) -> Finding {
    let label = case.target_label();
    let rolls = format!("rolls the pods of {label}");
    let cordoned = cordoned(words);
    let finding = match obstacle {
        Obstacle::Spread | Obstacle::AntiAffinity | Obstacle::VolumeElsewhere if cordoned.is_some() => {
            finding.fix(
                "see which nodes are cordoned",
                "kubectl get nodes --field-selector spec.unschedulable=true",
                "reads only",
            )
        }
        Obstacle::ClaimMissing(_)
        | Obstacle::ClaimDeleted(_)
        | Obstacle::ClaimUnbound
        | Obstacle::VolumeElsewhere => finding.fix(
            "see the claims of the namespace",
            format!("kubectl get pvc -n {}", case.namespace()),
            "reads only",
        ),
        Obstacle::Unfit(Unfit { selector: true, .. }) if node_selector(case).is_some() => {
            let wanted = node_selector(case).unwrap_or_default();
            finding.saw("nodeSelector", wanted.as_str(), "spec.template").fix(
                "see which nodes have the labels that the pods want, if any",
                format!("kubectl get nodes -l {}", word(&wanted)),
                "reads only",
            )
        }
        Obstacle::Unfit(_) | Obstacle::Spread | Obstacle::SpreadLabel | Obstacle::TooManyPods => {
            finding.fix("see the nodes", "kubectl get nodes --show-labels", "reads only")
        }
        // The pod's own events say no more than its condition does.
        Obstacle::DeviceClassMissing(_)
        | Obstacle::Gate
        | Obstacle::ClaimOfOnePod
        | Obstacle::TooManyVolumes
        | Obstacle::Devices => finding,
        Obstacle::Insufficient(resources) if resources.iter().any(|it| it.contains('/')) => finding,
        Obstacle::Insufficient(resources) => size(finding, pod, resources),
        _ => finding.fix("see the events of the pod", describe(case, pod), "reads only"),
    };
    let finding = match (obstacle, cordoned) {
        (Obstacle::Spread | Obstacle::AntiAffinity | Obstacle::VolumeElsewhere, Some(number)) => {
            uncordon(finding, number)
        }
        _ => finding,
    };
    match obstacle {
        Obstacle::Insufficient(resources) => match greedy_init_container(pod, resources) {
            Some(init) => finding.advice(
                format!(
                    "lower the request of init container {init}: a pod needs the room of its largest init container, if that \
                     is more than its containers take"
                ),
                rolls,
            ),
            None if resources.iter().any(|it| it.contains('/')) => device(finding, resources),
            None => room(case, finding, pod),
        },
        Obstacle::TooManyPods => finding.advice("add nodes", "changes the cluster"),
        Obstacle::ClaimDeleted(claim) => finding.advice(
            format!("create PersistentVolumeClaim {claim} anew when the last pod that uses it is gone"),
            "no new pod may use it until then, on whatever node",
        ),
        Obstacle::VolumeElsewhere => finding.advice(
            "make room on a node that can use the volume, or move its data to a volume of another node or zone",
            "where a volume can be used is written in the PersistentVolume, and cannot be changed",
        ),
        Obstacle::TooManyVolumes => finding.advice(
            "add nodes, or let fewer pods have a volume of their own",
            "a storage driver allows so many volumes a node (`kubectl get csinodes -o yaml`)",
        ),
        Obstacle::DeviceClassMissing(name) => finding
            .fix("see which classes there are", "kubectl get deviceclasses", "reads only")
            .advice(
                format!("install the driver that brings DeviceClass {name}, or let the claims name one that exists"),
                "the scheduler places the pods as soon as it is there",
            ),
        Obstacle::Devices => finding
            .fix("see which devices the nodes offer", "kubectl get resourceslices", "reads only")
            .advice(
                "repair the driver of the device class, or add a node that has such a device",
                "the scheduler places the pods as soon as a device is free",
            ),
        Obstacle::ClaimMissing(claim) => finding.advice(
            format!("create PersistentVolumeClaim {claim}"),
            "the scheduler places the pods as soon as it is there",
        ),
        Obstacle::ClaimUnbound => finding.advice(
            "give the claim a StorageClass that provisions volumes, or create a PersistentVolume for it",
            "the scheduler places the pods as soon as it is bound",
        ),
        Obstacle::Unfit(unfit) => fit(case, finding, unfit),
        Obstacle::SpreadLabel => finding.advice(
            format!(
                "give the nodes the label that topologySpreadConstraints of {label} names (`kubectl label node`), or \
                 let them say ScheduleAnyway"
            ),
            "changes the nodes, or rolls the pods",
        ),
        Obstacle::Gate => gate(finding, pod),
        Obstacle::ClaimOfOnePod => finding.advice(
            format!(
                "no node helps: let the pods have a claim each (a StatefulSet does), one of access mode ReadWriteMany, or \
                 keep {} at one replica (`maxReplicas: 1`)",
                case.target_label()
            ),
            "the access mode of a claim cannot be changed: a new claim is a new volume",
        ),
        _ => finding.advice(
            format!("add nodes that fit, or loosen the rule in the template of {label}"),
            rolls,
        ),
    }
}

/// `pool=burst`: the labels that the template asks of a node, as kubectl selects by them.
fn node_selector(case: &Case<'_>) -> Option<String> {
    let labels = &case.target()?.template.as_ref()?.node_selector;
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

/// What makes a node fit, for each thing that makes some unfit.
fn fit(case: &Case<'_>, mut finding: Finding, unfit: &Unfit) -> Finding {
    let label = case.target_label();
    if unfit.selector {
        finding = finding.advice(
            format!("label a node as the pods want it (`kubectl label node`), or change nodeSelector or node affinity of {label}"),
            "changes the node, or rolls the pods",
        );
    }
    if unfit.cordoned {
        finding = finding.advice(
            if unfit.selector {
                "or let a cordoned node that has them take pods again, if it is not drained on purpose (`kubectl uncordon NODE`)"
            } else {
                "let the nodes take pods again, if they are not drained on purpose (`kubectl uncordon NODE`)"
            },
            "changes the nodes",
        );
    }
    if unfit.tainted {
        let (taint, key) = unfit
            .taints
            .first()
            .map_or(("the taint", "KEY"), |taint| (taint.as_str(), taint));
        finding = finding.advice(
            format!("give {label} a toleration of {taint}, or take it off a node (`kubectl taint node NODE {key}-`)"),
            "rolls the pods, or changes the node",
        );
    }
    finding
}

/// A gate is its owner's: its name says whose.
fn gate(finding: Finding, pod: &Pod) -> Finding {
    let gates = list(&pod.scheduling_gates);
    if pod
        .scheduling_gates
        .iter()
        .any(|gate| gate.starts_with("kueue.x-k8s.io/"))
    {
        return finding
            .fix(
                "see what Kueue waits for",
                format!("kubectl get workloads.kueue.x-k8s.io -n {}", word(&pod.namespace)),
                "reads only; the conditions of a Workload name the quota that is used up",
            )
            .advice(
                "give its ClusterQueue more quota, or let Kueue leave the pods alone (label `kueue.x-k8s.io/queue-name`)",
                "the scheduler places the pods as soon as the gate is removed",
            );
    }
    finding.advice(
        format!(
            "let whoever sets {gates} remove it: the template itself, or a controller that its name tells"
        ),
        "the scheduler places the pods as soon as the gate is removed",
    )
}

/// How many nodes take no new pods, in the scheduler's words.
fn cordoned(words: &str) -> Option<usize> {
    let (before, _) = words.split_once(" node(s) were unschedulable")?;
    before.rsplit(' ').next()?.parse().ok()
}

/// A node that takes no new pods may be the one that would take them.
fn uncordon(finding: Finding, number: usize) -> Finding {
    let (takes, it) = if number == 1 {
        ("takes", "it, if it is")
    } else {
        ("take", "them, if they are")
    };
    finding.advice(
        format!(
            "{} {takes} no new pods: let {it} not drained on purpose (`kubectl uncordon NODE`)",
            count(number, "cordoned node")
        ),
        "changes the node",
    )
}

/// Devices are what a plugin on the node offers, and a GPU cannot be asked for in parts.
fn device(finding: Finding, resources: &[String]) -> Finding {
    let device = resources
        .iter()
        .find(|it| it.contains('/'))
        .map_or("", String::as_str);
    let escaped = device.replace('.', "\\.");
    finding
        .fix(
            format!("see which nodes offer {device}"),
            format!(
                "kubectl get nodes -o custom-columns=NODE:.metadata.name,OFFERED:{}",
                word(&format!(".status.allocatable.{escaped}"))
            ),
            "reads only; `<none>`: its device plugin does not run on that node",
        )
        .advice(
            format!("add a node that has {device}, or install its device plugin where the hardware is"),
            "changes the cluster",
        )
}

/// More nodes, or smaller pods.
fn room(case: &Case<'_>, finding: Finding, pod: &Pod) -> Finding {
    let at_most = matches!(
        node_autoscaler::said(case),
        Some(Said::DoesNotCome(event)) if event.message.contains("max node group size reached")
    );
    let finding = if at_most {
        finding.advice(
            "raise the maximum size of the node group: the cluster autoscaler has reached it",
            "changes the cluster; a node comes within minutes",
        )
    } else {
        finding
    };
    finding.advice(
        format!(
            "add nodes, or lower the requests of {} (`kubectl set resources`)",
            list(&regular(pod))
        ),
        format!(
            "lower requests roll the pods of {} and raise the utilization that the HPA sees",
            case.target_label()
        ),
    )
}

/// What a pod requests, beside what a node has.
fn size(finding: Finding, pod: &Pod, resources: &[String]) -> Finding {
    let requested = |container: &Container, resource: &str| {
        let request = container.resources.requests.get(resource);
        request.and_then(|it| it.milli_value().ok()).unwrap_or(0)
    };
    let sums: Vec<String> = resources
        .iter()
        .filter_map(|resource| {
            let (running, init): (Vec<&Container>, Vec<&Container>) =
                pod.containers.iter().partition(|it| it.counts_for_requests());
            let sum = running
                .iter()
                .fold(0_i64, |sum, it| sum.saturating_add(requested(it, resource)));
            let largest = init.iter().map(|it| requested(it, resource)).max().unwrap_or(0);
            let needed = sum.max(largest);
            (needed > 0).then(|| format!("{resource} {}", amount(resource, needed)))
        })
        .collect();
    let finding = if sums.is_empty() {
        finding
    } else {
        let sums: Vec<&str> = sums.iter().map(String::as_str).collect();
        finding.saw("a pod needs", list(&sums), "LIST pods")
    };
    finding.fix(
        "see how large the nodes are: what is more than each of them has fits nowhere",
        "kubectl get nodes -o custom-columns=NODE:.metadata.name,CPU:.status.allocatable.cpu,MEMORY:.status.allocatable.memory",
        "reads only",
    )
}

/// The init container that requests more of a resource than all containers that run (`PodRequests`,
/// `k8s.io/component-helpers/resource`): the pod is as large as that one.
fn greedy_init_container<'a>(pod: &'a Pod, resources: &[String]) -> Option<&'a str> {
    let requested = |container: &Container, resource: &String| {
        let request = container.resources.requests.get(resource);
        request.and_then(|it| it.milli_value().ok()).unwrap_or(0)
    };
    resources.iter().find_map(|resource| {
        let running = pod.containers.iter().filter(|it| it.counts_for_requests());
        let sum = running.fold(0_i64, |sum, it| sum.saturating_add(requested(it, resource)));
        let greatest = pod
            .containers
            .iter()
            .filter(|it| !it.counts_for_requests())
            .max_by_key(|it| requested(it, resource))?;
        (requested(greatest, resource) > sum).then_some(greatest.name.as_str())
    })
}

/// The names of the regular containers.
fn regular(pod: &Pod) -> Vec<&str> {
    let regular = pod.containers.iter().filter(|container| !container.init);
    regular.map(|container| container.name.as_str()).collect()
}
