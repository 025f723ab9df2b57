//! TFS619 memory-does-not-fall
//!
//! ## What it detects
//! Memory keeps the replicas up though the pods are idle: each takes the same whatever it does, a new one as much as the
//! others, and no number of replicas brings the average down.
//!
//! ## How it is proved
//! Memory decides and wants no fewer replicas than there are, more than `minReplicas`. The pods that count take about the same
//! each, and their cpu is idle: below half of its target where the HPA asks for it too, else at most a tenth of what they
//! request. That the memory is no load cannot be seen from outside, so the finding is likely; it is an information where the HPA
//! only stays where it is.
//!
//! ## What it is not
//! Memory that follows the load of busy pods, or of pods with a device, whose work cpu does not show. A rolling update whose surge adds memory is TFS617; a request of which any pod
//! uses ten times as much is TFS611.
//!
//! ## Fix
//! Scale by what load changes: cpu, or requests. Or request so much that idle pods come back to `minReplicas`: from `n` replicas
//! the HPA goes to `n × usage / target`, rounded up, which ends at `m` only where the usage is at most `m / (m + 1)` of the
//! target.
//!
//! ## Source
//! `calcPlainMetricReplicas` in `replica_calculator.go`, Kubernetes v1.37.

use crate::diagnosis::phrase::{amount, count, rounded_up, seconds_since};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::template_change::{self, Setting};
use crate::diagnosis::{Case, Confidence, Finding, Severity, Verdict, serving};
use crate::facts::{Container, MetricSpec, MetricTarget, Pod};
use crate::hpa::replicas::{Counted, PodShare};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS619",
    name: "memory-does-not-fall",
    stage: Stage::Arithmetic,
    source: documentation!("memory_does_not_fall.rs"),
    explains: &["TFS602", "TFS603", "TFS606", "TFS611", "TFS614"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// So little of its target is no load, whatever memory is taken.
const IDLE_RATIO: f64 = 0.5;

/// The same, in percent of what the pods request.
const IDLE_PERCENT: i64 = 10;

/// What a pod without a request may use and still be idle, in thousandths of a core.
const IDLE_MILLI: i64 = 10;

/// A usual target, in percent of the request.
const CPU_PERCENT: i32 = 70;

/// A load that has ended may have left its memory for so long.
const SETTLED_SECONDS: i64 = 600;

/// Whether a container has a device of a plugin, such as `nvidia.com/gpu`.
fn has_device(container: &Container) -> bool {
    let resources = &container.resources;
    let names = resources.requests.keys().chain(resources.limits.keys());
    names.into_iter().any(|name| name.contains('/'))
}

/// What the pods take.
struct Footprint<'a> {
    index: usize,
    spec: &'a MetricSpec,
    /// The most that one takes, and its request, in thousandths of a byte.
    usage: i64,
    request: Option<i64>,
    pod: &'a Pod,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric().filter(|metric| metric.name == "memory")?;
    let current = case.recommendation?.current_replicas;
    let least = case.facts.hpa.effective_min_replicas().max(1);
    let wants = metric.proposal?;
    // Two replicas of one at the least is what rounding up makes of any memory.
    let held = wants > current || wants > least.saturating_add(1);
    if wants < current || !held || current < least || is_surging(case, current) {
        return None;
    }
    // What an accelerator does, cpu does not show; and what has just grown may still be that of the load.
    let accelerated = case.own_pods().flat_map(|pod| &pod.containers).any(has_device);
    let just_scaled = case
        .facts
        .hpa
        .last_scale_time
        .is_some_and(|time| seconds_since(time, case.now) < SETTLED_SECONDS);
    if accelerated || wants <= current && just_scaled {
        return None;
    }
    // What it knows of TensorFlow Serving, TFS809 tells better.
    if wants <= current && serving::of_template(case).is_some() {
        return None;
    }
    let footprint = footprint(case)?;
    let idle = idle_cpu(case)?;
    let label = case.target_label();
    let usage = amount("memory", footprint.usage);
    let of = case.current_of_target()?;
    let (severity, title) = if wants > current {
        (
            Severity::Warning,
            format!(
                "Each pod of {label} takes up to {usage} memory though it is idle, {of}: more replicas do not lower it"
            ),
        )
    } else {
        (
            Severity::Info,
            format!(
                "Memory keeps {label} at {current} replicas though they are idle: each takes up to {usage}, {of}"
            ),
        )
    };
    let finding = RULE
        .finding(
            severity,
            title,
            "memory that a pod takes whatever it does is no load: the next replica takes as much, and the average stays",
        )
        .at_most(Confidence::Likely)
        .verdict(Verdict::Limited)
        .saw(
            count(case.shares(Counted::Yes).len(), "pod"),
            format!("about {usage} memory each"),
            "LIST pods.metrics.k8s.io",
        )
        .saw("cpu", idle, "LIST pods.metrics.k8s.io");
    let finding = by_load(case, case.on_target(finding), &footprint);
    Some(with_headroom(case, finding, &footprint, least))
}

