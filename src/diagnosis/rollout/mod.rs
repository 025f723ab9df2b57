//! A Deployment that does not come up, explained to the person who deploys it: by the rules that explain why pods do not
//! count for an HPA, and without one.

mod explain;
mod room;
mod state;
mod trouble;

use chrono::{DateTime, Utc};

pub use explain::explain;
pub use state::{Mark, first_obstacle, state};
pub use trouble::{Kind, Trouble, troubles};
pub(in crate::diagnosis) use trouble::{MOUNT_EVENTS, NODE_COMES};

use super::case::is_ready;
use super::phrase::count;
use crate::facts::{
    Fact, Hpa, HpaFacts, ObjectEvent, ObjectReference, PodEvent, Rollout, Scale, ScaleTarget,
};

/// How far a roll-out is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The controller has not seen it: the status tells of an earlier one.
    Unseen,
    /// It goes on; how far it is.
    Waiting(String),
    /// Every pod is new and ready; these are their names.
    Done(Vec<String>),
}

/// Judges. `generation` is what the apply returned.
pub fn progress(rollout: &Rollout, generation: i64) -> Progress {
    if rollout.target.observed_generation.unwrap_or(0) < generation {
        return Progress::Unseen;
    }
    let wanted = rollout.wanted();
    let (updated, available, all) = (rollout.updated, rollout.available, rollout.all);
    let ready = rollout.current().filter(|pod| is_ready(pod));
    let ready: Vec<String> = ready.map(|pod| pod.name.clone()).collect();
    // The pods are watched beside the Deployment, and may be known later.
    let known = i32::try_from(ready.len()).is_ok_and(|known| known >= wanted);
    if updated == wanted && available == wanted && all == wanted && known {
        return Progress::Done(ready);
    }
    Progress::Waiting(if updated == wanted && all > wanted {
        let old = usize::try_from(all - updated).unwrap_or(0);
        format!("{} still there", count(old, "old pod"))
    } else {
        format!("{available} of {wanted} pods available")
    })
}

/// The same facts as of an HPA that is not written: what the rules look at.
fn as_case_of_an_hpa(rollout: &Rollout) -> HpaFacts {
    let target = &rollout.target;
    HpaFacts {
        hpa: Hpa {
            namespace: rollout.namespace.clone(),
            name: target.name.clone(),
            uid: String::new(),
            created_at: None,
            generation: None,
            observed_generation: None,
            target: ObjectReference {
                api_version: target.api_version.clone(),
                kind: target.kind.clone(),
                name: target.name.clone(),
            },
            min_replicas: None,
            max_replicas: rollout.wanted(),
            metrics: Vec::new(),
            metrics_defaulted: false,
            behavior: None,
            current_replicas: None,
            desired_replicas: rollout.wanted(),
            last_scale_time: None,
            current_metrics: Vec::new(),
            conditions: Vec::new(),
            status_changed_at: None,
            spec_changed_at: None,
            keeper: None,
            limits_writers: Vec::new(),
            last_applied_limits: None,
            delivered_by: None,
        },
        target: Fact::Known(of_this_template(rollout)),
        scale: Fact::Known(Scale {
            spec_replicas: rollout.wanted(),
            status_replicas: rollout.all,
            selector: rollout.selector.clone(),
        }),
        // Pods of earlier templates are no part of it.
        pods: Fact::Known(rollout.current().cloned().collect()),
        pod_metrics: Fact::default(),
        metric_values: Vec::new(),
        unselected_values: Vec::new(),
        events: Fact::default(),
        target_events: Fact::default(),
        pending_events: of_pods(&rollout.events),
        serving_log: rollout.serving_log.clone(),
        same_target: Fact::default(),
        same_target_keepers: std::collections::BTreeMap::new(),
        rivals: Vec::new(),
        scaled_object: Fact::default(),
        alternatives: Fact::default(),
        definition: Fact::default(),
        successor: Fact::default(),
        limit_ranges: Fact::default(),
        quotas: Fact::default(),
        missed_object: Fact::default(),
        nodes: Fact::default(),
    }
}

fn of_pods(events: &Fact<Vec<PodEvent>>) -> Fact<Vec<ObjectEvent>> {
    let Fact::Known(events) = events else {
        return Fact::default();
    };
    let events = events.iter().map(|event| ObjectEvent {
        kind: "Pod".to_owned(),
        name: event.pod.clone(),
        event: event.event.clone(),
    });
    Fact::Known(events.collect())
}

/// The Deployment without what it repeats of an older `ReplicaSet`, whose pods nobody waits for any more.
fn of_this_template(rollout: &Rollout) -> ScaleTarget {
    let mut target = rollout.target.clone();
    target
        .conditions
        .retain(|condition| condition.type_ != "ReplicaFailure" || rollout.refused.is_some());
    target
}

/// Asks rules by their codes about a roll-out.
fn ask(rollout: &Rollout, codes: &[&str], now: DateTime<Utc>) -> Vec<super::Finding> {
    let facts = as_case_of_an_hpa(rollout);
    let cluster = crate::facts::ClusterFacts::default();
    // Nobody waits five minutes before a pod counts: it is to serve now.
    let controller = crate::hpa::replicas::Controller {
        cpu_initialization_seconds: 0,
        ..crate::hpa::replicas::Controller::defaults(None)
    };
    let said = crate::hpa::symptoms::read(&facts, now);
    let case = super::Case {
        cluster: &cluster,
        facts: &facts,
        said: &said,
        controller: &controller,
        recommendation: None,
        set_aside: None,
        now,
    };
    super::order::some(&case, codes)
}

#[cfg(test)]
mod tests;
