//! One sentence that says what will be decided, with the numbers.

use chrono::{DateTime, Utc};

use super::context::Context;
use super::limits::Decision;
use super::metric::Want;
use super::{Counted, Limit, MetricProposal, Stabilization};
use crate::facts::SelectPolicy;

/// The sentence for a decision of the metrics.
pub(super) fn decided(
    context: &Context<'_>,
    metrics: &[MetricProposal],
    winner: &MetricProposal,
    decision: &Decision,
) -> String {
    let current = context.current_replicas();
    if decision.limited_by == Some(Limit::MinReplicas) && decision.replicas == current {
        return format!("{}: at the minimum of {current}", head(winner, metrics.len()));
    }
    let most = if metrics.len() > 1 {
        format!(", the most of {} metrics", metrics.len())
    } else {
        String::new()
    };
    let limit = decision
        .limited_by
        .map(|limit| limited(context, limit, decision))
        .unwrap_or_default();
    let assumed = if decision.budget_assumed {
        ", if nothing was rescaled within the policies' periods, which only the controller remembers"
    } else {
        ""
    };
    let after = if decision.limited_by == Some(Limit::Stabilization) && is_disabled(context, winner) {
        ", and after that by selectPolicy Disabled"
    } else {
        ""
    };
    format!(
        "{}{most}{limit}{after}{assumed}",
        arithmetic(context, winner, metrics.len())
    )
}

/// Whether the behavior forbids the direction that the metric wants.
fn is_disabled(context: &Context<'_>, winner: &MetricProposal) -> bool {
    let Some(behavior) = &context.hpa.behavior else {
        return false;
    };
    let rules = if winner.proposal < Some(context.current_replicas()) {
        &behavior.scale_down
    } else {
        &behavior.scale_up
    };
    rules
        .as_ref()
        .is_some_and(|rules| rules.select_policy == Some(SelectPolicy::Disabled))
}

/// The sentence where nothing is decided.
pub(super) fn undecided(metrics: &[MetricProposal], want: Want) -> String {
    let failed = || {
        metrics
            .iter()
            .find_map(|metric| Some((label(metric), metric.error.as_deref()?)))
            .unwrap_or_default()
    };
    match want {
        Want::DownBlocked(replicas, index) => {
            let wanting = metrics.get(index).map(label).unwrap_or_default();
            let (name, error) = failed();
            format!(
                "no decision: {wanting} wants {replicas}, but scaling down needs every metric and {name} failed: {error}"
            )
        }
        Want::NotReadable(index) => {
            let name = metrics.get(index).map(label).unwrap_or_default();
            format!("no decision known: the value of {name} could not be read")
        }
        Want::AllFailed | Want::Replicas(..) => format!("no decision: {}", failed().1),
    }
}

/// The metric's name, as the spec has it.
fn label(metric: &MetricProposal) -> String {
    format!("{} metric {}", metric.type_, metric.name)
}

/// `426% of 60%`; with the name where that is not clear.
fn head(metric: &MetricProposal, metrics: usize) -> String {
    let current = metric.current.as_deref().unwrap_or("<unknown>");
    let old = if metric.from_status {
        " (value of the last sync)"
    } else {
        ""
    };
    if metrics > 1 || metric.type_ != "Resource" {
        format!("{} {current} of {}{old}", metric.name, metric.target)
    } else {
        format!("{current} of {}", metric.target)
    }
}

fn arithmetic(context: &Context<'_>, metric: &MetricProposal, metrics: usize) -> String {
    let head = head(metric, metrics);
    let current = context.current_replicas();
    let ratio = metric.damped_ratio.or(metric.ratio).unwrap_or(1.0);
    let proposal = metric.proposal.unwrap_or(current);
    let damped = metric.damped_ratio.is_some();
    let start = if damped {
        format!("{head}, but {ratio:.2} times the target with {}", filled(metric))
    } else {
        head
    };
    if metric.within_tolerance {
        return within(context, metric, &start, ratio, proposal);
    }
    if damped && proposal == current {
        return format!("{start}: stays at {current}");
    }
    let Some(pods) = metric.multiplier else {
        return format!("{start} = {}", rounded(ratio, proposal));
    };
    let times = if damped {
        format!(": {ratio:.2}")
    } else {
        String::new()
    };
    format!(
        "{start}{times} × {} = {}",
        plural(pods, "pod"),
        rounded(ratio * f64::from(pods), proposal)
    )
}