/// A rolling update runs more pods than there are replicas.
fn is_surging(case: &Case<'_>, current: i32) -> bool {
    let living = case.own_pods().filter(|pod| pod.takes_room()).count();
    i32::try_from(living).is_ok_and(|living| living > current)
}

/// None where the pods take different amounts, or where one of them is not measured.
fn footprint<'a>(case: &Case<'a>) -> Option<Footprint<'a>> {
    let metric = case.deciding_metric()?;
    let spec = case.facts.hpa.metrics.get(metric.index)?;
    if !spec.type_.ends_with("Resource") || metric.pods.iter().any(|share| share.counted == Counted::Missing)
    {
        return None;
    }
    let counted: Vec<&PodShare> = metric
        .pods
        .iter()
        .filter(|share| share.counted == Counted::Yes)
        .collect();
    let most = counted.iter().max_by_key(|share| share.usage_milli)?;
    let least = counted.iter().filter_map(|share| share.usage_milli).min()?;
    let usage = most.usage_milli?;
    let alike = least.saturating_mul(5) >= usage.saturating_mul(4);
    alike.then_some(Footprint {
        index: metric.index,
        spec,
        usage,
        request: most.request_milli,
        pod: case.own_pods().find(|pod| pod.name == most.name)?,
    })
}

/// How idle cpu is; none where it is not, or was not measured.
fn idle_cpu(case: &Case<'_>) -> Option<String> {
    let metrics = case.recommendation?.metrics.iter();
    let by_metric = metrics
        .filter(|metric| metric.name == "cpu" && metric.type_.ends_with("Resource"))
        .find_map(|metric| Some((metric.ratio?, metric)));
    if let Some((ratio, metric)) = by_metric {
        return (ratio < IDLE_RATIO).then(|| {
            format!(
                "{} of {}",
                metric.current.as_deref().unwrap_or("little"),
                metric.target
            )
        });
    }
    let (mut usage, mut request, mut pods) = (0_i64, Some(0_i64), 0_i64);
    for share in case.shares(Counted::Yes) {
        let pod = case.own_pods().find(|pod| pod.name == share.name)?;
        for container in &case.sample(pod)?.containers {
            usage = usage.checked_add(container.usage.get("cpu")?.milli_value().ok()?)?;
        }
        for container in pod.containers.iter().filter(|it| it.counts_for_requests()) {
            let requested = container.resources.requests.get("cpu");
            let requested = requested.and_then(|it| it.milli_value().ok());
            request = request.zip(requested).and_then(|(sum, it)| sum.checked_add(it));
        }
        pods += 1;
    }
    let each = usage.checked_div(pods)?;
    match request.filter(|request| *request > 0) {
        Some(request) => {
            let percent = usage.checked_mul(100)?.checked_div(request)?;
            (percent <= IDLE_PERCENT)
                .then(|| format!("{} a pod, {percent}% of what it requests", amount("cpu", each)))
        }
        None => (each <= IDLE_MILLI).then(|| format!("{} a pod", amount("cpu", each))),
    }
}

