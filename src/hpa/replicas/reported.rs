//! `Pods`, `Object` and `External` metrics. Their source cannot be asked from outside, but the HPA's status
//! tells the value of the last sync; the proposal is computed from that
//! (`GetMetricReplicas`, `getUsageRatioReplicaCount`, `Get…PerPodMetricReplicas` in `replica_calculator.go`).

use chrono::TimeDelta;

use super::context::Context;
use super::group;
use super::numbers::{ceil, count, float};
use super::resource;
use super::samples::Sample;
use super::{Counted, MetricProposal};
use crate::facts::{MetricSpec, MetricStatus, MetricTarget, Pod, Quantity};
use crate::hpa::message::normalize;

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
            proposal.current = Some(average.to_string());
            per_pod(context, milli(average)?, milli(target)?, proposal);
            Ok(())
        }
        (MetricTarget::Value(target), _, Some(value)) => {
            proposal.current = Some(value.to_string());
            whole(context, milli(value)?, milli(target)?, proposal)
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

/// A value for the whole, times the pods that are ready. From zero replicas the tolerance is left out.
fn whole(
    context: &Context<'_>,
    usage: i64,
    target: i64,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    let current = context.current_replicas();
    let ratio = float(usage) / float(target);
    proposal.ratio = Some(ratio);
    if current == 0 {
        proposal.proposal = Some(ceil(ratio));
        return Ok(());
    }
    if context.tolerance.contains(ratio) {
        proposal.within_tolerance = true;
        proposal.proposal = Some(current);
        return Ok(());
    }
    if context.pods.is_empty() {
        return Err(
            "unable to calculate ready pods: no pods returned by selector while calculating replica count"
                .to_owned(),
        );
    }
    let ready = count(context.pods.iter().filter(|pod| is_ready(pod)).count());
    proposal.multiplier = Some(ready);
    proposal.proposal = Some(ceil(ratio * f64::from(ready)));
    proposal.pods = group::group(
        context.pods,
        &super::samples::Samples::new(),
        false,
        context.controller,
        context.now,
    )
    .shares
    .into_iter()
    .zip(context.pods)
    .map(|(mut share, pod)| {
        if is_ready(pod) {
            share.counted = Counted::Yes;
            "running and ready".clone_into(&mut share.why);
        } else if share.counted == Counted::Missing {
            share.counted = Counted::Unready;
            "not ready".clone_into(&mut share.why);
        }
        share
    })
    .collect();
    Ok(())
}

fn is_ready(pod: &Pod) -> bool {
    pod.phase == "Running" && pod.condition("Ready").is_some_and(|ready| ready.status == "True")
}

/// A value shared by `status.replicas`.
fn per_pod(context: &Context<'_>, average: i64, target: i64, proposal: &mut MetricProposal) {
    let replicas = context.scale.status_replicas;
    if replicas == 0 || target == 0 {
        proposal.not_readable = true;
        return;
    }
    let usage = float(total(average, i64::from(replicas)));
    let ratio = usage / (float(target) * f64::from(replicas));
    proposal.ratio = Some(ratio);
    proposal.multiplier = Some(replicas);
    proposal.within_tolerance = context.tolerance.contains(ratio);
    proposal.proposal = Some(if proposal.within_tolerance {
        replicas
    } else {
        ceil(usage / float(target))
    });
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
