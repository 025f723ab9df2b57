//! Targets of adapters' metrics in a unit that cannot have been meant. The values are read; which unit they are in,
//! the name of the metric tells, by the conventions of Prometheus and of the exporters that name them otherwise.

use super::Case;
use super::adapters;
use crate::facts::{Fact, MetricSpec, MetricTarget, Quantity};
use crate::hpa::replicas::MetricProposal;

/// A target in another unit than its metric.
pub(super) struct Slip {
    /// The place in `spec.metrics`.
    pub index: usize,
    /// `Pods metric http_requests`.
    pub metric: String,
    /// The target as it is written.
    pub target: String,
    /// What the metric stands at.
    pub current: String,
    pub title: String,
    pub cause: &'static str,
    pub repair: Repair,
}

/// What may have been meant.
pub(super) enum Repair {
    /// A target in the right unit, as JSON.
    Target {
        title: String,
        /// `pods`, `object` or `external`.
        path: String,
        target: String,
    },
    /// No target follows from this one: what to do, and what it changes.
    Advice(&'static str, &'static str),
}

/// One, in thousandths.
const ONE: i64 = 1000;
/// How many times a target in the right unit may be exceeded.
const FAR_ABOVE: f64 = 50.0;
/// How many times what a metric of seconds shows its target may be.
const FAR_BELOW: f64 = 0.02;
/// A share of one above this is written as a percentage.
const MORE_THAN_A_SHARE: i64 = 2 * ONE;
/// The least that is beyond the tolerance.
const BEYOND_TOLERANCE: f64 = 1.1;

/// What a metric stands at, beside its target.
struct Reading<'a> {
    spec: &'a MetricSpec,
    proposal: &'a MetricProposal,
    quantity: &'a Quantity,
    is_average: bool,
    target_milli: i64,
    current_milli: i64,
    ratio: f64,
    /// Whether more is wanted than maxReplicas allows.
    runs_away: bool,
}

/// The first target that is in another unit than its metric.
pub(super) fn slip(case: &Case<'_>) -> Option<Slip> {
    let proposals = case.recommendation?.metrics.iter();
    proposals
        .filter_map(|proposal| reading(case, proposal))
        .find_map(|reading| {
            thousandths(case, &reading)
                .or_else(|| counter(&reading))
                .or_else(|| total_of_all(case, &reading))
                .or_else(|| share_of_one(&reading))
                .or_else(|| seconds(&reading))
                .or_else(|| divided_mean(&reading))
        })
}

fn reading<'a>(case: &Case<'a>, proposal: &'a MetricProposal) -> Option<Reading<'a>> {
    let spec = case.facts.hpa.metrics.get(proposal.index)?;
    if !matches!(spec.type_.as_str(), "Pods" | "Object" | "External") {
        return None;
    }
    let (quantity, is_average) = match &spec.target {
        MetricTarget::AverageValue(quantity) => (quantity, true),
        MetricTarget::Value(quantity) => (quantity, false),
        MetricTarget::AverageUtilization(_) | MetricTarget::None => return None,
    };
    let current = Quantity(proposal.current.clone()?);
    Some(Reading {
        spec,
        proposal,
        quantity,
        is_average,
        target_milli: quantity.milli_value().ok().filter(|milli| *milli > 0)?,
        current_milli: current.milli_value().ok()?,
        ratio: proposal.ratio?,
        runs_away: proposal.proposal? > case.facts.hpa.max_replicas,
    })
}

/// `500m` is one half.
fn thousandths(case: &Case<'_>, reading: &Reading<'_>) -> Option<Slip> {
    let digits = reading.quantity.0.strip_suffix('m')?;
    let whole = match case.facts.metric_value(reading.proposal.index) {
        Some(Fact::Known(samples)) => samples.iter().all(|sample| is_whole(&sample.value)),
        _ => reading.current_milli % ONE == 0,
    };
    if reading.target_milli >= ONE || !whole || !reading.runs_away || reading.ratio < FAR_ABOVE {
        return None;
    }
    let percent = is_named(reading.spec, PERCENTAGES);
    // 700m of a percentage is 70, not 700.
    let meant = if percent {
        (reading.target_milli / 10).to_string()
    } else {
        digits.to_owned()
    };
    Some(reading.slip(
        &format!(
            "means {}: the HPA goes to maxReplicas and stays",
            shown(reading.target_milli)
        ),
        "`m` is a thousandth of one, in the target of any metric",
        reading.target(format!("write {meant}, if that was meant"), &meant),
    ))
}

