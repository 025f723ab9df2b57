//! TFS314 value-overflows
//!
//! ## What it detects
//! A metric whose value is the largest number that there is, or the mean of nothing: the HPA goes to its maximum, or keeps its
//! replicas, and no load is behind it.
//!
//! ## How it is proved
//! The status shows `9223372036854775807m`, the largest 64-bit number of thousandths, or its negative counterpart. What the metric's own API
//! answers now tells a negative value, which the controller takes for a sum that has overflowed.
//!
//! ## What it is not
//! A value that is merely in the wrong unit is TFS612.
//!
//! ## Fix
//! Repair the query of the adapter: a division by zero, or a source that says -1 where it does not know.
//!
//! ## Source
//! `GetExternalMetricReplicas` and `GetExternalPerPodMetricReplicas` in `replica_calculator.go`, `GetExternalMetric` in
//! `metrics/client.go`, Kubernetes v1.37.

use crate::diagnosis::adapters;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{Fact, MetricSample, MetricSpec, MetricStatus};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS314",
    name: "value-overflows",
    stage: Stage::MetricsPipeline,
    source: documentation!("value_overflows.rs"),
    explains: &["TFS601", "TFS602", "TFS606", "TFS612", "TFS615", "TFS616"],
    needs: &[],
    check,
};

const LARGEST: &str = "9223372036854775807m";
const LEAST: &str = "-9223372036854775808m";

fn check(case: &Case<'_>) -> Option<Finding> {
    let hpa = &case.facts.hpa;
    let mut shown = hpa.metrics.iter().enumerate().zip(&hpa.current_metrics);
    shown.find_map(|((index, spec), status)| {
        if shows(status, LARGEST) {
            Some(largest(case, index, spec))
        } else if shows(status, LEAST) {
            of_nothing(case, spec)
        } else {
            None
        }
    })
}

fn shows(status: &MetricStatus, number: &str) -> bool {
    let values = [&status.current.average_value, &status.current.value];
    values.into_iter().flatten().any(|value| value.0 == number)
}

fn largest(case: &Case<'_>, index: usize, spec: &MetricSpec) -> Finding {
    let label = adapters::label(spec);
    let samples = case.facts.metric_value(index).and_then(Fact::known);
    let negative = samples.and_then(|samples| negative(samples));
    let (title, reason) = match negative {
        Some(value) => (
            format!(
                "{label} is {value}: the HPA takes a negative value for one that has overflowed, and goes to its maximum"
            ),
            "many exporters say -1 where they do not know; the controller counts it as the largest number there is",
        ),
        None => (
            format!("{label} is the largest number there is: an overflow or a division by zero, not load"),
            "the controller multiplies by what the adapter gives it",
        ),
    };
    let finding = case.on_hpa(RULE.finding(Severity::Warning, title, reason)).saw(
        "the HPA's status",
        LARGEST,
        "status.currentMetrics",
    );
    let finding = match negative {
        Some(value) => finding.saw(format!("{label} now"), value, "the metric's own API"),
        None => finding,
    };
    finding.advice(
        "repair the query of the adapter: it must give 0, or no value, where there is nothing to count",
        "without a value the HPA keeps its replicas; a higher maxReplicas would be filled as well",
    )
}

fn negative(samples: &[MetricSample]) -> Option<&str> {
    let below_zero = |sample: &&MetricSample| sample.value.milli_value().is_ok_and(|value| value < 0);
    samples
        .iter()
        .find(below_zero)
        .map(|sample| sample.value.0.as_str())
}

/// The mean over the replicas of a scale that counts none.
fn of_nothing(case: &Case<'_>, spec: &MetricSpec) -> Option<Finding> {
    // At zero replicas the mean is a division by zero whatever the scale counts, and nothing follows from it.
    let scale = case
        .scale()
        .filter(|scale| scale.status_replicas == 0 && scale.spec_replicas > 0)?;
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "The scale of {label} counts 0 replicas, though {} are asked for: the mean of {} is a division by zero",
                scale.spec_replicas, spec.name
            ),
            "its controller does not write `status.replicas` where the scale reads it, so no tolerance applies either",
        )
        .saw("the HPA's status", LEAST, "status.currentMetrics")
        .saw(
            format!("scale of {label}"),
            format!("spec.replicas {}, status.replicas 0", scale.spec_replicas),
            "GET the scale",
        );
    Some(case.on_target(finding).advice(
        format!(
            "let the controller of {label} write the number of its pods to what `statusReplicasPath` names"
        ),
        "the HPA divides by it",
    ))
}
