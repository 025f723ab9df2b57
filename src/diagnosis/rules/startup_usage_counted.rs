//! TFS507 startup-usage-counted
//!
//! ## What it detects
//! Pods that have just started use much cpu for their start (a JVM that compiles, a model that warms up), are ready all the
//! same, and so are counted: the HPA scales up after every rollout, and every new pod brings it more of that usage.
//!
//! ## How it is proved
//! The arithmetic is done a second time with the pods alone that have run for longer than five minutes: they are at or below
//! the target, and only together with the young ones the HPA wants more replicas. Whether their usage ends with the start,
//! only time can tell, so it is *likely*.
//!
//! ## What it is not
//! A young pod that is not ready yet is not counted (TFS501). Where all pods are young there is nothing to compare with, and
//! where the older ones are above the target too it is load.
//!
//! ## Fix
//! Let a pod become ready when its start is over: a `startupProbe` or a readiness probe that asks for the work itself. Or let
//! the HPA wait before it grows.
//!
//! ## Source
//! `groupPods` in `replica_calculator.go`, Kubernetes v1.37: within `--horizontal-pod-autoscaler-cpu-initialization-period`
//! (5 min) a pod is left out only while it is not ready, or its sample is older than that.

use crate::diagnosis::phrase::{count, list};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::MetricTarget;
use crate::hpa::replicas::{Counted, MetricProposal, PodShare};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS507",
    name: "startup-usage-counted",
    stage: Stage::Pods,
    source: documentation!("startup_usage_counted.rs"),
    explains: &["TFS602", "TFS606", "TFS615"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// How long the growth is put off by the repair, in seconds.
const PATIENCE_SECONDS: i32 = 120;
/// How many times what an older pod uses a start takes.
const FAR_ABOVE: i64 = 2;

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric()?;
    let current = case.recommendation?.current_replicas;
    let spec = case.facts.hpa.metrics.get(metric.index)?;
    let of_cpu = matches!(metric.type_.as_str(), "Resource" | "ContainerResource") && metric.name == "cpu";
    if !of_cpu || metric.proposal? <= current {
        return None;
    }
    let (young, old) = by_age(case, metric)?;
    let settled = mean(&old, &spec.target)?;
    let starting = mean(&young, &spec.target)?;
    let target = match &spec.target {
        MetricTarget::AverageUtilization(percent) => i64::from(*percent),
        MetricTarget::AverageValue(quantity) => quantity.milli_value().ok()?,
        MetricTarget::Value(_) | MetricTarget::None => return None,
    };
    if settled > target || starting < settled.saturating_mul(FAR_ABOVE) {
        return None;
    }
    let names: Vec<&str> = young.iter().map(|share| share.name.as_str()).collect();
    let unit = if matches!(spec.target, MetricTarget::AverageUtilization(_)) {
        "%"
    } else {
        "m"
    };
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "The HPA scales up because of {} that just started: the others are at {settled}{unit} of {}",
                count(young.len(), "pod"),
                metric.target
            ),
            "a pod that is ready counts from its first sample on, and what it does to start is usage too",
        )
        .at_most(Confidence::Likely)
        .saw(
            "pods younger than 5 min",
            format!("{starting}{unit}: {}", list(&names)),
            "LIST pods.metrics.k8s.io",
        )
        .saw(
            "pods that have run for longer",
            format!("{settled}{unit}, {}", count(old.len(), "pod")),
            "LIST pods.metrics.k8s.io",
        );
    let patch =
        format!(r#"{{"behavior":{{"scaleUp":{{"stabilizationWindowSeconds":{PATIENCE_SECONDS}}}}}}}"#);
    Some(
        case.on_target(finding)
            .fix(
                format!("let the HPA see for {PATIENCE_SECONDS} s whether it lasts before it grows"),
                case.patch_hpa(&patch),
                "changes the HPA alone; it answers to real load later by as much",
            )
            .advice(
                "give the pods a startupProbe or a readiness probe that succeeds when the start is over",
                format!(
                    "rolls the pods of {}; a pod that is not ready is not counted for 5 min",
                    case.target_label()
                ),
            ),
    )
}

/// The counted pods that may still be starting, and those that have started; none where one of the two is missing.
fn by_age<'a>(case: &Case<'_>, metric: &'a MetricProposal) -> Option<(Vec<&'a PodShare>, Vec<&'a PodShare>)> {
    let period = case.controller.cpu_initialization_seconds;
    let is_young = |share: &&PodShare| {
        let pod = case.pods().iter().find(|pod| pod.name == share.name);
        pod.and_then(|pod| case.age(pod)).is_some_and(|age| age < period)
    };
    let counted = metric.pods.iter().filter(|share| share.counted == Counted::Yes);
    let (young, old): (Vec<_>, Vec<_>) = counted.partition(is_young);
    (!young.is_empty() && !old.is_empty()).then_some((young, old))
}

/// What the pods use together, as the target counts it: percent of their requests, or thousandths of each.
fn mean(pods: &[&PodShare], target: &MetricTarget) -> Option<i64> {
    let sum = |part: fn(&PodShare) -> Option<i64>| {
        pods.iter()
            .try_fold(0_i64, |sum, pod| sum.checked_add(part(pod)?))
    };
    let usage = sum(|pod| pod.usage_milli)?;
    if matches!(target, MetricTarget::AverageUtilization(_)) {
        return usage.checked_mul(100)?.checked_div(sum(|pod| pod.request_milli)?);
    }
    usage.checked_div(i64::try_from(pods.len()).ok()?)
}
