//! `Pods`, `Object` and `External` metrics, from the values that their own APIs give: `GetMetricReplicas`,
//! `GetObject…Replicas` and `GetExternal…Replicas` (`replica_calculator.go`), with what the metrics client makes of an
//! answer (`metrics/client.go`).

use chrono::TimeDelta;

use super::context::Context;
use super::numbers::{ceil_capped, ceil_long, ceil_unbounded, count, float};
use super::samples::{Sample, Samples};
use super::{Counted, MetricProposal, PodShare, group, reported, resource};
use crate::facts::{Fact, MetricSample, MetricSpec, MetricTarget, Pod, Quantity, QuantityFormat};

/// The first release that cuts off what is too large.
const CAPPED_SINCE: u32 = 35;
/// The first release that names the described object in the right order.
const ORDERED_SINCE: u32 = 37;
/// The window of a custom metric whose API tells none (`metricServerDefaultMetricWindow`).
const DEFAULT_WINDOW: TimeDelta = TimeDelta::seconds(60);

/// Computes a metric from its API, else from the status.
pub(super) fn evaluate(context: &Context<'_>, spec: &MetricSpec, proposal: &mut MetricProposal) {
    let Some(Fact::Known(samples)) = context.facts.metric_value(proposal.index) else {
        reported::evaluate(context, spec, proposal);
        return;
    };
    if let Err(error) = compute(context, spec, samples, proposal) {
        proposal.error = Some(error);
        proposal.proposal = None;
    }
}

fn compute(
    context: &Context<'_>,
    spec: &MetricSpec,
    samples: &[MetricSample],
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    match (spec.type_.as_str(), &spec.target) {
        ("Pods", MetricTarget::AverageValue(target)) => {
            let samples = of_pods(context, spec, samples)?;
            resource::of_pods(context, samples, target, proposal)
        }
        ("Object" | "External", MetricTarget::Value(target)) => {
            let usage = usage(context, spec, samples)?;
            whole(context, usage, milli(target)?, proposal)
        }
        ("Object" | "External", MetricTarget::AverageValue(target)) => {
            let usage = usage(context, spec, samples)?;
            per_pod(context, spec, usage, milli(target)?, proposal);
            Ok(())
        }
        (type_, _) => Err(format!(
            "invalid {} metric source: neither a value target nor an average value target was set",
            type_.to_lowercase()
        )),
    }
}

pub(super) fn milli(quantity: &Quantity) -> Result<i64, String> {
    quantity
        .controller_milli_value()
        .map_err(|error| error.to_string())
}

/// `GetRawMetric`: of two values for one pod, the later one counts.
fn of_pods(context: &Context<'_>, spec: &MetricSpec, samples: &[MetricSample]) -> Result<Samples, String> {
    if samples.is_empty() {
        return Err(format!(
            "unable to get metric {}: no metrics returned from custom metrics API",
            spec.name
        ));
    }
    samples
        .iter()
        .map(|sample| {
            let read = Sample {
                milli: milli(&sample.value)?,
                timestamp: sample.timestamp.unwrap_or(context.now),
                window: sample
                    .window_millis
                    .map_or(DEFAULT_WINDOW, TimeDelta::milliseconds),
            };
            Ok((sample.object.clone(), read))
        })
        .collect()
}

fn usage(context: &Context<'_>, spec: &MetricSpec, samples: &[MetricSample]) -> Result<i64, String> {
    match (&spec.object, samples) {
        (Some(_), [only]) => milli(&only.value),
        (Some(object), others) => {
            let (kind, name, namespace) = (&object.kind, &object.name, &context.hpa.namespace);
            let why = format!(
                "unable to fetch metrics from custom metrics API: the custom metrics API server returned {} results \
                 when we asked for exactly one",
                others.len()
            );
            // Up to 1.36 the arguments are in the wrong order.
            Err(if context.minor() >= ORDERED_SINCE {
                format!(
                    "unable to get metric {} on {kind} {namespace}/{name}: {why}",
                    spec.name
                )
            } else {
                format!(
                    "unable to get metric {}: {kind} on {namespace} {name}/{why}",
                    spec.name
                )
            })
        }
        (None, []) => Err(format!(
            "unable to get external metric {}/{}/{}: no metrics returned from external metrics API",
            context.hpa.namespace,
            spec.name,
            spec.selector.as_deref().unwrap_or("nil")
        )),
        (None, series) => sum(context, spec, series),
    }
}

