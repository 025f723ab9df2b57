//! The HPA of what is loaded, followed while the load runs and after it.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::address::Address;
use super::record::Record;
use crate::cluster::{Cluster, Error, Live, Scope, Selection};
use crate::commands::print::say;
use crate::facts::Hpa;
use crate::load::Scaling;

/// A pod that is ready is known to every node so much later; connections are opened anew then.
const PODS_ARE_KNOWN: Duration = Duration::from_secs(2);

/// What follows.
pub(super) struct Watch {
    live: Live,
    record: Record,
    changed: bool,
    /// When connections are opened anew.
    renew_at: Option<Instant>,
}

impl Watch {
    /// Reads the HPA once, and says what is wrong with it already.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn start(cluster: &Cluster, hpa: &Hpa) -> Result<Self, Error> {
        let scope = Scope {
            namespace: Some(hpa.namespace.clone()),
            selection: Selection::Names(vec![format!("hpa/{}", hpa.name)]),
            usage: true,
        };
        let mut live = Live::start(cluster, &scope).await?;
        let facts = live.facts(Utc::now());
        let Some(entry) = facts.hpas.first() else {
            return Err(Error::Configuration(format!("HPA {} is gone", hpa.name)));
        };
        let mut record = Record::new(entry);
        record.take(0.0, facts);
        if let Some(broken) = record.broken() {
            let said = format!(
                "HPA {0}/{1} does not work: {2} ({3}); `kubectl tfserve explain-hpa {1} -n {0}` explains it",
                hpa.namespace, hpa.name, broken.title, broken.code
            );
            say(&said);
        }
        Ok(Self {
            live,
            record,
            changed: false,
            renew_at: None,
        })
    }

    /// Waits until something may be new.
    pub(super) async fn changed(&mut self) {
        self.live.changed().await;
        self.changed = true;
    }

    /// Looks, where something is new; new pods get their share of the connections.
    pub(super) fn look(&mut self, second: f64, address: &Arc<Address>) {
        if std::mem::take(&mut self.changed) {
            let before = self.record.ready_pods().to_vec();
            self.look_again(second);
            let ready = self.record.ready_pods();
            if before != ready {
                address.pods_are(ready);
                if ready.iter().any(|pod| !before.contains(pod)) {
                    self.renew_at = Some(Instant::now() + PODS_ARE_KNOWN);
                }
            }
        }
        if self.renew_at.take_if(|at| Instant::now() >= *at).is_some() {
            address.renew();
        }
    }

    /// Looks, whatever is new.
    pub(super) fn look_again(&mut self, second: f64) {
        self.record.take(second, self.live.facts(Utc::now()));
    }

    /// What was seen.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// All of it, at its end.
    pub(super) fn finish(self, second: f64) -> Scaling {
        let troubles: Vec<String> = self
            .live
            .troubles()
            .iter()
            .map(|(what, why)| format!("{what} could not be followed: {why}"))
            .collect();
        self.record.finish(second, troubles.into_iter())
    }
}

/// Waits for a change; for ever where nothing is followed.
pub(super) async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
