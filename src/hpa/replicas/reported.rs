//! `Pods`, `Object` and `External` metrics whose API was not read: the HPA's status tells the value of the last sync,
//! and the proposal is computed from that.

use chrono::TimeDelta;

use super::MetricProposal;
use super::context::Context;
use super::samples::Sample;
use super::{group, outside, resource};
use crate::facts::{Hpa, MetricSpec, MetricStatus, MetricTarget, Quantity};
use crate::hpa::message::normalize;

/// What the status shows of a metric, in the form in which it was computed; none where it shows nothing of it.
pub(in crate::hpa) fn shown(hpa: &Hpa, metric: &MetricProposal) -> Option<String> {
    let computed = metric.current.as_deref()?;
    let status = hpa.current_metrics.get(metric.index)?;
    if status.type_ != metric.type_ || status.name != metric.name {
        return None;
    }
    let current = &status.current;
    if computed.ends_with('%') {
        return Some(format!("{}%", current.average_utilization?));
    }
    let value = current.average_value.as_ref().or(current.value.as_ref())?;
    Some(value.to_string())
}

/// Computes a metric from its value in the status.
pub(super) fn evaluate(context: &Context<'_>, spec: &MetricSpec, proposal: &mut MetricProposal) {
    let status = context
        .hpa
        .current_metrics
        .get(proposal.index)
        .filter(|status| status.type_ == spec.type_ && status.name == spec.name);
    let Some(status) = status else {
        proposal.error = said(context, spec, proposal.index);
        proposal.not_readable = proposal.error.is_none();
        return;
    };
    proposal.from_status = true;
    if let Err(error) = compute(context, spec, status, proposal) {
        proposal.error = Some(error);
        proposal.proposal = None;
    }
}

/// The controller's own text about a metric that failed in the last sync. The condition tells the first one
/// that failed; the others, and all behind which a valid metric works, are told by events alone.
fn said(context: &Context<'_>, spec: &MetricSpec, index: usize) -> Option<String> {
    const PREFIX: &str = "the HPA was unable to compute the replica count: ";
    let failed = &context.said.failed_metrics;
    if !failed.contains(&index) {
        return None;
    }
    let reason = format!("FailedGet{}Metric", spec.type_);
    let condition = context
        .said
        .current("ScalingActive")
        .map(|symptom| &symptom.condition)
        .filter(|condition| failed.first() == Some(&index) && condition.reason == reason)
        .map(|condition| condition.message.as_str());
    let event = || {
        context
            .facts
            .events
            .known()?
            .iter()
            .filter(|event| event.reason == reason && event.message.contains(&spec.name))
            .max_by_key(|event| event.last_seen)
            .map(|event| event.message.as_str())
    };
    let message = condition.or_else(event)?;
    Some(normalize(message.strip_prefix(PREFIX).unwrap_or(message)))
}

fn compute(
    context: &Context<'_>,
    spec: &MetricSpec,
    status: &MetricStatus,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    let milli = |quantity: &Quantity| quantity.milli_value().map_err(|error| error.to_string());
    let current = &status.current;
    match (&spec.target, &current.average_value, &current.value) {
        (MetricTarget::AverageValue(target), Some(average), _) if spec.type_ == "Pods" => {
            proposal.current = Some(average.to_string());
            pods(context, milli(average)?, target, proposal)
        }
        (MetricTarget::AverageValue(target), Some(average), _) => {
            let replicas = context.scale.status_replicas;
            // A mean over no replicas is no number.
            if replicas == 0 {
                proposal.not_readable = true;
                return Ok(());
            }
            let usage = total(milli(average)?, i64::from(replicas));
            outside::per_pod(context, spec, usage, outside::milli(target)?, proposal);
            proposal.current = Some(average.to_string());
            Ok(())
        }
        (MetricTarget::Value(target), _, Some(value)) => {
            outside::whole(context, milli(value)?, outside::milli(target)?, proposal)?;
            proposal.current = Some(value.to_string());
            Ok(())
        }
        _ => {
            proposal.not_readable = true;
            Ok(())
        }
    }
}

/// The mean of the pods is known, not who has a sample: every running pod is taken to use the mean.
fn pods(
    context: &Context<'_>,
    average: i64,
    target: &Quantity,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    let mut samples = context
        .pods
        .iter()
        .filter(|pod| pod.phase == "Running")
        .map(|pod| {
            let sample = Sample {
                milli: average,
                timestamp: context.now,
                window: TimeDelta::zero(),
            };
            (pod.name.clone(), sample)
        })
        .collect();
    let mut groups = group::group(context.pods, &samples, false, context.controller, context.now);
    groups.remove_uncounted(&mut samples);
    for share in &mut groups.shares {
        share.usage_milli = None;
    }
    proposal.pods.clone_from(&groups.shares);
    if samples.is_empty() {
        return Err("did not receive metrics for targeted pods (pods might be unready)".to_owned());
    }
    let values = samples.keys().map(|pod| (pod.clone(), average)).collect();
    resource::plain(context, &groups, values, target, proposal)
}

/// The total behind a mean that was rounded up to thousandths: the roundest number within the rounding,
/// because what is counted outside of the cluster rarely has thousandths, else the most that it can have been.
fn total(average: i64, replicas: i64) -> i64 {
    let most = average.saturating_mul(replicas);
    [1000, 100, 10]
        .into_iter()
        .map(|unit| most.saturating_sub(most.rem_euclid(unit)))
        .find(|round| most.saturating_sub(*round) < replicas)
        .unwrap_or(most)
}
