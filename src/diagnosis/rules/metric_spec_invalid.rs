//! TFS312 metric-spec-invalid
//!
//! ## What it detects
//! A metric of the HPA cannot be asked for as it is written: its selector has an operator that does not exist, it has
//! no target, or its type is none that this release knows. The API server lets it in; the controller refuses it.
//!
//! ## How it is proved
//! The controller's own text says so; it refuses the metric before it asks any metrics API.
//!
//! ## What it is not
//! A metric that the metrics API does not know is TFS305 or TFS309, a missing adapter TFS307.
//!
//! ## Fix
//! Write the metric anew: `In`, `NotIn`, `Exists` and `DoesNotExist` are the operators of a selector.
//!
//! ## Source
//! `computeReplicasForMetrics` in `horizontal.go`, Kubernetes v1.37: the selector is parsed and the target looked at
//! first. `validateMetricIdentifier` of the API server does not look at the selector.

use crate::diagnosis::adapters::{self, FailedMetric};
use crate::diagnosis::case::innermost;
use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding};
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS312",
    name: "metric-spec-invalid",
    stage: Stage::MetricsPipeline,
    source: documentation!("metric_spec_invalid.rs"),
    explains: &["TFS607"],
    needs: &[],
    check,
};

/// The operators of a label selector.
const OPERATORS: &str = "In, NotIn, Exists or DoesNotExist";

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = adapters::failed(case)
        .into_iter()
        .find(|metric| adapters::is_invalid(&metric.message))?;
    let label = adapters::label(metric.spec);
    let text = innermost(metric.text);
    let selector = text.contains("operator") || text.contains("values");
    let (title, why) = match &metric.message {
        Message::UnknownMetricType(type_) => (
            format!("The controller knows no metric of type {type_}"),
            "the HPA was written through another version of the API",
        ),
        Message::MetricTypeDisabled => (
            format!("{label} needs a feature that is switched off in this cluster"),
            "the feature gate HPAContainerMetrics is off (1.27 to 1.29)",
        ),
        _ if selector => (
            format!("The selector of {label} cannot be read, so the metric is not even asked for"),
            "the API server stores any operator; the controller refuses what is none",
        ),
        _ => (
            format!("{label} has no target that the controller can use"),
            "a metric needs averageUtilization, averageValue or value, as its type allows",
        ),
    };
    let finding = RULE.finding(adapters::severity(case), title, why);
    let finding = case
        .on_hpa(finding)
        .saw("the controller", text, "conditions and events");
    Some(repaired(case, finding, &metric, selector))
}

fn repaired(case: &Case<'_>, finding: Finding, metric: &FailedMetric<'_>, selector: bool) -> Finding {
    let name = word(&case.facts.hpa.name);
    let namespace = case.namespace();
    let field = match metric.spec.type_.as_str() {
        "Pods" => "pods",
        "Object" => "object",
        _ => "external",
    };
    if !selector {
        return adapters::without(case, finding, metric);
    }
    let finding = finding.fix(
        format!("write {OPERATORS} as the operator"),
        format!("kubectl edit hpa {name} -n {namespace}"),
        format!(
            "changes the HPA alone, at spec.metrics[{}].{field}.metric.selector",
            metric.index
        ),
    );
    let patch = format!(
        r#"[{{"op":"remove","path":"/spec/metrics/{}/{field}/metric/selector"}}]"#,
        metric.index
    );
    finding.fix(
        "read the metric without a selector",
        case.patch_hpa_json(&patch),
        "changes the HPA alone; all series of that name are added up",
    )
}
