//! `Resource` and `ContainerResource` metrics: `GetResourceReplicas`, `GetRawResourceReplicas`
//! (`replica_calculator.go`) and the ratios of `metrics/utilization.go`.

use super::MetricProposal;
use super::context::Context;
use super::damping::{Damping, Values};
use super::group::{self, Groups};
use super::numbers::{count, float, low_bits};
use super::requests::{self, Wanted};
use super::samples::{self, Samples};
use crate::facts::{Fact, MetricSpec, MetricTarget, PodMetrics, Quantity, QuantityFormat};

/// The first release that reads the requests after it looked for samples, says `usage` for an average
/// value, and takes a pod without a sample for at least the target when scaling down.
const REORDERED_SINCE: u32 = 26;
/// The first release that says `targeted pods`.
const TARGETED_PODS_SINCE: u32 = 27;
/// The first release that leaves pods without a sample alone at a ratio of exactly 1.
const EXACT_TARGET_SINCE: u32 = 28;
/// The first release that shows memory in powers of 1024.
const BINARY_MEMORY_SINCE: u32 = 34;

/// Computes a metric of pods' resources.
pub(super) fn evaluate(context: &Context<'_>, spec: &MetricSpec, proposal: &mut MetricProposal) {
    if let Err(error) = compute(context, spec, proposal) {
        proposal.error = Some(error);
        proposal.proposal = None;
    }
}

fn compute(context: &Context<'_>, spec: &MetricSpec, proposal: &mut MetricProposal) -> Result<(), String> {
    let resource = spec.name.as_str();
    let wrap = |what: &'static str| move |error: String| format!("failed to get {resource} {what}: {error}");
    match &spec.target {
        MetricTarget::AverageUtilization(percent) => {
            utilization(context, spec, *percent, proposal).map_err(wrap("utilization"))
        }
        MetricTarget::AverageValue(target) => {
            let what = if context.minor() >= REORDERED_SINCE { "usage" } else { "utilization" };
            average(context, spec, target, proposal).map_err(wrap(what))
        }
        MetricTarget::Value(_) | MetricTarget::None => Err(
            "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set"
                .to_owned(),
        ),
    }
}

/// The samples of the pods, or the controller's text; none where nobody can know.
fn fetch(context: &Context<'_>, spec: &MetricSpec) -> Result<Option<Samples>, String> {
    const NOT_SERVED: &str = "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
    const EMPTY: &str = "no metrics returned from resource metrics API";
    let text = |error: &str| format!("unable to get metrics for resource {}: {error}", spec.name);
    match &context.facts.pod_metrics {
        Fact::Known(metrics) if metrics.is_empty() => Err(text(EMPTY)),
        Fact::Known(metrics) => Ok(Some(read(metrics, spec))),
        Fact::Absent => Err(text(NOT_SERVED)),
        Fact::NotReadable(_) => Ok(None),
    }
}

fn read(metrics: &[PodMetrics], spec: &MetricSpec) -> Samples {
    samples::read(metrics, &spec.name, spec.container.as_deref())
}

/// The pods in their groups and the samples that count.
fn counted(
    context: &Context<'_>,
    spec: &MetricSpec,
    proposal: &mut MetricProposal,
) -> Result<Option<(Groups, Samples)>, String> {
    let Some(samples) = fetch(context, spec)? else {
        proposal.not_readable = true;
        return Ok(None);
    };
    grouped(context, samples, spec.name == "cpu", proposal).map(Some)
}

/// The same for any samples; readiness matters for cpu alone.
fn grouped(
    context: &Context<'_>,
    mut samples: Samples,
    cpu: bool,
    proposal: &mut MetricProposal,
) -> Result<(Groups, Samples), String> {
    if context.pods.is_empty() {
        return Err("no pods returned by selector while calculating replica count".to_owned());
    }
    let groups = group::group(context.pods, &samples, cpu, context.controller, context.now);
    groups.remove_uncounted(&mut samples);
    proposal.pods.clone_from(&groups.shares);
    Ok((groups, samples))
}

fn some_samples(context: &Context<'_>, samples: &Samples) -> Result<(), String> {
    if !samples.is_empty() {
        return Ok(());
    }
    Err(if context.minor() >= TARGETED_PODS_SINCE {
        "did not receive metrics for targeted pods (pods might be unready)"
    } else {
        "did not receive metrics for any ready pods"
    }
    .to_owned())
}