fn within(context: &Context<'_>, metric: &MetricProposal, start: &str, ratio: f64, proposal: i32) -> String {
    if (ratio - 1.0).abs() < f64::EPSILON && metric.damped_ratio.is_none() {
        return format!("{start}: stays at {proposal}");
    }
    let tolerance = if ratio < 1.0 {
        context.tolerance.down
    } else {
        context.tolerance.up
    };
    let percent = (tolerance * 10_000.0).round() / 100.0;
    let verb = if metric.damped_ratio.is_some() {
        ", which"
    } else {
        ""
    };
    format!("{start}{verb} is within the tolerance of {percent}%: stays at {proposal}")
}

/// `7.1, rounded up to 8`, or `8` where nothing was rounded.
fn rounded(product: f64, proposal: i32) -> String {
    let distance = f64::from(proposal) - product;
    if distance.abs() < f64::EPSILON {
        return proposal.to_string();
    }
    let short = format!("{product:.1}");
    let shown = if short.ends_with(".0") {
        format!("{product:.3}")
    } else {
        short
    };
    format!("{shown}, rounded up to {proposal}")
}

/// `1 pod without a sample counted as 0`.
fn filled(metric: &MetricProposal) -> String {
    let count = |group| metric.pods.iter().filter(|pod| pod.counted == group).count();
    let growing = metric.ratio.is_some_and(|ratio| ratio > 1.0);
    let mut parts = Vec::new();
    let missing = count(Counted::Missing);
    if missing > 0 {
        let value = if growing {
            "0".to_owned()
        } else if metric.target.ends_with('%') {
            "their full request".to_owned()
        } else {
            metric.target.clone()
        };
        parts.push(format!("{} without a sample counted as {value}", pods(missing)));
    }
    let unready = count(Counted::Unready);
    if growing && unready > 0 {
        parts.push(format!("{} not ready counted as 0", pods(unready)));
    }
    parts.join(" and ")
}

fn limited(context: &Context<'_>, limit: Limit, decision: &Decision) -> String {
    let to = decision.replicas;
    match limit {
        Limit::MaxReplicas => format!(", limited to {to} by maxReplicas"),
        Limit::MinReplicas => format!(", raised to {to} by minReplicas"),
        Limit::ScaleUpPolicy if context.hpa.behavior.is_none() => {
            format!(", limited to {to} by the built-in rate of max(2 × current, 4)")
        }
        Limit::ScaleUpPolicy => format!(", limited to {to} by the scale-up policies"),
        Limit::ScaleDownPolicy => format!(", limited to {to} by the scale-down policies"),
        Limit::Disabled => format!(", held at {to} by selectPolicy Disabled"),
        Limit::Stabilization => {
            let window = decision.stabilization.as_ref().map(held).unwrap_or_default();
            format!(", held at {to} by the stabilization window{window}")
        }
    }
}

/// ` of 300 s (the controller's default) until 10:04:05 UTC at the latest`.
fn held(stabilization: &Stabilization) -> String {
    let default = if stabilization.assumed_default {
        " (the controller's default)"
    } else {
        ""
    };
    let end = match (stabilization.not_before, stabilization.not_after) {
        (Some(from), Some(to)) if from < to => format!(
            " until {} at the earliest, {} at the latest if usage stays as it is",
            clock(from),
            clock(to)
        ),
        (Some(from), _) => format!(" until {} at the earliest", clock(from)),
        (None, Some(to)) => format!(" until {} at the latest if usage stays as it is", clock(to)),
        (None, None) => ", of which the end is not known".to_owned(),
    };
    format!(" of {} s{default}{end}", stabilization.window_seconds)
}

fn clock(time: DateTime<Utc>) -> String {
    time.format("%H:%M:%S UTC").to_string()
}

fn pods(count: usize) -> String {
    plural(super::numbers::count(count), "pod")
}

fn plural(count: i32, noun: &str) -> String {
    if count == 1 {
        format!("{count} {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
