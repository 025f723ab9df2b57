//! TFS712 load-not-shared
//!
//! ## What it detects
//! One pod of the target is far above the HPA's target and the others have next to nothing to do: the average hides it, and
//! more replicas would not help.
//!
//! ## How it is proved
//! The cpu of every pod that counts, as a percentage of its own request or as it is, or the value that a `Pods` metric has for it: the greatest is half as much again as the target at
//! least, every other at most half of the target, and all of them have run for five minutes.
//!
//! ## What it is not
//! A container that hides another in the same pod is TFS613; pods of somebody else in the average are TFS701. Right after a
//! scale-up the new pods are idle for a while.
//!
//! ## Fix
//! Connections that are kept open (gRPC, HTTP/2, keep-alive) stay with the pod that they were opened to, and a Service
//! balances connections, not requests. Balance requests in the client or in a proxy, or let the server end connections from
//! time to time. Where one pod works by design, as a leader does, no HPA can help it.
//!
//! ## Source
//! `GetResourceUtilizationRatio` in `metrics/utilization.go`, Kubernetes v1.37: one sum of all usages by one sum of all
//! requests.

use crate::diagnosis::case::is_own;
use crate::diagnosis::phrase::{amount, count, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricTarget, Pod};
use crate::hpa::replicas::{Counted, MetricProposal};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS712",
    name: "load-not-shared",
    stage: Stage::Others,
    source: documentation!("load_not_shared.rs"),
    explains: &["TFS601", "TFS602", "TFS603", "TFS606", "TFS614"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// A pod that is younger may not have its share yet.
const SETTLED_SECONDS: i64 = 300;

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric()?;
    let spec = case.facts.hpa.metrics.get(metric.index)?;
    let target = match &spec.target {
        MetricTarget::AverageUtilization(percent) => i64::from(*percent),
        MetricTarget::AverageValue(value) => value.milli_value().ok()?,
        MetricTarget::Value(_) | MetricTarget::None => return None,
    };
    let wants_more = metric.proposal > case.recommendation.map(|it| it.current_replicas);
    // Memory is each pod's own, and no balancer shares it.
    if !(spec.name == "cpu" || spec.type_ == "Pods") {
        return None;
    }
    let mut pods = loads(case, metric, &spec.target)?;
    pods.sort_by_key(|(_, load)| std::cmp::Reverse(*load));
    let [(busy, most), (_, next), ..] = pods[..] else {
        return None;
    };
    if most.saturating_mul(2) < target.saturating_mul(3) || next.saturating_mul(2) > target {
        return None;
    }
    let shown = |load: i64| match &spec.target {
        MetricTarget::AverageUtilization(_) => format!("{load}%"),
        _ if spec.type_ == "Pods" && load % 1000 == 0 => (load / 1000).to_string(),
        _ => amount("cpu", load),
    };
    let of = match &spec.target {
        MetricTarget::AverageUtilization(_) => "of its request".to_owned(),
        _ => format!("of {}", spec.name),
    };
    let (most, next) = (shown(most), shown(next));
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "One pod of {label} does the work: {most} {of}, the other {} at most {next}",
                if pods.len() == 2 {
                    "one".to_owned()
                } else {
                    (pods.len() - 1).to_string()
                }
            ),
            format!(
                "the HPA sees the average, {}: {}, and a new one gets as little",
                case.current_of_target()?,
                if wants_more {
                    "it adds replicas"
                } else {
                    "it adds no replica"
                }
            ),
        )
        .object("Pod", &busy.namespace, &busy.name)
        .saw(
            format!("Pod {}", busy.name),
            format!("{most}; {} at most {next}", count(pods.len() - 1, "other")),
            if spec.type_ == "Pods" {
                "the metric's own API"
            } else {
                "LIST pods.metrics.k8s.io"
            },
        );
    Some(
        case.on_target(finding)
            .advice(
                "balance requests, not connections: in the client (gRPC: round_robin and a headless Service) or a proxy",
                "a connection that is kept open stays with its pod",
            )
            .fix(
                "see the pods beside each other",
                format!(
                    "kubectl tfserve top {} -n {}",
                    word(&case.facts.hpa.name),
                    case.namespace()
                ),
                "reads only",
            ),
    )
}

/// The pods that count, each with its usage in the unit of the target: as a percentage of its request, or in thousandths;
/// none where one of them is young or somebody else's.
fn loads<'a>(case: &Case<'a>, metric: &MetricProposal, target: &MetricTarget) -> Option<Vec<(&'a Pod, i64)>> {
    let counted = metric.pods.iter().filter(|share| share.counted == Counted::Yes);
    counted
        .map(|share| {
            let pod = case.pods().iter().find(|pod| pod.name == share.name)?;
            let usage = share.usage_milli?;
            let load = match target {
                MetricTarget::AverageUtilization(_) => {
                    let request = share.request_milli.filter(|request| *request > 0)?;
                    usage.saturating_mul(100) / request
                }
                _ => usage,
            };
            let settled = is_own(pod) && case.age(pod)? >= SETTLED_SECONDS;
            settled.then_some((pod, load))
        })
        .collect()
}