fn utilization(
    context: &Context<'_>,
    spec: &MetricSpec,
    target: i32,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    let Some((groups, samples)) = counted(context, spec, proposal)? else {
        return Ok(());
    };
    let wanted = Wanted {
        resource: &spec.name,
        container: spec.container.as_deref(),
        minor: context.minor(),
    };
    let requests = requests::calculate(context.pods, wanted, &mut proposal.pods);
    let requests = if context.minor() >= REORDERED_SINCE {
        some_samples(context, &samples)?;
        requests?
    } else {
        let requests = requests?;
        some_samples(context, &samples)?;
        requests
    };

    let values = values(&samples);
    let current = percent_of(&values, &requests)?;
    proposal.current = Some(format!("{current}%"));
    let fallback = if context.minor() >= REORDERED_SINCE {
        target.max(100)
    } else {
        100
    };
    context.damping(&groups).propose(
        proposal,
        values,
        |values| Ok(f64::from(percent_of(values, &requests)?) / f64::from(target)),
        |pod, ratio| {
            if ratio < 1.0 {
                let request = requests.get(pod).copied().unwrap_or(0);
                Some(request.wrapping_mul(i64::from(fallback)) / 100)
            } else {
                (ratio > 1.0).then_some(0)
            }
        },
    )
}

/// `GetResourceUtilizationRatio`: a whole percentage, cut off. Samples of unknown pods do not count.
fn percent_of(values: &Values, requests: &Values) -> Result<i32, String> {
    let mut usage = 0_i64;
    let mut requested = 0_i64;
    for (pod, milli) in values {
        if let Some(request) = requests.get(pod) {
            usage = usage.wrapping_add(*milli);
            requested = requested.wrapping_add(*request);
        }
    }
    if requested == 0 {
        return Err("no metrics returned matched known pods".to_owned());
    }
    Ok(low_bits(usage.wrapping_mul(100).wrapping_div(requested)))
}

fn average(
    context: &Context<'_>,
    spec: &MetricSpec,
    target: &Quantity,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    let Some((groups, samples)) = counted(context, spec, proposal)? else {
        return Ok(());
    };
    let format = if spec.name == "memory" && context.minor() >= BINARY_MEMORY_SINCE {
        QuantityFormat::BinarySi
    } else {
        QuantityFormat::DecimalSi
    };
    from_samples(context, &groups, &samples, format, target, proposal)
}

/// `GetMetricReplicas`, from the values of the pods' own metric.
pub(super) fn of_pods(
    context: &Context<'_>,
    samples: Samples,
    target: &Quantity,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    let (groups, samples) = grouped(context, samples, false, proposal)?;
    from_samples(
        context,
        &groups,
        &samples,
        QuantityFormat::DecimalSi,
        target,
        proposal,
    )
}

fn from_samples(
    context: &Context<'_>,
    groups: &Groups,
    samples: &Samples,
    format: QuantityFormat,
    target: &Quantity,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    some_samples(context, samples)?;
    let values = values(samples);
    proposal.current = Some(Quantity::from_milli(mean(&values), format).0);
    plain(context, groups, values, target, proposal)
}

/// `calcPlainMetricReplicas`, from the values of the counted pods.
pub(super) fn plain(
    context: &Context<'_>,
    groups: &Groups,
    values: Values,
    target: &Quantity,
    proposal: &mut MetricProposal,
) -> Result<(), String> {
    let target = target
        .controller_milli_value()
        .map_err(|error| error.to_string())?;
    let fills_at_target = context.minor() < EXACT_TARGET_SINCE;
    context.damping(groups).propose(
        proposal,
        values,
        |values| Ok(float(mean(values)) / float(target)),
        |_, ratio| {
            if ratio < 1.0 {
                Some(target)
            } else {
                (ratio > 1.0 || fills_at_target).then_some(0)
            }
        },
    )
}

/// The mean in whole thousandths, cut off (`GetMetricUsageRatio`).
fn mean(values: &Values) -> i64 {
    let sum = values.values().fold(0_i64, |sum, milli| sum.wrapping_add(*milli));
    sum / i64::from(count(values.len()).max(1))
}

fn values(samples: &Samples) -> Values {
    samples
        .iter()
        .map(|(pod, sample)| (pod.clone(), sample.milli))
        .collect()
}

impl Context<'_> {
    fn damping<'a>(&self, groups: &'a Groups) -> Damping<'a> {
        Damping {
            groups,
            current_replicas: self.scale.spec_replicas,
            tolerance: self.tolerance,
        }
    }
}
