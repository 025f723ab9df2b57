//! One HPA costs at most ten requests, whatever is broken; many cost a fixed number more than the LISTs that they share: ten
//! for what single ones need, and ten for what they share.

use super::scope::Group;
use super::target;
use crate::cluster::Cluster;
use crate::facts::{Hpa, NotReadable};

/// How many requests one HPA may cost; how many are sent for single HPAs among many, and how many for all of them.
const LIMIT: usize = 10;
/// Discovery, the object and its scale, where they cannot be listed.
const CUSTOM_TARGET: usize = 3;
/// How many requests may be sent for one HPA before it is written: everything is asked once, and nothing left out.
const PLANNED: usize = 20;

/// How many requests are left.
pub(super) struct Budget {
    /// The number of requests at which it ends.
    end: usize,
    /// Whether it is one HPA's.
    alone: bool,
}

impl Budget {
    /// The budget of one HPA counts from the number of requests that were sent before the run; that of many, from now,
    /// when what they share has been listed.
    pub(super) fn new(cluster: &Cluster, before: usize, groups: &[Group]) -> Self {
        let chosen = || groups.iter().flat_map(|group| &group.chosen);
        let alone = chosen().count() <= 1;
        let end = if alone {
            let planned = chosen().any(Hpa::is_planned);
            before + if planned { PLANNED } else { LIMIT }
        } else {
            let single = |hpa: &&Hpa| !target::is_built_in(&hpa.target);
            cluster.requests() + LIMIT + CUSTOM_TARGET * chosen().filter(single).count()
        };
        Self { end, alone }
    }

    /// Whether one HPA is asked about: what many share is not looked up for each.
    pub(super) fn is_limited(&self) -> bool {
        self.alone
    }

    /// The budget when the single HPAs have been read: what many share is not wanting because single ones took it all.
    pub(super) fn for_all(self) -> Self {
        let more = if self.alone { 0 } else { LIMIT };
        Self {
            end: self.end + more,
            ..self
        }
    }

    /// What was left out to stay within the budget.
    pub(super) fn left_out(&self, what: String) -> NotReadable {
        if self.alone {
            return left_out(what);
        }
        NotReadable {
            what,
            why: NotReadable::LEFT_OUT.to_owned(),
            needs: None,
        }
    }

    /// How many requests may still be sent.
    pub(super) fn left(&self, cluster: &Cluster) -> usize {
        self.end.saturating_sub(cluster.requests())
    }
}

/// What was left out to stay within the budget of one HPA.
pub(super) fn left_out(what: String) -> NotReadable {
    NotReadable {
        what,
        why: format!("left out, to send no more than {LIMIT} requests"),
        needs: None,
    }
}
