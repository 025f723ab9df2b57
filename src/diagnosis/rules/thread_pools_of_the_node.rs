//! TFS802 thread-pools-of-the-node
//!
//! ## What it detects
//! TensorFlow Serving has a cpu limit, and its thread pools have the size of the node: it counts the node's cores, not its
//! quota. Many threads then share a small quota and are throttled together, so that a replica serves less than its limit
//! allows, and the HPA asks for more of them.
//!
//! ## How it is proved
//! The serving container has a cpu limit and none of the flags that size its pools. That it is throttled shows where
//! its usage stands at the limit; environment variables are not read, and may size the pools too, so the finding is
//! likely.
//!
//! ## What it is not
//! Usage below the limit is no proof of throttling, and makes it a hint only. Under a kubelet whose static CPU manager
//! gives the container cores of its own, the pools have the size of the limit.
//!
//! ## Fix
//! Set the intra-op and the inter-op pool to the limit.
//!
//! ## Source
//! `main.cc` of TensorFlow Serving (`NumSchedulableCPUs`), 2.16 to 2.20; threads 340 and 1618.

use crate::diagnosis::case::is_running;
use crate::diagnosis::phrase::amount;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Server};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::Pod;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS802",
    name: "thread-pools-of-the-node",
    stage: Stage::Serving,
    source: documentation!("thread_pools_of_the_node.rs"),
    explains: &[],
    needs: &[Need::Target],
    check,
};

/// The flags that size a pool.
const SIZES: [&str; 5] = [
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
    "tensorflow_session_parallelism",
    "rest_api_num_threads",
    "grpc_max_threads",
];
/// From this share of its limit on, a container is throttled: samples are averages.
const PINNED_PERCENT: i64 = 95;

fn check(case: &Case<'_>) -> Option<Finding> {
    let Server { container, told } = serving::of_template(case)?;
    let limit = container.resources.limits.get("cpu")?.milli_value().ok()?;
    if limit <= 0 || SIZES.iter().any(|flag| told.sets(flag)) {
        return None;
    }
    let above = case.deciding_metric().is_some_and(|metric| {
        metric.name == "cpu" && !metric.within_tolerance && metric.ratio.is_some_and(|it| it > 1.0)
    });
    let pinned = pinned(case);
    let harm = above && !pinned.is_empty();
    let (target, label) = (&case.facts.hpa.target, case.target_label());
    let shown = container.resources.limits.get("cpu")?.0.as_str();
    let (severity, title) = if harm {
        (
            Severity::Warning,
            format!("{label} is throttled at its cpu limit of {shown} with thread pools of the node's size"),
        )
    } else {
        (
            Severity::Info,
            format!("{label} has a cpu limit of {shown} and thread pools of the node's size"),
        )
    };
    let mut finding = RULE
        .finding(
            severity,
            title,
            "the server counts the node's cores and not its quota, so its threads throttle each other and a replica serves less",
        )
        .at_most(Confidence::Likely)
        .hint()
        .container(
            &target.kind,
            &case.facts.hpa.namespace,
            &target.name,
            &container.name,
        )
        .saw(
            format!("container {}", container.name),
            format!("limits cpu {shown}, no flag that sizes a pool"),
            "spec.template",
        );
    for (pod, usage) in pinned.iter().take(2) {
        finding = finding.saw(
            format!("Pod {}", pod.name),
            format!("uses {} of {shown}", amount("cpu", *usage)),
            "LIST pods.metrics.k8s.io",
        );
    }
    Some(repaired(case, finding, limit))
}

/// The pods whose server uses its whole limit, and what it uses.
fn pinned<'a>(case: &Case<'a>) -> Vec<(&'a Pod, i64)> {
    let usage = |pod: &'a Pod, server: Server<'a>| {
        let limit = server.container.resources.limits.get("cpu")?.milli_value().ok()?;
        let sample = case.sample(pod)?;
        let measured = sample
            .containers
            .iter()
            .find(|measured| measured.name == server.container.name)?;
        let usage = measured.usage.get("cpu")?.milli_value().ok()?;
        (usage.checked_mul(100)? >= limit.checked_mul(PINNED_PERCENT)?).then_some((pod, usage))
    };
    serving::pods(case)
        .into_iter()
        .filter(|(pod, _)| is_running(pod))
        .filter_map(|(pod, server)| usage(pod, server))
        .collect()
}

fn repaired(case: &Case<'_>, finding: Finding, limit: i64) -> Finding {
    let cores = (limit.saturating_add(999) / 1000).max(1);
    let arguments = [
        format!("--tensorflow_intra_op_parallelism={cores}"),
        format!("--tensorflow_inter_op_parallelism={cores}"),
    ];
    let changes = format!("rolls the pods of {}", case.target_label());
    let title = "size the pools by the limit";
    match serving::with_arguments(case, &arguments) {
        Some(command) => finding.fix(title, command, changes),
        None => finding.advice(format!("{title}: {}", arguments.join(" ")), changes),
    }
}
