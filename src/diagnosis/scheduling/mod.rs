//! Why a pod has no node: what the scheduler writes into the condition `PodScheduled`.
//!
//! The message counts the nodes by the first filter that each of them fails:
//! `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector. preemption: …`
//! (`FitError.Error`, `pkg/scheduler/framework/types.go`, v1.37). The filter nearest to a fit tells what is missing.

mod repair;

pub(super) use repair::repaired;

use crate::facts::Condition;

/// What keeps a pod from every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A scheduling gate has not been removed.
    Gate,
    /// A claim that does not exist.
    ClaimMissing(String),
    /// A claim that is being deleted.
    ClaimDeleted(String),
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
    /// No node has the label by which topology spread constraints tell nodes apart.
    SpreadLabel,
    /// The pods that it wants to be near to.
    Affinity,
    /// Host ports that are taken.
    Ports,
    /// The nodes hold as many volumes as their drivers allow.
    TooManyVolumes,
    /// The class of devices that a `ResourceClaim` asks for does not exist.
    DeviceClassMissing(String),
    /// `ResourceClaim`s that no device satisfies.
    Devices,
    /// Another pod uses the claim, whose access mode `ReadWriteOncePod` lets one pod of the cluster have it.
    ClaimOfOnePod,
    /// The volume is in another zone or on another node.
    VolumeElsewhere,
    /// No node is one that the pods may use.
    Unfit(Unfit),
    /// Something else.
    Other,
}

/// What makes nodes unfit; each node is counted for the first that it meets, cordons before taints before the selector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unfit {
    /// Some do not match `nodeSelector` or node affinity.
    pub selector: bool,
    /// Some are cordoned.
    pub cordoned: bool,
    /// Some have a taint that the pods do not tolerate, other than that of the control plane.
    pub tainted: bool,
    /// Those taints, where the scheduler names them; newer ones do not.
    pub taints: Vec<String>,
}

impl Unfit {
    fn phrase(&self) -> String {
        let taints = if self.taints.is_empty() {
            "taints that they do not tolerate".to_owned()
        } else {
            format!("the taint {}", self.taints.join(" and "))
        };
        // A node is counted for what it meets first: whether a cordoned or tainted one would match is not said.
        let others = if self.selector {
            ", the others do not match their node selector"
        } else {
            ""
        };
        match (self.cordoned, self.tainted) {
            (false, false) => "no node matches their node selector".to_owned(),
            (true, false) if !self.selector => "every node is cordoned".to_owned(),
            (false, true) if !self.selector => format!("no node is free of {taints}"),
            (true, false) => format!("no node takes them: some are cordoned{others}"),
            (false, true) => format!("no node takes them: some have {taints}{others}"),
            (true, true) => format!("no node takes them: some are cordoned, some have {taints}{others}"),
        }
    }
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
    {
        let after = after.trim_start();
        if after.starts_with("not found") {
            return Obstacle::ClaimMissing(name.to_owned());
        }
        if after.starts_with("is being deleted") {
            return Obstacle::ClaimDeleted(name.to_owned());
        }
    }
    if let Some((_, rest)) = text.split_once("device class ")
        && let Some((name, _)) = rest.split_once(" does not exist")
    {
        return Obstacle::DeviceClassMissing(name.to_owned());
    }
    // A node without room is never asked for the volume, and one that topology spread or affinity refuses can use it
    // (`NodeResourcesFit`, `VolumeBinding`, `PodTopologySpread`, `InterPodAffinity`, in this order).
    let later = text.contains("topology spread") || text.contains("affinity rules");
    if of_volume(text) && !later {
        return Obstacle::VolumeElsewhere;
    }
    let short = insufficient(text);
    if !short.is_empty() {
        return Obstacle::Insufficient(short);
    }
    let spread = text.matches("topology spread constraints").count();
    if spread > 0 && spread == text.matches("(missing required label)").count() {
        return Obstacle::SpreadLabel;
    }
    let phrases = [
        ("unbound immediate PersistentVolumeClaims", Obstacle::ClaimUnbound),
        ("binding volumes", Obstacle::ClaimUnbound),
        ("ReadWriteOncePod", Obstacle::ClaimOfOnePod),
        ("Too many pods", Obstacle::TooManyPods),
        ("anti-affinity", Obstacle::AntiAffinity),
        ("topology spread", Obstacle::Spread),
        ("pod affinity", Obstacle::Affinity),
        ("free ports", Obstacle::Ports),
        ("exceed max volume count", Obstacle::TooManyVolumes),
        ("cannot allocate all claims", Obstacle::Devices),
    ];
    for (phrase, obstacle) in phrases {
        if text.contains(phrase) {
            return obstacle;
        }
    }
    let unfit = Unfit {
        selector: text.contains("node affinity/selector"),
        cordoned: text.contains("were unschedulable"),
        tainted: is_tainted(text),
        taints: taints(text),
    };
    if unfit == Unfit::default() {
        Obstacle::Other
    } else {
        Obstacle::Unfit(unfit)
    }
}

