//! From a usage ratio to a number of replicas: the half of `GetResourceReplicas` and
//! `calcPlainMetricReplicas` (`replica_calculator.go`) that both share.

use std::collections::BTreeMap;

use super::group::Groups;
use super::numbers::{ceil_unbounded, count};
use super::tolerance::Tolerance;
use super::{Counted, MetricProposal};

/// Thousandths by pod name.
pub(super) type Values = BTreeMap<String, i64>;

/// What the calculation starts from.
pub(super) struct Damping<'a> {
    pub(super) groups: &'a Groups,
    pub(super) current_replicas: i32,
    pub(super) tolerance: Tolerance,
}

impl Damping<'_> {
    /// Fills the proposal in. `ratio_of` is the usage ratio of some values; `fill` is what a pod without a
    /// sample is taken to use, given the ratio without it.
    pub(super) fn propose(
        &self,
        proposal: &mut MetricProposal,
        mut values: Values,
        ratio_of: impl Fn(&Values) -> Result<f64, String>,
        fill: impl Fn(&str, f64) -> Option<i64>,
    ) -> Result<(), String> {
        let ratio = ratio_of(&values)?;
        proposal.ratio = Some(ratio);
        let scale_up_with_unready = ratio > 1.0 && self.groups.count(Counted::Unready) > 0;
        if !scale_up_with_unready && self.groups.count(Counted::Missing) == 0 {
            self.conclude(proposal, ratio, count(self.groups.count(Counted::Yes)));
            return Ok(());
        }

        for pod in self.groups.names(Counted::Missing) {
            if let Some(milli) = fill(pod, ratio) {
                values.insert(pod.to_owned(), milli);
            }
        }
        if scale_up_with_unready {
            for pod in self.groups.names(Counted::Unready) {
                values.insert(pod.to_owned(), 0);
            }
        }
        let damped = ratio_of(&values)?;
        if (damped - ratio).abs() > 0.0 {
            proposal.damped_ratio = Some(damped);
        }
        self.conclude(proposal, damped, count(values.len()));
        if turned(ratio, damped, proposal.proposal, self.current_replicas) {
            proposal.proposal = Some(self.current_replicas);
        }
        Ok(())
    }

    fn conclude(&self, proposal: &mut MetricProposal, ratio: f64, pods: i32) {
        proposal.multiplier = Some(pods);
        proposal.within_tolerance = self.tolerance.contains(ratio);
        proposal.proposal = Some(if proposal.within_tolerance {
            self.current_replicas
        } else {
            ceil_unbounded(ratio * f64::from(pods))
        });
    }
}

/// Whether filling the gaps would turn the direction of scaling around.
fn turned(ratio: f64, damped: f64, proposal: Option<i32>, current: i32) -> bool {
    (ratio < 1.0 && damped > 1.0)
        || (ratio > 1.0 && damped < 1.0)
        || proposal.is_some_and(|replicas| {
            (damped < 1.0 && replicas > current) || (damped > 1.0 && replicas < current)
        })
}