/// All series together. From 1.35 on a sum that is too large for a `Value` target is cut off; for an `AverageValue`
/// whatever is negative is taken for one that was.
fn sum(context: &Context<'_>, spec: &MetricSpec, series: &[MetricSample]) -> Result<i64, String> {
    let average = matches!(spec.target, MetricTarget::AverageValue(_));
    let mut sum = 0_i64;
    for sample in series {
        let value = milli(&sample.value)?;
        let too_large = value > 0 && sum > i64::MAX - value;
        sum = sum.wrapping_add(value);
        let overflows = if average {
            sum < 0
        } else {
            too_large && context.minor() >= CAPPED_SINCE
        };
        if overflows {
            return Ok(i64::MAX);
        }
    }
    Ok(sum)
}

/// `getUsageRatioReplicaCount`: a value for the whole, times the pods that are ready. From zero replicas the
/// tolerance is left out.
pub(super) fn whole(
    context: &Context<'_>,
    usage: i64,
    target: i64,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    let current = context.current_replicas();
    let ratio = float(usage) / float(target);
    proposal.current = Some(shown(usage));
    proposal.ratio = Some(ratio);
    if current == 0 {
        proposal.proposal = Some(ceil_unbounded(ratio));
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
    let product = ratio * f64::from(ready);
    proposal.multiplier = Some(ready);
    proposal.proposal = Some(if context.minor() >= CAPPED_SINCE {
        ceil_capped(product)
    } else {
        ceil_unbounded(product)
    });
    proposal.pods = by_readiness(context);
    Ok(())
}

/// The pods as a value for the whole counts them: running and ready, or not.
fn by_readiness(context: &Context<'_>) -> Vec<PodShare> {
    let groups = group::group(
        context.pods,
        &Samples::new(),
        false,
        context.controller,
        context.now,
    );
    let shares = groups.shares.into_iter().zip(context.pods);
    shares
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
        .collect()
}

fn is_ready(pod: &Pod) -> bool {
    pod.phase == "Running" && pod.condition("Ready").is_some_and(|ready| ready.status == "True")
}

/// `Get…PerPodMetricReplicas`: a value shared by `status.replicas`, whatever the pods do.
pub(super) fn per_pod(
    context: &Context<'_>,
    spec: &MetricSpec,
    usage: i64,
    target: i64,
    proposal: &mut MetricProposal,
) {
    let replicas = context.scale.status_replicas;
    let ratio = float(usage) / (float(target) * f64::from(replicas));
    let each = float(usage) / float(target);
    proposal.within_tolerance = context.tolerance.contains(ratio);
    proposal.proposal = Some(if proposal.within_tolerance {
        replicas
    } else if spec.type_ == "External" {
        ceil_capped(each)
    } else {
        ceil_unbounded(each)
    });
    if replicas == 0 {
        // A mean over no replicas is no number: the whole is shown.
        proposal.current = Some(shown(usage));
        proposal.ratio = Some(each);
    } else {
        let too_large = spec.type_ == "External" && float(usage) >= float(i64::MAX);
        proposal.current = Some(shown(if too_large {
            i64::MAX
        } else {
            ceil_long(float(usage) / f64::from(replicas))
        }));
        proposal.ratio = Some(ratio);
        proposal.multiplier = Some(replicas);
    }
}

fn shown(milli: i64) -> String {
    Quantity::from_milli(milli, QuantityFormat::DecimalSi).0
}
