//! Two HPAs of which one scales what the target of the other owns: their pods are the same by design.

use crate::diagnosis::phrase::word;
use crate::diagnosis::{Case, Finding, Rule, Severity};
use crate::facts::{ObjectReference, Pod, Rival};

/// An HPA and what it scales.
#[derive(Clone, Copy)]
struct Side<'a> {
    hpa: &'a str,
    target: &'a ObjectReference,
}

impl Side<'_> {
    fn label(&self) -> String {
        format!("{}/{}", self.target.kind, self.target.name)
    }
}

/// The finding, where the target of one HPA is known to own that of the other.
pub(super) fn finding(case: &Case<'_>, rule: &Rule, said: &[String]) -> Option<Finding> {
    let (inner, outer) = pair(case)?;
    let hpa = &case.facts.hpa;
    let effect = if said.is_empty() {
        "each counts the other's pods"
    } else {
        "neither scales"
    };
    let finding = rule
        .finding(
            if said.is_empty() {
                Severity::Warning
            } else {
                Severity::Error
            },
            format!(
                "{} of HPA {} belongs to {} of HPA {}: one workload with two HPAs, and {effect}",
                inner.label(),
                inner.hpa,
                outer.label(),
                outer.hpa
            ),
            "the pods of one are the pods of the other by design: no label can keep them apart",
        )
        .object("HorizontalPodAutoscaler", &hpa.namespace, inner.hpa)
        .object("HorizontalPodAutoscaler", &hpa.namespace, outer.hpa)
        .object(&inner.target.kind, &hpa.namespace, &inner.target.name);
    let finding = case.with_condition(finding).saw(
        format!("{}, controller", inner.label()),
        outer.label(),
        "metadata.ownerReferences",
    );
    Some(finding.fix(
        format!("keep HPA {}, which scales the owner", outer.hpa),
        format!("kubectl delete hpa {} -n {}", word(inner.hpa), case.namespace()),
        format!("deletes HPA {}; what made it must not make it again", inner.hpa),
    ))
}

/// Who scales the part, and who the whole.
fn pair<'a>(case: &Case<'a>) -> Option<(Side<'a>, Side<'a>)> {
    let mine = Side {
        hpa: &case.facts.hpa.name,
        target: &case.facts.hpa.target,
    };
    let owner = case.target().and_then(|target| target.controller.as_ref());
    case.facts.rivals.iter().find_map(|rival| {
        let theirs = Side {
            hpa: &rival.hpa,
            target: rival.target.as_ref()?,
        };
        if owner.is_some_and(|owner| owner.is_same(theirs.target)) {
            return Some((mine, theirs));
        }
        let above = rival
            .owner
            .as_ref()
            .is_some_and(|owner| owner.is_same(mine.target));
        (above || is_own_replica_set(case, rival, theirs.target)).then_some((theirs, mine))
    })
}

/// Whether the rival scales the `ReplicaSet` through which this target runs its pods.
fn is_own_replica_set(case: &Case<'_>, rival: &Rival, target: &ObjectReference) -> bool {
    let through = |pod: &&Pod| {
        pod.owner.as_ref().is_some_and(|owner| {
            owner.is_scale_target && owner.kind == "ReplicaSet" && owner.name == target.name
        })
    };
    let mut shared = case
        .pods()
        .iter()
        .filter(|pod| rival.shared_pods.contains(&pod.name));
    target.kind.eq_ignore_ascii_case("ReplicaSet")
        && !case.facts.hpa.target.kind.eq_ignore_ascii_case("ReplicaSet")
        && shared.any(|pod| through(&pod))
}
