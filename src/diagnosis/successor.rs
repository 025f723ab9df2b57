//! What works in place of a scale target that a controller keeps at zero.

use super::{Case, foreign};
use crate::facts::{ARGO_ROLLOUTS, ObjectReference, Pod, ScaleTarget};

/// How it is known that a `Rollout` works in the target's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Its `spec.workloadRef` names the target.
    WorkloadRef,
    /// So many pods with the target's labels are its.
    Pods(usize),
}

/// The `Rollout` of Argo that runs the pods of a target which Argo Rollouts has scaled to zero.
pub(super) fn rollout_in_place(case: &Case<'_>) -> Option<(ObjectReference, Proof)> {
    let writer = case.target().and_then(ScaleTarget::last_replicas_writer)?;
    if writer.manager != ARGO_ROLLOUTS || case.scale()?.spec_replicas != 0 {
        return None;
    }
    if let Some(known) = case.facts.successor.known() {
        return Some((known.workload.clone(), Proof::WorkloadRef));
    }
    let of_rollouts: Vec<String> = case.foreign_pods().filter_map(rollout).collect();
    let name = of_rollouts.first()?;
    of_rollouts.iter().all(|other| other == name).then(|| {
        let rollout = ObjectReference {
            api_version: "argoproj.io/v1alpha1".to_owned(),
            kind: foreign::ROLLOUT.to_owned(),
            name: name.clone(),
        };
        (rollout, Proof::Pods(of_rollouts.len()))
    })
}

/// The name of the `Rollout` that owns a pod.
fn rollout(pod: &Pod) -> Option<String> {
    foreign::workload(pod)
        .filter(|(kind, _)| kind == foreign::ROLLOUT)
        .map(|(_, name)| name)
}

/// Whether a pod is one of the `Rollout` that works in the target's place: it is the very workload.
pub(super) fn is_in_place(case: &Case<'_>, pod: &Pod) -> bool {
    rollout_in_place(case).is_some_and(|(of, _)| rollout(pod).as_deref() == Some(&*of.name))
}
