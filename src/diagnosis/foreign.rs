//! Pods that the selector matches and that are not the workload's own live ones: whose they are, and how they are
//! taken out of the sum.

use super::case::{is_leftover, is_own};
use super::phrase::word;
use super::{Case, Finding};
use crate::facts::{MetricTarget, Pod};
use crate::hpa::replicas::Counted;

/// The kind of Argo Rollouts' workloads.
pub(super) const ROLLOUT: &str = "Rollout";

/// The labels with which those who own `ReplicaSet`s call them after themselves: a Deployment, a `Rollout` of Argo.
const TEMPLATE_HASHES: [(&str, &str); 2] = [
    ("pod-template-hash", "Deployment"),
    ("rollouts-pod-template-hash", ROLLOUT),
];

/// What owns a pod: the Deployment or the `Rollout` where its `ReplicaSet` is called after it.
pub(super) fn workload(pod: &Pod) -> Option<(String, String)> {
    let owner = pod.owner.as_ref()?;
    let called_after = TEMPLATE_HASHES.iter().find_map(|(label, kind)| {
        let hash = pod.labels.get(*label)?;
        let name = owner.name.strip_suffix(hash.as_str())?.strip_suffix('-')?;
        Some(((*kind).to_owned(), name.to_owned()))
    });
    Some(match called_after {
        Some(workload) if owner.kind == "ReplicaSet" => workload,
        _ => (owner.kind.clone(), owner.name.clone()),
    })
}

/// What tells the pods of one template from those of the next.
pub(super) fn revision(pod: &Pod) -> Option<&str> {
    let mut hashes = TEMPLATE_HASHES.iter();
    hashes
        .find_map(|(label, _)| pod.labels.get(*label))
        .map(String::as_str)
}

/// The workloads that own the foreign ones among the pods, each once.
pub(super) fn owners(pods: &[&Pod]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for owner in pods
        .iter()
        .filter(|pod| !is_own(pod))
        .filter_map(|pod| workload(pod))
    {
        if !found.contains(&owner) {
            found.push(owner);
        }
    }
    found
}

/// `Deployment/canary`, each once.
pub(super) fn owner_labels(pods: &[&Pod]) -> Vec<String> {
    let owners = owners(pods);
    owners
        .iter()
        .map(|(kind, name)| format!("{kind}/{name}"))
        .collect()
}

/// Names the owners in a finding.
pub(super) fn name_owners(case: &Case<'_>, finding: Finding, pods: &[&Pod]) -> Finding {
    owners(pods).iter().fold(finding, |finding, (kind, name)| {
        finding.object(kind, &case.facts.hpa.namespace, name)
    })
}

/// Takes live pods of Jobs and of nobody out of the selector by their label. The pods of other kinds would be made anew.
pub(super) fn relabel(case: &Case<'_>, finding: Finding, pods: &[&Pod]) -> Finding {
    let selector = case.scale().map_or("", |scale| &scale.selector);
    let Some((label, _)) = selector.split(',').find_map(|part| part.split_once('=')) else {
        return finding;
    };
    let names: Vec<String> = pods
        .iter()
        .filter(|pod| !is_own(pod) && !is_leftover(pod))
        .filter(|pod| pod.owner.as_ref().is_none_or(|owner| owner.kind == "Job"))
        .map(|pod| word(&pod.name))
        .collect();
    if names.is_empty() {
        return finding;
    }
    let these = if names.len() == 1 {
        "this pod"
    } else {
        "these pods"
    };
    finding.fix(
        format!("take {these} out of the selector"),
        format!(
            "kubectl label pod {} -n {} {}-",
            names.join(" "),
            case.namespace(),
            word(label)
        ),
        format!("changes the label of {these} alone; a Job keeps its pods by another label"),
    )
}

/// Deletes the pods that have ended; what is terminating and stays is let go.
pub(super) fn delete(case: &Case<'_>, mut finding: Finding, pods: &[&Pod]) -> Finding {
    let (going, ended): (Vec<&Pod>, Vec<&Pod>) = pods
        .iter()
        .copied()
        .filter(|pod| is_leftover(pod))
        .partition(|pod| pod.deleted_at.is_some());
    if !ended.is_empty() {
        let names: Vec<String> = ended.iter().map(|pod| word(&pod.name)).collect();
        finding = finding.fix(
            "delete the pods that have ended",
            format!("kubectl delete pod {} -n {}", names.join(" "), case.namespace()),
            "deletes these pods; no replica of the workload is lost",
        );
    }
    for pod in going {
        finding = let_go(case, finding, pod);
    }
    finding
}