/// A counter grows as long as its process lives.
fn counter(reading: &Reading<'_>) -> Option<Slip> {
    let grows = ["_total", "_sum", "_count"]
        .iter()
        .any(|end| reading.spec.name.ends_with(end));
    (grows && reading.runs_away && reading.ratio >= FAR_ABOVE).then(|| {
        reading.slip(
            "is a rate, and the metric is a counter that only grows: the HPA goes to maxReplicas and stays",
            "a name that ends with `_total`, `_sum` or `_count` counts since the start of the process",
            Repair::Advice(
                "read the rate: `rate(…[2m])` in the adapter's rule, under a name such as …_per_second",
                "changes the adapter's configuration, and the name in the HPA",
            ),
        )
    })
}

/// Gauges that end at what a pod can hold.
const HELD_AT_ONCE: &[&str] = &[
    "flight",
    "inflight",
    "concurrency",
    "concurrent",
    "connections",
    "sessions",
    "active",
    "busy",
    "workers",
    "threads",
    "slots",
    "running",
];

/// So small a value many pods have by chance.
const TOO_SMALL_TO_TELL: i64 = 20 * ONE;
/// So few pods may have the same value by chance.
const ENOUGH_PODS: usize = 3;

/// Every pod has the very same value: a query that is not grouped by pod gives each of them the sum of all.
fn total_of_all(case: &Case<'_>, reading: &Reading<'_>) -> Option<Slip> {
    let samples = case.facts.metric_value(reading.proposal.index)?.known()?;
    let first = samples.first()?.value.milli_value().ok()?;
    let same = samples
        .iter()
        .all(|sample| sample.value.milli_value().is_ok_and(|value| value == first));
    // What a pod can hold at once is the same in all of them when all are full.
    let full = is_named(reading.spec, HELD_AT_ONCE);
    let told = reading.spec.type_ == "Pods" && !full && same && samples.len() >= ENOUGH_PODS;
    (told && first >= TOO_SMALL_TO_TELL && reading.runs_away).then(|| {
        reading.slip(
            &format!(
                "is compared with the same value of every pod, {}: probably a total, and no replica brings it down",
                shown(first)
            ),
            "a query without a grouping by pod gives each pod the sum of all",
            Repair::Advice(
                "group the adapter's query by pod (`sum by (<<.GroupBy>>)`), or read the total as an External metric with averageValue",
                "changes the adapter's configuration, or the metric of the HPA",
            ),
        )
    })
}

/// Metrics that are a share of one by their definition: Prometheus' own, and those of vLLM, Triton and DCGM.
const SHARES: &[&str] = &[
    "ratio",
    "fraction",
    "cache_usage_perc",
    "nv_gpu_utilization",
    "dcgm_fi_prof",
];
/// Metrics that are a percentage by their name.
const PERCENTAGES: &[&str] = &["percent", "percentage", "pct", "utilization", "util"];
/// Metrics that are a mean: they do not add up over replicas.
const MEANS: &[&str] = &[
    "latency",
    "duration",
    "response_time",
    "quantile",
    "percent",
    "percentage",
    "utilization",
    "util",
];
/// Metrics of how long something takes.
const TIMES: &[&str] = &["latency", "duration", "response_time"];

