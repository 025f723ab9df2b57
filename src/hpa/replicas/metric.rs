//! `computeReplicasForMetrics` (`horizontal.go`): one proposal a metric, and which of them counts.

use super::context::Context;
use super::{MetricProposal, outside, resource};
use crate::facts::{MetricSpec, MetricTarget};

/// All metrics in the order of the spec.
pub(super) fn evaluate_all(context: &Context<'_>) -> Vec<MetricProposal> {
    context
        .hpa
        .metrics
        .iter()
        .enumerate()
        .map(|(index, spec)| evaluate(context, index, spec))
        .collect()
}

fn evaluate(context: &Context<'_>, index: usize, spec: &MetricSpec) -> MetricProposal {
    let mut proposal = MetricProposal {
        index,
        type_: spec.type_.clone(),
        name: spec.name.clone(),
        current: None,
        target: target(&spec.target),
        ratio: None,
        damped_ratio: None,
        multiplier: None,
        within_tolerance: false,
        proposal: None,
        error: None,
        not_readable: false,
        from_status: false,
        pods: Vec::new(),
    };
    match spec.type_.as_str() {
        "Resource" | "ContainerResource" => resource::evaluate(context, spec, &mut proposal),
        "Pods" | "Object" | "External" => outside::evaluate(context, spec, &mut proposal),
        other => proposal.error = Some(format!("unknown metric source type \"{other}\"")),
    }
    proposal
}

fn target(target: &MetricTarget) -> String {
    match target {
        MetricTarget::AverageUtilization(percent) => format!("{percent}%"),
        MetricTarget::AverageValue(quantity) | MetricTarget::Value(quantity) => quantity.to_string(),
        // As kubectl shows a target that has no value.
        MetricTarget::None => "<auto>".to_owned(),
    }
}

/// What the metrics want together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// So many replicas, because of the metric at this index.
    Replicas(i32, usize),
    /// Nothing: every metric failed.
    AllFailed,
    /// Nothing: some metrics failed, and the others want fewer replicas than there are.
    DownBlocked(i32, usize),
    /// A metric's value is not known from outside.
    NotReadable(usize),
}

/// The maximum over the valid metrics; with failed ones among them it may hold or grow, not shrink.
pub(super) fn combine(proposals: &[MetricProposal], current_replicas: i32) -> Want {
    if let Some(unknown) = proposals.iter().find(|proposal| proposal.not_readable) {
        return Want::NotReadable(unknown.index);
    }
    let mut best: Option<(i32, usize)> = None;
    for proposal in proposals {
        let Some(replicas) = proposal.proposal else {
            continue;
        };
        if best.is_none_or(|(most, _)| most == 0 || replicas > most) {
            best = Some((replicas, proposal.index));
        }
    }
    let failed = proposals.iter().any(|proposal| proposal.error.is_some());
    match best {
        None => Want::AllFailed,
        Some((replicas, index)) if failed && replicas < current_replicas => {
            Want::DownBlocked(replicas, index)
        }
        Some((replicas, index)) => Want::Replicas(replicas.max(0), index),
    }
}
