//! TFS809 memory-never-freed
//!
//! ## What it detects
//! The HPA follows the memory of TensorFlow Serving. The server keeps what it has once allocated, so that usage rises
//! with load and hardly falls after it: the HPA scales up and not down again.
//!
//! ## How it is proved
//! The metric that decides is memory, it holds more replicas than `minReplicas`, and no metric wants fewer. How much of
//! the memory is in use cannot be seen from outside, so the finding is likely.
//!
//! ## What it is not
//! Where another metric decides, memory is in nobody's way.
//!
//! ## Fix
//! Scale on cpu, or on requests, and let the memory request hold the model.
//!
//! ## Source
//! `model_servers` of TensorFlow Serving: models stay in memory as long as they are served, and the allocators of
//! TensorFlow keep their pools.

use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving;
use crate::diagnosis::{Case, Confidence, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS809",
    name: "memory-never-freed",
    stage: Stage::Serving,
    source: documentation!("memory_never_freed.rs"),
    explains: &[],
    needs: &[Need::Target, Need::PodMetrics],
    check,
};

/// A usual target, in percent of the request.
const CPU_PERCENT: i32 = 60;

fn check(case: &Case<'_>) -> Option<Finding> {
    let server = serving::of_template(case)?;
    let recommendation = case.recommendation?;
    let current = recommendation.current_replicas;
    let metric = case.deciding_metric().filter(|metric| metric.name == "memory")?;
    let held = current > case.facts.hpa.effective_min_replicas() && metric.proposal >= Some(current);
    if !held {
        return None;
    }
    let (target, label) = (&case.facts.hpa.target, case.target_label());
    let finding = RULE
        .finding(
            Severity::Info,
            format!("Memory holds {label} at {current} replicas: TensorFlow Serving hardly frees any when load falls"),
            "the model and the allocator's pools stay in memory, so the usage after a peak is that of the peak",
        )
        .at_most(Confidence::Likely)
        .hint()
        .container(
            &target.kind,
            &case.facts.hpa.namespace,
            &target.name,
            &server.container.name,
        )
        .saw(
            "memory",
            format!("{} of {}", metric.current.as_deref().unwrap_or("unknown"), metric.target),
            "arithmetic",
        );
    let has_request = case.target()?.template.as_ref().is_some_and(|template| {
        let mut counted = template.containers.iter().filter(|it| it.counts_for_requests());
        counted.all(|it| it.resources.requests.contains_key("cpu") || it.resources.limits.contains_key("cpu"))
    });
    if !has_request || case.facts.hpa.metrics.len() > 1 {
        return Some(finding.advice(
            "scale on cpu, or on requests, instead of memory",
            "cpu as a percentage needs a cpu request on every container",
        ));
    }
    Some(finding.fix(
        "scale on cpu",
        case.patch_hpa(&format!(
            r#"{{"metrics":[{{"type":"Resource","resource":{{"name":"cpu","target":{{"type":"Utilization","averageUtilization":{CPU_PERCENT}}}}}}}]}}"#
        )),
        "changes the HPA alone, which may scale down at once",
    ))
}