fn let_go(case: &Case<'_>, finding: Finding, pod: &Pod) -> Finding {
    let arguments = format!("pod {} -n {}", word(&pod.name), case.namespace());
    if let Some(first) = pod.finalizers.first() {
        let patch = word(r#"{"metadata":{"finalizers":null}}"#);
        return finding.fix(
            format!("let Pod {} go, if nothing works on {first} any more", pod.name),
            format!("kubectl patch {arguments} --type=merge -p {patch}"),
            "removes the finalizers: what they were to clean up stays",
        );
    }
    if pod.deleted_at.is_some_and(|time| time < case.now) {
        return finding.fix(
            format!("let Pod {} go, if its node is gone", pod.name),
            format!("kubectl delete {arguments} --force --grace-period=0"),
            "forgets the pod without waiting for its node: if that still runs it, it runs on",
        );
    }
    finding.fix(
        format!("wait until Pod {} is gone", pod.name),
        format!("kubectl wait --for=delete {arguments}"),
        "reads only; it is terminating",
    )
}

/// What the owners of the pods have to change, so that the next pods are right too.
pub(super) fn advise_owners(case: &Case<'_>, finding: Finding, pods: &[&Pod], what: &str) -> Finding {
    let owners = owner_labels(pods);
    if owners.is_empty() {
        return finding;
    }
    let selector = case.scale().map_or("", |scale| &scale.selector);
    let jobs = pods
        .iter()
        .any(|pod| pod.owner.as_ref().is_some_and(|owner| owner.kind == "Job"));
    finding.advice(
        format!(
            "give the pods of {} labels that `{selector}` does not match{what}",
            super::phrase::list(&owners)
        ),
        if jobs {
            "changes the other workload; where a CronJob makes the Jobs, its jobTemplate"
        } else {
            "changes the other workload"
        },
    )
}

/// Whether the metric is not above its target, and more replicas are wanted because pods of others are among those that the
/// ratio is multiplied with.
pub(super) fn multiply(case: &Case<'_>) -> bool {
    let current = case.recommendation.map(|it| it.current_replicas);
    case.deciding_metric().is_some_and(|metric| {
        metric.ratio.is_some_and(|ratio| ratio <= 1.0)
            && metric.proposal > current
            && wanted_without(case).is_some()
    })
}

/// How many replicas the metric that decides would want if only the workload's own pods counted; none where that is not
/// a resource metric, or no foreign pod counts.
pub(super) fn wanted_without(case: &Case<'_>) -> Option<i32> {
    let metric = case.deciding_metric()?;
    let share_of = |pod: &Pod| metric.pods.iter().find(|share| share.name == pod.name);
    let counts = |pod: &Pod| share_of(pod).is_some_and(|share| share.counted == Counted::Yes);
    let filled_in = |pod: &Pod| {
        share_of(pod).is_some_and(|share| matches!(share.counted, Counted::Unready | Counted::Missing))
    };
    // What is filled in for others is known to be left out only where nothing is filled in for the workload's own.
    let own_alone = !case.own_pods().any(filled_in);
    case.foreign_pods()
        .find(|pod| counts(pod) || own_alone && filled_in(pod))?;
    let own: Vec<&Pod> = case.own_pods().filter(|pod| counts(pod)).collect();
    let shares = || {
        metric
            .pods
            .iter()
            .filter(|share| own.iter().any(|pod| pod.name == share.name))
    };
    let usage = shares()
        .filter_map(|share| share.usage_milli)
        .fold(0, i64::saturating_add);
    let number = i64::try_from(own.len()).ok().filter(|number| *number > 0)?;
    let (current, target) = match &case.facts.hpa.metrics.get(metric.index)?.target {
        MetricTarget::AverageUtilization(percent) => {
            let request = shares()
                .filter_map(|share| share.request_milli)
                .fold(0, i64::saturating_add);
            (
                usage.saturating_mul(100).checked_div(request)?,
                i64::from(*percent),
            )
        }
        MetricTarget::AverageValue(value) => (usage / number, value.milli_value().ok()?),
        _ => return None,
    };
    // Enough for a comparison: the controller's own arithmetic is of all pods.
    let wanted = current
        .saturating_mul(number)
        .saturating_add(target.saturating_sub(1))
        .checked_div(target)?;
    i32::try_from(wanted).ok()
}
