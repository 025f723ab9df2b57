//! Why a pod has no node: what the scheduler writes into the condition `PodScheduled`.
//!
//! The message counts the nodes by the first filter that each of them fails:
//! `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector. preemption: …`
//! (`FitError.Error`, `pkg/scheduler/framework/types.go`, v1.37). The filter nearest to a fit tells what is missing.

use crate::facts::Condition;

/// What keeps a pod from every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A scheduling gate has not been removed.
    Gate,
    /// A claim that does not exist.
    ClaimMissing(String),
    /// A claim that has no volume yet.
    ClaimUnbound,
    /// The nodes that fit have too little of these resources left.
    Insufficient(Vec<String>),
    /// The nodes hold as many pods as they may.
    TooManyPods,
    /// The pod's own anti-affinity, or that of the pods that run.
    AntiAffinity,
    /// Topology spread constraints.
    Spread,
    /// The pods that it wants to be near to.
    Affinity,
    /// Host ports that are taken.
    Ports,
    /// The volume is in another zone or on another node.
    VolumeElsewhere,
    /// `nodeSelector` or node affinity.
    Selector,
    /// The nodes are cordoned.
    Cordoned,
    /// Taints that the pod does not tolerate, `{key: value}` of each that is named.
    Taints(Vec<String>),
    /// Something else.
    Other,
}

/// Reads the condition `PodScheduled=False`.
pub(super) fn obstacle(condition: &Condition) -> Obstacle {
    if condition.reason == "SchedulingGated" {
        return Obstacle::Gate;
    }
    let text = condition
        .message
        .split(". preemption:")
        .next()
        .unwrap_or_default();
    if let Some((_, rest)) = text.split_once("persistentvolumeclaim \"")
        && let Some((name, after)) = rest.split_once('"')
        && after.trim_start().starts_with("not found")
    {
        return Obstacle::ClaimMissing(name.to_owned());
    }
    let short = insufficient(text);
    if !short.is_empty() {
        return Obstacle::Insufficient(short);
    }
    let phrases = [
        ("unbound immediate PersistentVolumeClaims", Obstacle::ClaimUnbound),
        ("Too many pods", Obstacle::TooManyPods),
        ("anti-affinity", Obstacle::AntiAffinity),
        ("topology spread", Obstacle::Spread),
        ("pod affinity", Obstacle::Affinity),
        ("free ports", Obstacle::Ports),
        ("volume node affinity", Obstacle::VolumeElsewhere),
        ("node affinity/selector", Obstacle::Selector),
        ("were unschedulable", Obstacle::Cordoned),
    ];
    for (phrase, obstacle) in phrases {
        if text.contains(phrase) {
            return obstacle;
        }
    }
    if text.contains("taint") {
        return Obstacle::Taints(taints(text));
    }
    Obstacle::Other
}

impl Obstacle {
    /// The end of `All pods are Pending: …`.
    pub(super) fn phrase(&self) -> String {
        match self {
            Self::Gate => "a scheduling gate holds them".to_owned(),
            Self::ClaimMissing(name) => format!("PersistentVolumeClaim {name} does not exist"),
            Self::ClaimUnbound => "their PersistentVolumeClaim has no volume".to_owned(),
            Self::Insufficient(resources) => {
                format!(
                    "no node has room for them (insufficient {})",
                    resources.join(" and ")
                )
            }
            Self::TooManyPods => "no node has room for them (too many pods)".to_owned(),
            Self::AntiAffinity => "pod anti-affinity leaves no node for them".to_owned(),
            Self::Spread => "topology spread constraints leave no node for them".to_owned(),
            Self::Affinity => "no node runs the pods that they want to be near to".to_owned(),
            Self::Ports => "their host ports are taken on every node".to_owned(),
            Self::VolumeElsewhere => "their volume cannot be used on any node that is free".to_owned(),
            Self::Selector => "no node matches their node selector".to_owned(),
            Self::Cordoned => "the nodes are cordoned".to_owned(),
            Self::Taints(taints) if taints.is_empty() => "no node is without a taint".to_owned(),
            Self::Taints(taints) => format!("they do not tolerate the taint {}", taints.join(" and ")),
            Self::Other => "the scheduler finds no node for them".to_owned(),
        }
    }
}

/// The resources of `3 Insufficient cpu, 1 Insufficient memory`, each once.
fn insufficient(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in text.split("Insufficient ").skip(1) {
        let name = part
            .split([',', ' '])
            .next()
            .unwrap_or_default()
            .trim_end_matches('.');
        if !name.is_empty() && !found.iter().any(|seen| seen == name) {
            found.push(name.to_owned());
        }
    }
    found
}

/// `dedicated=gpu` of `2 node(s) had untolerated taint {dedicated: gpu}`.
fn taints(text: &str) -> Vec<String> {
    let braces = text.split('{').skip(1);
    braces
        .filter_map(|rest| rest.split_once('}'))
        .map(|(taint, _)| match taint.split_once(':') {
            Some((key, value)) if !value.trim().is_empty() => format!("{key}={}", value.trim()),
            Some((key, _)) => key.to_owned(),
            None => taint.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Obstacle, obstacle};
    use crate::facts::Condition;

    fn of(message: &str) -> Obstacle {
        obstacle(&Condition {
            type_: "PodScheduled".to_owned(),
            status: "False".to_owned(),
            reason: "Unschedulable".to_owned(),
            message: message.to_owned(),
            last_transition_time: None,
        })
    }

    #[test]
    fn the_filter_nearest_to_a_fit_is_the_obstacle() {
        let cpu = Obstacle::Insufficient(vec!["cpu".to_owned()]);
        assert_eq!(
            of(
                "0/8 nodes are available: 1 Insufficient cpu, 7 node(s) didn't match Pod's node affinity/selector. \
                preemption: 0/8 nodes are available: 1 No preemption victims found for incoming pod."
            ),
            cpu
        );
        assert_eq!(
            of("0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu."),
            Obstacle::Insufficient(vec!["memory".to_owned(), "cpu".to_owned()])
        );
        assert_eq!(
            of(
                "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, \
                2 node(s) didn't match Pod's node affinity/selector. preemption: …"
            ),
            Obstacle::Selector
        );
    }

    #[test]
    fn a_claim_is_named() {
        assert_eq!(
            of(r#"0/8 nodes are available: persistentvolumeclaim "data" not found. not found"#),
            Obstacle::ClaimMissing("data".to_owned())
        );
        assert_eq!(
            of("0/8 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"),
            Obstacle::ClaimUnbound
        );
    }

    #[test]
    fn taints_are_named() {
        let taints = of("0/8 nodes are available: 8 node(s) had untolerated taint(s) {dedicated: gpu}.");
        assert_eq!(taints, Obstacle::Taints(vec!["dedicated=gpu".to_owned()]));
    }

    #[test]
    fn preemption_says_nothing_about_the_obstacle() {
        assert_eq!(
            of(
                "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. preemption: 0/2 nodes are \
                available: 2 Insufficient cpu."
            ),
            Obstacle::AntiAffinity
        );
        assert_eq!(of("something new"), Obstacle::Other);
    }
}
