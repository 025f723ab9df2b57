//! TFS511 no-pod-ready
//!
//! ## What it detects
//! All pods run, were ready, and none is any more, or half of them are not: nobody sends them requests, so they look idle, and
//! the HPA scales down or stays. Or nobody works off what an `Object` or `External` metric counts, and the HPA asks for more
//! and more of them.
//!
//! ## How it is proved
//! Every living pod of the target, or every second one, is `Running` with `Ready=False` for two minutes at least.
//!
//! ## What it is not
//! Pods that have never been ready are TFS502 and do not count; pods whose container ends again and again are TFS502 too.
//!
//! ## Fix
//! Repair what the readiness probe asks: often something behind the server that all pods need.
//!
//! ## Source
//! `groupPods` in `replica_calculator.go`, Kubernetes v1.37: a pod that was ready once counts, whether it is ready now or not.

use crate::diagnosis::case::{container_trouble, is_ready, is_running};
use crate::diagnosis::phrase::{count, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricSpec, MetricTarget, Pod};
use crate::hpa::replicas::Counted;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS511",
    name: "no-pod-ready",
    stage: Stage::Pods,
    source: documentation!("no_pod_ready.rs"),
    explains: &["TFS601", "TFS602", "TFS603", "TFS604", "TFS614", "TFS708"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// A restart of what all pods need may take as long.
const UNREADY_SECONDS: i64 = 120;

/// How many pods are proved one by one.
const PROVED: usize = 3;

fn check(case: &Case<'_>) -> Option<Finding> {
    let living: Vec<&Pod> = case.own_pods().filter(|pod| pod.takes_room()).collect();
    // What an unready pod does to a target of `Value` is TFS510.
    let counted = case.shares(Counted::Yes);
    let metrics = &case.facts.hpa.metrics;
    let listed = metrics.iter().any(|metric| !is_of_a_whole(metric));
    let lost = |pod: &Pod| {
        is_running(pod)
            && !is_ready(pod)
            && !pod.has_never_been_ready()
            && container_trouble(pod).is_none()
            && unready_for(case, pod) >= Some(UNREADY_SECONDS)
            && (!listed || counted.iter().any(|share| share.name == pod.name))
    };
    let unready: Vec<&Pod> = living.iter().copied().filter(|pod| lost(pod)).collect();
    if unready.is_empty() || unready.len() * 2 < living.len() {
        return None;
    }
    // A StatefulSet that waits for one of them is TFS505.
    let wanted = case.scale().map_or(0, |scale| scale.spec_replicas);
    let of_set = case.target().is_some_and(|target| target.kind == "StatefulSet");
    if of_set && i32::try_from(living.len()).is_ok_and(|living| living < wanted) {
        return None;
    }
    let first = unready.first()?;
    let label = case.target_label();
    let shortest = unready.iter().filter_map(|pod| unready_for(case, pod)).min()?;
    let all = unready.len() == living.len();
    // What is shared among all replicas does not ask which of them are ready; without any, nobody does the work.
    if !listed
        && (!all
            || metrics
                .iter()
                .any(|metric| matches!(metric.target, MetricTarget::Value(_))))
    {
        return None;
    }
    let subject = match (all, living.len()) {
        (true, 1) => format!("The pod of {label} is not ready"),
        (true, number) => format!("None of {} of {label} is ready", count(number, "pod")),
        (false, number) => {
            let of = format!("{} of {}", unready.len(), count(number, "pod"));
            format!("{of} of {label} not ready")
        }
    };
    let mut finding = RULE.finding(
        Severity::Warning,
        if listed {
            format!("{subject}, for {}: nothing sends them requests", span(shortest))
        } else {
            format!("{subject}, for {}: more of them do not help", span(shortest))
        },
        if listed {
            "the HPA counts pods that were ready once, so their little usage reads as idleness"
        } else {
            "the HPA asks for replicas by a number that no pod works on now"
        },
    );
    for pod in unready.iter().take(PROVED) {
        finding = finding.object("Pod", &pod.namespace, &pod.name).saw(
            format!("Pod {}", pod.name),
            format!(
                "Running, Ready=False for {}",
                span(unready_for(case, pod).unwrap_or(0))
            ),
            "LIST pods",
        );
    }
    let pod = format!("{} -n {}", word(&first.name), case.namespace());
    Some(
        finding
            .fix(
                "see what the probe got",
                format!("kubectl describe pod {pod}"),
                "reads only",
            )
            .fix(
                "see what the server says",
                format!("kubectl logs {pod} --tail=50"),
                "reads only",
            ),
    )
}

/// Whether the metric is one number for all replicas: the controller then lists no pods.
fn is_of_a_whole(metric: &MetricSpec) -> bool {
    matches!(metric.type_.as_str(), "Object" | "External")
}

fn unready_for(case: &Case<'_>, pod: &Pod) -> Option<i64> {
    let changed = pod.condition("Ready")?.last_transition_time?;
    Some(seconds_since(changed, case.now))
}