/// Scaling by cpu: alone where the HPA asks for it already, in place of memory where every container requests it.
fn by_load(case: &Case<'_>, finding: Finding, footprint: &Footprint<'_>) -> Finding {
    let index = footprint.index;
    if case.facts.hpa.metrics.len() > 1 {
        return finding.fix(
            "let the other metrics decide alone",
            case.patch_hpa_json(&format!(r#"[{{"op":"remove","path":"/spec/metrics/{index}"}}]"#)),
            "changes the HPA alone",
        );
    }
    let mut counted = footprint
        .pod
        .containers
        .iter()
        .filter(|container| container.counts_for_requests());
    if !counted.all(|container| container.resources.requests.contains_key("cpu")) {
        return finding.advice(
            "scale by cpu or by requests instead of memory",
            "cpu as a percentage needs a cpu request on every container",
        );
    }
    finding.fix(
        "scale by cpu instead",
        case.patch_hpa_json(&format!(
            r#"[{{"op":"replace","path":"/spec/metrics/{index}","value":{{"type":"Resource","resource":{{"name":"cpu","target":{{"type":"Utilization","averageUtilization":{CPU_PERCENT}}}}}}}}}]"#
        )),
        "changes the HPA alone",
    )
}

/// So much above the usage that `n × usage / target`, rounded up, ends at the minimum.
fn with_headroom(case: &Case<'_>, finding: Finding, footprint: &Footprint<'_>, least: i32) -> Finding {
    let needed = |usage: i64| {
        usage
            .checked_mul(i64::from(least) + 1)?
            .checked_div(i64::from(least))
    };
    let comes_back = count(usize::try_from(least).unwrap_or(1), "replica");
    match &footprint.spec.target {
        MetricTarget::AverageUtilization(percent) => {
            let fitting = needed(footprint.usage)
                .and_then(|usage| usage.checked_mul(100)?.checked_div(i64::from(*percent)));
            let (Some(fitting), Some(request)) = (fitting, footprint.request) else {
                return finding;
            };
            let Some((container, requested)) = largest(footprint) else {
                return finding;
            };
            let wanted = requested.saturating_add(fitting.saturating_sub(request));
            let setting = Setting::request(
                container,
                "memory",
                &amount("memory", rounded_up("memory", wanted)),
            );
            let title = format!("request so much that idle pods come back to {comes_back}");
            template_change::proposed(case, finding, title, &[setting], "")
        }
        MetricTarget::AverageValue(_) => {
            let Some(value) = needed(footprint.usage) else {
                return finding;
            };
            let kind = if footprint.spec.container.is_some() {
                "containerResource"
            } else {
                "resource"
            };
            finding.fix(
                format!("aim so high that idle pods come back to {comes_back}"),
                case.patch_hpa_json(&format!(
                    r#"[{{"op":"replace","path":"/spec/metrics/{}/{kind}/target/averageValue","value":"{}"}}]"#,
                    footprint.index,
                    amount("memory", rounded_up("memory", value))
                )),
                "changes the HPA alone",
            )
        }
        MetricTarget::Value(_) | MetricTarget::None => finding,
    }
}

/// The container that requests the most memory, of those that the metric looks at.
fn largest<'a>(footprint: &Footprint<'a>) -> Option<(&'a str, i64)> {
    let only = footprint.spec.container.as_deref();
    let counted = footprint.pod.containers.iter().filter(|container| {
        container.counts_for_requests() && only.is_none_or(|name| name == container.name)
    });
    counted
        .filter_map(|container| {
            let request = container.resources.requests.get("memory")?.milli_value().ok()?;
            Some((container.name.as_str(), request))
        })
        .max_by_key(|(_, request)| *request)
}