/// 70 of a share of one is never reached.
fn share_of_one(reading: &Reading<'_>) -> Option<Slip> {
    let is_share = is_named(reading.spec, SHARES) && reading.current_milli <= ONE;
    let divided = reading.is_average && reading.spec.type_ != "Pods";
    if !is_share || divided || reading.target_milli < MORE_THAN_A_SHARE {
        return None;
    }
    let percent = (ONE..=100 * ONE).contains(&reading.target_milli);
    let repair = if percent {
        let meant = format!("{}m", reading.target_milli / 100);
        reading.target(
            format!("write {meant}, for {}%", shown(reading.target_milli)),
            &meant,
        )
    } else {
        Repair::Advice(
            "set a target between 0 and 1, for example 700m",
            "changes the HPA alone",
        )
    };
    Some(reading.slip(
        "is out of reach: the metric is a share of one, and the HPA never scales up",
        "by its name the metric goes from 0 to 1",
        repair,
    ))
}

/// 500 is more than eight minutes.
fn seconds(reading: &Reading<'_>) -> Option<Slip> {
    let in_seconds = is_named(reading.spec, &["seconds"]) && is_named(reading.spec, TIMES);
    let fits = in_seconds && reading.current_milli > 0 && reading.ratio <= FAR_BELOW;
    if !fits || reading.target_milli < 10 * ONE || reading.current_milli % ONE == 0 {
        return None;
    }
    let meant = format!("{}m", reading.target_milli / ONE);
    Some(reading.slip(
        "counts seconds, and was probably meant in milliseconds: the HPA never scales up",
        "by its name the metric is in seconds",
        reading.target(
            format!("write {meant}, for {} ms", reading.target_milli / ONE),
            &meant,
        ),
    ))
}

/// A mean that is divided by the replicas once more.
fn divided_mean(reading: &Reading<'_>) -> Option<Slip> {
    let divided = reading.is_average && reading.spec.type_ != "Pods";
    let replicas = f64::from(reading.proposal.multiplier?);
    let is_mean = is_named(reading.spec, MEANS) || is_named(reading.spec, SHARES);
    // As a whole it is above the target, and divided by the replicas it is not.
    let hidden = reading.ratio * replicas > BEYOND_TOLERANCE && reading.ratio <= BEYOND_TOLERANCE;
    (divided && is_mean && hidden && replicas > 1.0).then(|| {
        let value = reading.quantity.0.clone();
        reading.slip(
            &format!("is compared with the metric divided by {replicas} replicas, and the metric is a mean already"),
            "an averageValue shares the value among the replicas: right for a queue, wrong for a latency or a share",
            Repair::Target {
                title: "compare the value as it is".to_owned(),
                path: reading.spec.type_.to_lowercase(),
                target: format!(r#"{{"type":"Value","value":"{value}"}}"#),
            },
        )
    })
}

impl Reading<'_> {
    fn slip(&self, what: &str, cause: &'static str, repair: Repair) -> Slip {
        let metric = adapters::label(self.spec);
        Slip {
            index: self.proposal.index,
            title: format!("The target {} of {metric} {what}", self.quantity),
            metric,
            target: self.quantity.to_string(),
            current: self.proposal.current.clone().unwrap_or_default(),
            cause,
            repair,
        }
    }

    fn target(&self, title: String, meant: &str) -> Repair {
        let (type_, field) = if self.is_average {
            ("AverageValue", "averageValue")
        } else {
            ("Value", "value")
        };
        Repair::Target {
            title,
            path: self.spec.type_.to_lowercase(),
            target: format!(r#"{{"type":"{type_}","{field}":"{meant}"}}"#),
        }
    }
}

/// Whether the name holds one of these as whole words: a duration is no ratio.
fn is_named(spec: &MetricSpec, words: &[&str]) -> bool {
    let name: String = spec
        .name
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let name = format!("_{name}_");
    words.iter().any(|word| name.contains(&format!("_{word}_")))
}

fn is_whole(value: &Quantity) -> bool {
    value.milli_value().is_ok_and(|milli| milli % ONE == 0)
}

/// Thousandths as a number: `0.5`, `70`.
fn shown(milli: i64) -> String {
    let text = format!("{}.{:03}", milli / ONE, milli % ONE);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
