//! One HPA costs at most ten requests, whatever is broken.

use super::scope::Group;
use crate::cluster::Cluster;
use crate::facts::NotReadable;

/// How many requests one HPA may cost.
const LIMIT: usize = 10;

/// How many requests are left. Where many HPAs are read, the number of namespaces is the bound.
pub(super) struct Budget {
    before: usize,
    limited: bool,
}

impl Budget {
    /// Counts from a number of requests that were sent before.
    pub(super) fn new(before: usize, groups: &[Group]) -> Self {
        let hpas: usize = groups.iter().map(|group| group.chosen.len()).sum();
        Self {
            before,
            limited: hpas <= 1,
        }
    }

    /// Whether one HPA is asked about: what many share is not looked up for each.
    pub(super) fn is_limited(&self) -> bool {
        self.limited
    }

    /// How many requests may still be sent.
    pub(super) fn left(&self, cluster: &Cluster) -> usize {
        if self.limited {
            (self.before + LIMIT).saturating_sub(cluster.requests())
        } else {
            usize::MAX
        }
    }
}

/// What was left out to stay within the budget.
pub(super) fn left_out(what: String) -> NotReadable {
    NotReadable {
        what,
        why: format!("left out, because one HPA costs at most {LIMIT} requests"),
        needs: None,
    }
}
