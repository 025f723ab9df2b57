//! TFS612 target-unit-wrong
//!
//! ## What it detects
//! An `averageValue` in a unit that cannot have been meant: memory in thousandths of a byte (`500m`) or in a few bytes
//! (`500`), so that one pod is always thousands of times above it; or cpu in more cores than a pod may ever use (`100`
//! for 100m), so that the HPA never scales up. Likewise `1m` for one core, `Gi` for `Mi`, and a percentage of 1 to 5.
//!
//! Of a `Pods`, `Object` or `External` metric: a target of `500m`, which is one half, where the metric stands at whole
//! numbers far above; a target of 70 for a metric that is a share of one; a target of 500 for a latency in seconds; a rate
//! as the target of a counter that only grows; an `averageValue` where the metric is a mean already; a target for each pod
//! where every pod has the very same value, the total of all.
//!
//! ## How it is proved
//! A memory target below 1 MiB is less than any process takes. A cpu target above the sum of the limits of every
//! container cannot be reached; without limits, one of at least 100 times the pod's requests is likely a slip. So is cpu
//! of at most 10m that every pod exceeds 20 times, memory of 1000 times what a pod uses, and a percentage of at most 5
//! that asks for more than maxReplicas.
//!
//! The values of an adapter's metric are compared with the target; which unit was meant, only the metric's name can tell,
//! so that is *likely* at most.
//!
//! ## What it is not
//! A target that is merely high or low. A queue far above its target is a queue that is full.
//!
//! ## Fix
//! Write the unit: `500Mi`, `100m`.
//!
//! ## Source
//! Quantities of the Kubernetes API: `m` is a thousandth, cpu counts cores, memory counts bytes. Prometheus' naming of
//! metrics: base units, `_total` for a counter, `_ratio` for a share of one.

use crate::diagnosis::case::is_running;
use crate::diagnosis::phrase::amount;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::units::{self, Repair};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{Container, MetricSpec, MetricTarget, Quantity};
use crate::hpa::replicas::Counted;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS612",
    name: "target-unit-wrong",
    stage: Stage::Arithmetic,
    source: documentation!("target_unit_wrong.rs"),
    explains: &["TFS601", "TFS602", "TFS603", "TFS606", "TFS614"],
    needs: &[Need::Pods],
    check,
};

/// Less memory than any process takes, in thousandths of a byte.
const LEAST_MEMORY: i64 = 1024 * 1024 * 1000;
/// What a process that does something takes, in thousandths of a byte: of less, a thousand times is not much.
const SOME_MEMORY: i64 = 16 * LEAST_MEMORY;
/// The most cpu, in thousandths of a core, that a process takes while it does nothing.
const LEAST_CPU: i64 = 10;
/// How many times a target in the right unit may be exceeded.
const FAR_ABOVE_TARGET: i64 = 20;
/// How many times what a pod uses a target in the right unit may be: the step from one unit to the next.
const FAR_ABOVE_USAGE: i64 = 1000;
/// The highest percentage that nobody means.
const LEAST_PERCENT: i32 = 5;
/// The percentage of the controller's own documentation.
const USUAL_PERCENT: i32 = 60;
/// How many times its requests a pod may be meant to use.
const FAR_ABOVE_REQUESTS: i64 = 100;

fn check(case: &Case<'_>) -> Option<Finding> {
    let metrics = case.facts.hpa.metrics.iter().enumerate();
    let slip = metrics
        .filter(|(_, metric)| matches!(metric.type_.as_str(), "Resource" | "ContainerResource"))
        .find_map(|(index, metric)| match &metric.target {
            MetricTarget::AverageValue(value) => Some((index, metric, value, slip(case, metric, value)?)),
            _ => None,
        });
    let Some((index, metric, value, slip)) = slip else {
        return tiny_percentage(case).or_else(|| of_adapter(case));
    };
    let name = &metric.name;
    let finding = RULE
        .finding(
            Severity::Warning,
            format!("The {name} target of {value} {}", slip.title),
            slip.cause,
        )
        .at_most(slip.confidence)
        .saw(
            format!("spec.metrics[{index}]"),
            format!("{name}, averageValue {value}"),
            "GET the HPA",
        )
        .saw(slip.beside.0, slip.beside.1, "LIST pods");
    let field = if metric.type_ == "Resource" {
        "resource"
    } else {
        "containerResource"
    };
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/metrics/{index}/{field}/target/averageValue","value":"{}"}}]"#,
        slip.meant
    );
    Some(case.on_hpa(finding).fix(
        format!("write the unit: {}, if that was meant", slip.meant),
        case.patch_hpa_json(&patch),
        "changes the HPA alone",
    ))
}

/// The same of a metric that an adapter serves.
fn of_adapter(case: &Case<'_>) -> Option<Finding> {
    let slip = units::slip(case)?;
    let finding = RULE
        .finding(Severity::Warning, slip.title, slip.cause)
        .at_most(Confidence::Likely)
        .saw(
            format!("spec.metrics[{}]", slip.index),
            format!("{}, target {}", slip.metric, slip.target),
            "GET the HPA",
        )
        .saw("the metric now", slip.current, "arithmetic");
    let finding = case.on_hpa(finding);
    Some(match slip.repair {
        Repair::Target { title, path, target } => {
            let patch = format!(
                r#"[{{"op":"replace","path":"/spec/metrics/{}/{path}/target","value":{target}}}]"#,
                slip.index
            );
            let command = case.patch_hpa_json(&patch);
            finding.fix(title, command, "changes the HPA alone")
        }
        Repair::Advice(title, changes) => finding.advice(title, changes),
    })
}

struct Slip {
    title: &'static str,
    cause: &'static str,
    beside: (String, String),
    meant: String,
    confidence: Confidence,
}

