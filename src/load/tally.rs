//! What happened within a span of time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Failure, Latencies};

/// Counts that can be added up.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Requests that were answered as they should be.
    pub ok: u64,
    /// The others, by kind.
    pub failures: BTreeMap<Failure, u64>,
    /// Bytes of the bodies that came back.
    pub bytes: u64,
    /// Latencies of the requests that were answered as they should be.
    pub latencies: Latencies,
}

impl Tally {
    /// Counts an answer.
    pub fn answered(&mut self, latency: Duration, bytes: u64) {
        self.ok += 1;
        self.bytes += bytes;
        self.latencies.record(latency);
    }

    /// Counts a failure.
    pub fn failed(&mut self, failure: Failure) {
        *self.failures.entry(failure).or_default() += 1;
    }

    /// Counts what another has counted.
    pub fn add(&mut self, other: &Self) {
        self.ok += other.ok;
        self.bytes += other.bytes;
        for (failure, count) in &other.failures {
            *self.failures.entry(*failure).or_default() += count;
        }
        self.latencies.add(&other.latencies);
    }

    /// Requests that failed.
    pub fn failed_count(&self) -> u64 {
        self.failures.values().sum()
    }

    /// All requests that ended.
    pub fn count(&self) -> u64 {
        self.ok + self.failed_count()
    }
}
