//! Other HPAs whose scale targets select some of the same pods.
//!
//! What is in hand decides: the pods of the HPAs that are read together, and the owners of pods that a selector
//! matches by mistake. Only where the controller itself says that a selector is shared, the other target is asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::budget::Budget;
use super::namespace::list_pods;
use super::scope::Group;
use super::{selector, target};
use crate::cluster::Cluster;
use crate::facts::{Fact, Hpa, HpaFacts, ObjectReference, Pod, Rival, ScaleTarget};
use crate::hpa::message::{Message, decode};

/// The label that a Deployment gives its pods, and the end of their `ReplicaSet`'s name.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// Adds the rivals to the facts of a namespace's HPAs.
pub(super) async fn find(cluster: &Cluster, group: &Group, facts: &mut [HpaFacts], budget: &Budget) {
    let read: BTreeMap<&str, &HpaFacts> = facts.iter().map(|it| (it.hpa.name.as_str(), it)).collect();
    let selected_by = selected_by(facts);
    let mut found = Vec::new();
    for mine in facts.iter() {
        found.push(of(cluster, group, &read, &selected_by, mine, budget).await);
    }
    for (facts, rivals) in facts.iter_mut().zip(found) {
        facts.rivals = rivals;
    }
}

/// Which HPAs select a pod, of those that are read.
fn selected_by(facts: &[HpaFacts]) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for facts in facts {
        for pod in facts.pods.known().into_iter().flatten() {
            found.entry(&pod.name).or_default().push(&facts.hpa.name);
        }
    }
    found
}

async fn of(
    cluster: &Cluster,
    group: &Group,
    read: &BTreeMap<&str, &HpaFacts>,
    selected_by: &BTreeMap<&str, Vec<&str>>,
    mine: &HpaFacts,
    budget: &Budget,
) -> Vec<Rival> {
    let Some(pods) = mine.pods.known() else {
        return Vec::new();
    };
    let same: &[String] = mine.same_target.known().map_or(&[], Vec::as_slice);
    let said = said(&mine.hpa);
    let in_common: BTreeSet<&str> = pods
        .iter()
        .filter_map(|pod| selected_by.get(pod.name.as_str()))
        .flatten()
        .copied()
        .collect();
    let mut rivals = Vec::new();
    let others = group.all.iter().filter(|other| other.name != mine.hpa.name);
    for other in others.filter(|other| !same.contains(&other.name)) {
        let rival = match read.get(other.name.as_str()) {
            Some(_) if !in_common.contains(other.name.as_str()) && !said.contains(&other.name) => continue,
            Some(theirs) => in_hand(theirs, pods),
            None if said.contains(&other.name) => asked(cluster, other, pods, budget).await,
            None => by_owner(other, pods, Fact::default()),
        };
        if !rival.shared_pods.is_empty() || said.contains(&other.name) {
            rivals.push(rival);
        }
    }
    let gone = said
        .into_iter()
        .filter(|name| *name != mine.hpa.name && !group.all.iter().any(|other| other.name == *name));
    rivals.extend(gone.map(|hpa| Rival {
        hpa,
        target: None,
        owner: None,
        selector: Fact::Absent,
        shared_pods: Vec::new(),
    }));
    rivals
}

/// The names of the HPAs that the controller found to share a selector.
fn said(hpa: &Hpa) -> BTreeSet<String> {
    let condition = hpa
        .condition("ScalingActive")
        .filter(|condition| condition.status == "False");
    match condition.map(|condition| decode(&condition.reason, &condition.message)) {
        Some(Message::AmbiguousSelector { hpas }) => hpas
            .iter()
            .map(|name| name.rsplit('/').next().unwrap_or(name).to_owned())
            .collect(),
        _ => BTreeSet::new(),
    }
}

/// An HPA that is read in the same run.
fn in_hand(theirs: &HpaFacts, pods: &[Pod]) -> Rival {
    let names: BTreeSet<&str> = theirs
        .pods
        .known()
        .into_iter()
        .flatten()
        .map(|pod| pod.name.as_str())
        .collect();
    let selector = match &theirs.scale {
        Fact::Known(scale) => Fact::Known(scale.selector.clone()),
        Fact::Absent => Fact::Absent,
        Fact::NotReadable(reason) => Fact::NotReadable(reason.clone()),
    };
    Rival {
        hpa: theirs.hpa.name.clone(),
        target: Some(theirs.hpa.target.clone()),
        owner: controller(&theirs.target),
        selector,
        shared_pods: shared(pods, |pod| names.contains(pod.name.as_str())),
    }
}

fn controller(target: &Fact<ScaleTarget>) -> Option<ObjectReference> {
    target.known()?.controller.clone()
}

/// An HPA whose target has to be asked for.
async fn asked(cluster: &Cluster, other: &Hpa, pods: &[Pod], budget: &Budget) -> Rival {
    let what = || format!("the selector of {}/{}", other.target.kind, other.target.name);
    if budget.left(cluster) == 0 {
        return by_owner(other, pods, Fact::NotReadable(budget.left_out(what())));
    }
    let Some(reading) = target::read_in_one(cluster, &other.namespace, &other.target).await else {
        return by_owner(other, pods, Fact::default());
    };
    let owner = controller(&reading.target);
    let selector = match reading.scale {
        Fact::Known(scale) => scale.selector,
        Fact::Absent => return by_owner(other, pods, Fact::Absent),
        Fact::NotReadable(reason) => return by_owner(other, pods, Fact::NotReadable(reason)),
    };
    let shared_pods = match selector::parse(&selector) {
        Some(expressions) => shared(pods, |pod| selector::matches(&expressions, &pod.labels)),
        None if budget.left(cluster) > 0 => {
            let theirs = list_pods(cluster, &other.namespace, Some(&selector)).await;
            let names: Vec<&Pod> = theirs.known().into_iter().flatten().collect();
            shared(pods, |pod| names.iter().any(|other| other.name == pod.name))
        }
        None => owned(pods, &other.target),
    };
    Rival {
        hpa: other.name.clone(),
        target: Some(other.target.clone()),
        owner,
        selector: Fact::Known(selector),
        shared_pods,
    }
}

/// Without the other selector, the pods of its target that this one matches are what is certain.
fn by_owner(other: &Hpa, pods: &[Pod], selector: Fact<String>) -> Rival {
    Rival {
        hpa: other.name.clone(),
        target: Some(other.target.clone()),
        owner: None,
        selector,
        shared_pods: owned(pods, &other.target),
    }
}

fn owned(pods: &[Pod], target: &ObjectReference) -> Vec<String> {
    shared(pods, |pod| belongs(pod, target))
}

fn shared(pods: &[Pod], both: impl Fn(&Pod) -> bool) -> Vec<String> {
    pods.iter()
        .filter(|pod| both(pod))
        .map(|pod| pod.name.clone())
        .collect()
}

/// Whether a pod is the target's: owned by it, or by the `ReplicaSet` that its template hash names.
fn belongs(pod: &Pod, target: &ObjectReference) -> bool {
    let Some(owner) = pod.owner.as_ref().filter(|owner| !owner.is_scale_target) else {
        return false;
    };
    if owner.kind.eq_ignore_ascii_case(&target.kind) {
        return owner.name == target.name;
    }
    let hash = pod.labels.get(TEMPLATE_HASH);
    let stem = hash.and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
    owner.kind == "ReplicaSet"
        && target.kind.eq_ignore_ascii_case("Deployment")
        && stem == Some(target.name.as_str())
}
