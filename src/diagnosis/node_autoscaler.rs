//! Whether a node is added for pods that find none: what the cluster autoscaler and Karpenter say in events about a pod.
//!
//! `NotTriggerScaleUp` and `TriggeredScaleUp` (`cluster-autoscaler/processors/status/eventing_scale_up_processor.go`);
//! `Nominated` and `FailedScheduling` with words of its own (`pkg/controllers/provisioning/scheduling/events.go` of Karpenter).

use super::Case;
use super::phrase::seconds_since;
use super::rollout::NODE_COMES;
use crate::facts::Event;

/// A node that has not come within this time does not come.
const NODE_SECONDS: i64 = 15 * 60;

/// What was said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// A node is on its way.
    Comes(&'a Event),
    /// No node is added, for this reason.
    DoesNotCome(&'a Event),
}

/// What an autoscaler of nodes said last of a pod that waits; none where there is no autoscaler, or it said nothing.
pub(super) fn said<'a>(case: &Case<'a>) -> Option<Said<'a>> {
    let events = case.facts.pending_events.known()?;
    let mut newest_first = events.iter().rev().filter(|it| it.kind == "Pod");
    newest_first.find_map(|it| {
        let event = &it.event;
        let recent = event
            .last_seen
            .is_some_and(|time| seconds_since(time, case.now) <= NODE_SECONDS);
        let of_karpenter =
            event.reason == "FailedScheduling" && event.message.starts_with("Failed to schedule pod");
        if NODE_COMES.contains(&event.reason.as_str()) {
            recent.then_some(Said::Comes(event))
        } else if event.reason == "NotTriggerScaleUp" || of_karpenter {
            Some(Said::DoesNotCome(event))
        } else {
            None
        }
    })
}