impl Obstacle {
    /// The end of `All pods are Pending: …`.
    pub(super) fn phrase(&self) -> String {
        match self {
            Self::Gate => "a scheduling gate holds them".to_owned(),
            Self::ClaimMissing(name) => format!("PersistentVolumeClaim {name} does not exist"),
            Self::ClaimDeleted(name) => format!("PersistentVolumeClaim {name} is being deleted"),
            Self::TooManyVolumes => "no node may hold another volume".to_owned(),
            Self::DeviceClassMissing(name) => format!("DeviceClass {name} does not exist"),
            Self::Devices => "no device is free for their ResourceClaims".to_owned(),
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
            Self::SpreadLabel => "no node has the label of their topology spread constraints".to_owned(),
            Self::Affinity => "no node runs the pods that they want to be near to".to_owned(),
            Self::Ports => "their host ports are taken on every node".to_owned(),
            Self::ClaimOfOnePod => "one pod alone may use their claim (ReadWriteOncePod)".to_owned(),
            Self::VolumeElsewhere => "their volume cannot be used on any node that takes them".to_owned(),
            Self::Unfit(unfit) => unfit.phrase(),
            Self::Other => "the scheduler finds no node for them".to_owned(),
        }
    }
}

/// Whether a volume of the pod is in another zone or on another node.
fn of_volume(text: &str) -> bool {
    text.contains("volume node affinity") || text.contains("PersistentVolume's node affinity")
}

/// Which nodes are meant, where a rule of the pods leaves some alone: the rest of the phrase, after what these lack.
pub(super) fn among(message: &str) -> String {
    let text = message.split(". preemption:").next().unwrap_or_default();
    let mut rules = Vec::new();
    if text.contains("node affinity/selector") {
        rules.push("match their node selector");
    }
    if of_volume(text) {
        rules.push("can use their volume");
    }
    if text.contains("anti-affinity") && !insufficient(text).is_empty() {
        rules.push("anti-affinity leaves them");
    }
    if rules.is_empty() {
        return String::new();
    }
    format!(", of the nodes that {}", rules.join(" and "))
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

/// Whether a taint is in the way that is not named, or is named and is not the control plane's.
fn is_tainted(text: &str) -> bool {
    text.contains("untolerated taint(s)") || !taints(text).is_empty()
}

/// `dedicated=gpu` of `2 node(s) had untolerated taint {dedicated: gpu}`; a node of the control plane is to have one.
fn taints(text: &str) -> Vec<String> {
    let braces = text.split('{').skip(1);
    braces
        .filter_map(|rest| rest.split_once('}'))
        .filter(|(taint, _)| !taint.starts_with("node-role.kubernetes.io/"))
        .map(|(taint, _)| match taint.split_once(':') {
            Some((key, value)) if !value.trim().is_empty() => format!("{key}={}", value.trim()),
            Some((key, _)) => key.to_owned(),
            None => taint.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Obstacle, Unfit, among, obstacle};
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
            Obstacle::Unfit(Unfit {
                selector: true,
                ..Unfit::default()
            })
        );
    }

    #[test]
    fn the_nodes_that_a_rule_leaves_are_told() {
        let message = "0/4 nodes are available: 1 node(s) didn't match pod anti-affinity rules, 3 node(s) didn't match \
                       PersistentVolume's node affinity. preemption: 0/4 nodes are available: 4 Preemption is not helpful.";
        assert_eq!(of(message), Obstacle::AntiAffinity);
        assert_eq!(among(message), ", of the nodes that can use their volume");
        assert_eq!(among("0/4 nodes are available: 4 Insufficient cpu."), "");
    }

    #[test]
    fn a_volume_may_be_elsewhere_in_the_words_of_either_release() {
        for words in [
            "4 node(s) didn't match PersistentVolume's node affinity",
            "4 node(s) had volume node affinity conflict",
        ] {
            let message = format!("0/6 nodes are available: 1 node(s) were unschedulable, {words}.");
            assert_eq!(of(&message), Obstacle::VolumeElsewhere, "{message}");
        }
    }

    #[test]
    fn a_label_that_no_node_has_is_not_a_full_zone() {
        let label = "2 node(s) didn't match pod topology spread constraints (missing required label)";
        let full = "2 node(s) didn't match pod topology spread constraints";
        assert_eq!(
            of(&format!("0/2 nodes are available: {label}.")),
            Obstacle::SpreadLabel
        );
        assert_eq!(
            of(&format!("0/4 nodes are available: {label}, {full}.")),
            Obstacle::Spread
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
    fn taints_are_named_where_the_scheduler_does() {
        let old = of("0/8 nodes are available: 8 node(s) had untolerated taint {dedicated: gpu}.");
        assert_eq!(old.phrase(), "no node is free of the taint dedicated=gpu");
        let new = of("0/8 nodes are available: 8 node(s) had untolerated taint(s).");
        assert_eq!(
            new.phrase(),
            "no node is free of taints that they do not tolerate"
        );
    }

    #[test]
    fn a_node_that_would_match_may_be_cordoned_or_tainted() {
        let mixed = of(
            "0/8 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 7 node(s) didn't \
            match Pod's node affinity/selector.",
        );
        assert_eq!(
            mixed.phrase(),
            "no node takes them: some have the taint dedicated=gpu, the others do not match their node selector"
        );
        let cordoned = of(
            "0/8 nodes are available: 1 node(s) were unschedulable, 7 node(s) didn't match Pod's node \
            affinity/selector.",
        );
        assert_eq!(
            cordoned.phrase(),
            "no node takes them: some are cordoned, the others do not match their node selector"
        );
        assert_eq!(
            of("0/2 nodes are available: 2 node(s) were unschedulable.").phrase(),
            "every node is cordoned"
        );
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
