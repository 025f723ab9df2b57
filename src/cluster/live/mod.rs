//! Follows HPAs: their objects, pods and events are watched, usage is polled at its own resolution, and everything is
//! read anew where a change asks for it, and from time to time.

mod sources;
mod state;
mod usage;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future::LocalBoxFuture;
use tokio::sync::mpsc;

use super::observe::{Scope, observe};
use super::{Cluster, Error};
use crate::facts::{Event, Facts, Hpa, Pod, PodMetrics};

pub use state::LiveEvent;

use state::State;

/// How many changes may wait before a watch is slowed down.
const WAITING_CHANGES: usize = 1024;

/// What one source told.
enum Change {
    Hpas(Watched<Hpa>),
    Pods(Watched<Pod>),
    Events(Watched<(String, LiveEvent)>),
    /// With the namespace of each sample.
    Usage(Result<Vec<(String, PodMetrics)>, Error>),
    Reading(Box<Result<Facts, Error>>),
}

/// What a watch told.
enum Watched<T> {
    /// All that there are: at the beginning, and after a watch broke off.
    All(Vec<T>),
    Applied(T),
    Deleted(T),
    Failed(String),
}

/// HPAs that are followed. Ends with its value.
pub struct Live {
    state: State,
    changes: mpsc::Receiver<Change>,
    reading: std::sync::Arc<tokio::sync::Notify>,
    /// All watches and polls; they go on only while somebody waits for a change.
    sources: LocalBoxFuture<'static, ()>,
}

impl Live {
    /// Reads everything once, and starts to follow it.
    ///
    /// # Errors
    /// As [`observe`].
    pub async fn start(cluster: &Cluster, scope: &Scope) -> Result<Self, Error> {
        let facts = observe(cluster, scope).await?;
        let (sender, changes) = mpsc::channel(WAITING_CHANGES);
        let reading = std::sync::Arc::<tokio::sync::Notify>::default();
        let sources = sources::start(cluster, scope, &facts, &sender, &reading);
        Ok(Self {
            state: State::new(facts),
            changes,
            reading,
            sources,
        })
    }

    /// Waits for a change, and takes in all that have come.
    pub async fn changed(&mut self) {
        let first = tokio::select! {
            biased;
            first = self.changes.recv() => first,
            () = &mut self.sources => None,
        };
        // The sources have no end of their own.
        let Some(first) = first else {
            return std::future::pending().await;
        };
        self.take(first);
        while let Ok(change) = self.changes.try_recv() {
            self.take(change);
        }
    }

    fn take(&mut self, change: Change) {
        if self.state.take(change) {
            self.reading.notify_one();
        }
    }

    /// Everything as it is known now.
    pub fn facts(&mut self, now: DateTime<Utc>) -> &Facts {
        self.state.compose(now)
    }

    /// Everything as it was when [`Live::facts`] was called last.
    pub fn latest(&self) -> &Facts {
        self.state.latest()
    }

    /// The newest events about the HPAs, their targets and pods, oldest first.
    pub fn events(&self) -> Vec<&LiveEvent> {
        self.state.events()
    }

    /// What cannot be followed, and why.
    pub fn troubles(&self) -> &BTreeMap<&'static str, String> {
        self.state.troubles()
    }
}

impl LiveEvent {
    /// When it was last seen.
    pub fn seen(&self) -> Option<DateTime<Utc>> {
        self.event.last_seen
    }

    /// The event itself.
    pub fn event(&self) -> &Event {
        &self.event
    }
}
