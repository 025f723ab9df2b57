//! Where a pod is on its way, in a line.

use chrono::{DateTime, Utc};

use super::trouble::{MOUNT_EVENTS, NODE_COMES};
use crate::diagnosis::case::{container_trouble, is_ready};
use crate::diagnosis::phrase::{seconds_since, span};
use crate::diagnosis::scheduling::obstacle;
use crate::facts::{Pod, Rollout};

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is as it should be.
    Good,
    /// It is on its way.
    Busy,
    /// Something is in its way.
    Bad,
}

/// Where a pod is; the text changes only when something happens.
pub fn state(rollout: &Rollout, pod: &Pod, now: DateTime<Utc>) -> (Mark, String) {
    if pod.deleted_at.is_some() {
        return (Mark::Busy, "ends".to_owned());
    }
    if is_ready(pod) {
        return (Mark::Good, "ready".to_owned());
    }
    if let Some((name, reason)) = container_trouble(pod) {
        let container = pod.containers.iter().find(|container| container.name == name);
        let message = container.and_then(|it| it.state_message.as_deref());
        let message = message.map_or_else(String::new, |message| format!(": {message}"));
        return (Mark::Bad, format!("container {name}: {reason}{message}"));
    }
    if pod.phase == "Pending" {
        return pending(rollout, pod);
    }
    if let Some(event) = rollout.newest(&pod.name, &["Unhealthy"]) {
        return (Mark::Busy, format!("runs, and is not ready: {}", event.message));
    }
    let minutes = pod
        .start_time
        .map_or(0, |start| seconds_since(start, now) / 60 * 60);
    let since = if minutes > 0 {
        format!(" for {}", span(minutes))
    } else {
        String::new()
    };
    (Mark::Busy, format!("runs, and is not ready yet{since}"))
}

/// The first pod in whose way something is, and what.
pub fn first_obstacle(rollout: &Rollout, now: DateTime<Utc>) -> Option<String> {
    rollout.current().find_map(|pod| {
        let (mark, text) = state(rollout, pod, now);
        (mark == Mark::Bad).then(|| format!("pod {}: {text}", pod.name))
    })
}

fn pending(rollout: &Rollout, pod: &Pod) -> (Mark, String) {
    if let Some(condition) = pod.condition("PodScheduled").filter(|it| it.status == "False") {
        if let Some(event) = rollout.newest(&pod.name, &NODE_COMES) {
            return (
                Mark::Busy,
                format!("waits for a node: {}: {}", event.reason, event.message),
            );
        }
        return (
            Mark::Bad,
            format!("fits on no node: {}", obstacle(condition).phrase()),
        );
    }
    if pod.node.is_none() {
        return (Mark::Busy, "waits for the scheduler".to_owned());
    }
    if let Some(event) = rollout.newest(&pod.name, &MOUNT_EVENTS) {
        return (Mark::Bad, format!("{}: {}", event.reason, event.message));
    }
    let newest = rollout.about(&pod.name).next_back();
    if let Some(event) = newest.filter(|event| event.reason == "Pulling") {
        return (Mark::Busy, event.message.clone());
    }
    let init = pod.containers.iter().find(|container| {
        container.init && container.ready == Some(false) && container.state_reason.is_none()
    });
    (
        Mark::Busy,
        init.map_or_else(
            || "its containers are created".to_owned(),
            |container| format!("init container {} runs", container.name),
        ),
    )
}
