//! TFS712 load-not-shared
//!
//! ## What it detects
//! One pod of the target is far above the HPA's target and the others have next to nothing to do: the average hides it, and
//! more replicas would not help.
//!
//! ## How it is proved
//! The usage of every pod that counts, as a percentage of its own request: the greatest is half as much again as the target at
//! least, every other at most half of the target, and all of them have run for five minutes. The HPA wants no more replicas.
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
use crate::diagnosis::phrase::{count, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricTarget, Pod};
use crate::hpa::replicas::{Counted, MetricProposal};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS712",
    name: "load-not-shared",
    stage: Stage::Others,
    source: documentation!("load_not_shared.rs"),
    explains: &["TFS601", "TFS603", "TFS614"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// A pod that is younger may not have its share yet.
const SETTLED_SECONDS: i64 = 300;

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric()?;
    let spec = case.facts.hpa.metrics.get(metric.index)?;
    let MetricTarget::AverageUtilization(target) = spec.target else {
        return None;
    };
    let wants_more = metric.proposal > case.recommendation.map(|it| it.current_replicas);
    if spec.name != "cpu" || wants_more {
        return None;
    }
    let mut pods = percents(case, metric)?;
    pods.sort_by_key(|(_, percent)| std::cmp::Reverse(*percent));
    let [(busy, most), (_, next), ..] = pods[..] else {
        return None;
    };
    let target = i64::from(target);
    if most * 2 < target * 3 || next * 2 > target {
        return None;
    }
    let label = case.target_label();
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "One pod of {label} does the work: {most}% of its request, the other {} at most {next}%",
                if pods.len() == 2 {
                    "one".to_owned()
                } else {
                    (pods.len() - 1).to_string()
                }
            ),
            format!(
                "the HPA sees the average, {}: it adds no replica, and a new one would get as little",
                case.current_of_target()?
            ),
        )
        .object("Pod", &busy.namespace, &busy.name)
        .saw(
            format!("Pod {}", busy.name),
            format!("{most}%; {} at most {next}%", count(pods.len() - 1, "other")),
            "LIST pods.metrics.k8s.io",
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

/// The pods that count, each with its usage as a percentage of its request; none where one of them is young or somebody
/// else's.
fn percents<'a>(case: &Case<'a>, metric: &MetricProposal) -> Option<Vec<(&'a Pod, i64)>> {
    let counted = metric.pods.iter().filter(|share| share.counted == Counted::Yes);
    counted
        .map(|share| {
            let pod = case.pods().iter().find(|pod| pod.name == share.name)?;
            let request = share.request_milli.filter(|request| *request > 0)?;
            let settled = is_own(pod) && case.age(pod)? >= SETTLED_SECONDS;
            settled.then_some((pod, share.usage_milli?.saturating_mul(100) / request))
        })
        .collect()
}