fn slip(case: &Case<'_>, metric: &MetricSpec, value: &Quantity) -> Option<Slip> {
    let milli = value.milli_value().ok().filter(|milli| *milli > 0)?;
    let digits: String = value.0.chars().take_while(char::is_ascii_digit).collect();
    match metric.name.as_str() {
        "memory" if milli < LEAST_MEMORY && digits.parse().is_ok_and(|digits: u64| digits > 0) => {
            Some(Slip {
                title: "is less than any process takes: the HPA goes to maxReplicas and stays",
                cause: "memory is counted in bytes, and `m` is a thousandth of one",
                beside: ("the target in bytes".to_owned(), milli_as_units(milli)),
                meant: format!("{digits}Mi"),
                confidence: Confidence::Proven,
            })
        }
        "memory" => used(case, metric)
            .filter(|used| *used >= SOME_MEMORY && milli / FAR_ABOVE_USAGE >= *used)
            .map(|used| Slip {
                title: "is a thousand times what a pod uses: the HPA never scales up",
                cause: "memory is counted in bytes; `Gi` is 1024 times `Mi`",
                beside: ("memory of a pod".to_owned(), amount("memory", used)),
                meant: amount("memory", milli / 1024),
                confidence: Confidence::Likely,
            }),
        "cpu" if milli <= LEAST_CPU => used(case, metric)
            .filter(|used| *used >= milli.saturating_mul(FAR_ABOVE_TARGET))
            .map(|used| Slip {
                title: "is less than an idle process takes: the HPA goes to maxReplicas and stays",
                cause: "cpu is counted in cores, and `m` is a thousandth of one",
                beside: ("cpu of a pod".to_owned(), format!("{used}m")),
                meant: milli.to_string(),
                confidence: Confidence::Likely,
            }),
        "cpu" => out_of_reach(case, metric, milli).map(|(what, amount, confidence)| Slip {
            title: "is more cores than a pod can use: the HPA never scales up",
            cause: "cpu is counted in cores, and a thousandth of one is written `m`",
            beside: (what.to_owned(), format!("{amount}m")),
            meant: format!("{}m", milli / 1000),
            confidence,
        }),
        _ => None,
    }
}

/// The least that a pod of the workload uses now, in thousandths.
fn used(case: &Case<'_>, metric: &MetricSpec) -> Option<i64> {
    let metrics = case.recommendation?.metrics.iter();
    let proposal = metrics
        .into_iter()
        .find(|it| it.name == metric.name && it.type_ == metric.type_)?;
    let shares = proposal.pods.iter().filter(|share| share.counted == Counted::Yes);
    shares
        .filter_map(|share| share.usage_milli)
        .min()
        .filter(|used| *used > 0)
}

/// A percentage that every process exceeds while it idles: somebody wrote a share of 1, or cores.
fn tiny_percentage(case: &Case<'_>) -> Option<Finding> {
    let recommendation = case.recommendation?;
    let maximum = case.facts.hpa.max_replicas;
    recommendation.metrics_want.filter(|wanted| *wanted > maximum)?;
    let deciding = case.deciding_metric()?;
    let metric = case.facts.hpa.metrics.get(deciding.index)?;
    let MetricTarget::AverageUtilization(percent @ 1..=LEAST_PERCENT) = metric.target else {
        return None;
    };
    let current = deciding.current.as_deref()?;
    let field = if metric.type_ == "Resource" {
        "resource"
    } else {
        "containerResource"
    };
    let name = &metric.name;
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "The {name} target of {percent}% is less than an idle process takes: the HPA goes to maxReplicas and stays"
            ),
            "a target is a percentage of the request: 60 for 60%",
        )
        .at_most(Confidence::Likely)
        .saw(
            format!("spec.metrics[{}]", deciding.index),
            format!("{name}, averageUtilization {percent}"),
            "GET the HPA",
        )
        .saw("usage now", format!("{current} of the request"), "arithmetic");
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/metrics/{}/{field}/target/averageUtilization","value":{USUAL_PERCENT}}}]"#,
        deciding.index
    );
    Some(case.on_hpa(finding).fix(
        format!("set a target that leaves room, for example {USUAL_PERCENT}%"),
        case.patch_hpa_json(&patch),
        "changes the HPA alone",
    ))
}

fn milli_as_units(milli: i64) -> String {
    if milli % 1000 == 0 {
        (milli / 1000).to_string()
    } else {
        format!("{}.{:03}", milli / 1000, milli % 1000)
    }
}

/// The limits or requests of a pod that show that it will not use so many cores.
fn out_of_reach(
    case: &Case<'_>,
    metric: &MetricSpec,
    target: i64,
) -> Option<(&'static str, i64, Confidence)> {
    if target < 1000 {
        return None;
    }
    let pod = case.own_pods().find(|pod| is_running(pod))?;
    let measured = |container: &&Container| {
        let named = metric
            .container
            .as_deref()
            .is_none_or(|name| name == container.name);
        container.counts_for_requests() && named
    };
    let limits: Option<i64> = pod
        .containers
        .iter()
        .filter(measured)
        .map(|container| container.resources.limits.get("cpu")?.milli_value().ok())
        .try_fold(0_i64, |sum, limit| sum.checked_add(limit?));
    if let Some(limits) = limits {
        return (limits < target).then_some(("cpu limits of a pod", limits, Confidence::Proven));
    }
    let requests: i64 = pod
        .containers
        .iter()
        .filter(measured)
        .filter_map(|container| container.resources.requests.get("cpu")?.milli_value().ok())
        .fold(0, i64::saturating_add);
    (requests > 0 && requests.saturating_mul(FAR_ABOVE_REQUESTS) <= target).then_some((
        "cpu requests of a pod",
        requests,
        Confidence::Likely,
    ))
}
