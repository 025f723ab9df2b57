//! Metrics of KEDA whose selector names a `ScaledObject` that does not exist: a left-over HPA, or one of another name.

use super::adapters::{self, FailedMetric};
use super::phrase::word;
use super::{Case, Finding, keeper};
use crate::facts::Fact;

/// The label by which KEDA's adapter finds the `ScaledObject` of a metric (`pkg/provider`, v2).
const LABEL: &str = "scaledobject.keda.sh/name=";

/// The name in the metric's selector, where KEDA's adapter says that there is no such `ScaledObject`.
pub(super) fn name<'a>(case: &Case<'a>, metric: &FailedMetric<'a>) -> Option<&'a str> {
    let selector = metric.spec.selector.as_deref()?;
    let name = selector.split(',').find_map(|pair| pair.strip_prefix(LABEL))?;
    let answer = case.facts.metric_value(metric.index).and_then(Fact::not_readable);
    let answer = answer.map(|reason| reason.why.as_str());
    let gone = format!("ScaledObject.keda.sh \"{name}\" not found");
    let said = [Some(metric.text), answer];
    let says =
        |words: &&str| words.contains(&gone) || words.contains("exactly one ScaledObject should match label");
    said.into_iter()
        .flatten()
        .any(|words| says(&words))
        .then_some(name)
}

/// What is said of it.
pub(super) fn title(metric: &FailedMetric<'_>, name: &str) -> String {
    format!(
        "ScaledObject {name} does not exist, of which {} is a metric",
        adapters::label(metric.spec)
    )
}

/// Why.
pub(super) fn cause(case: &Case<'_>) -> &'static str {
    if keeper::scaled_object(case).is_some() {
        "the metric's selector names it, and the ScaledObject that owns this HPA has another name"
    } else {
        "KEDA wrote this HPA from it, and the HPA was left when it went: nothing gives its metrics a value any more"
    }
}

/// KEDA writes the HPA of a `ScaledObject` that it misses; a left-over one is nobody's.
pub(super) fn repaired(case: &Case<'_>, finding: Finding, name: &str) -> Finding {
    let hpa = word(&case.facts.hpa.name);
    let namespace = case.namespace();
    let delete = format!("kubectl delete horizontalpodautoscaler {hpa} -n {namespace}");
    match keeper::scaled_object(case) {
        Some(owner) => finding.fix(
            format!("let KEDA write the HPA of {} anew", keeper::label(owner)),
            delete,
            "deletes the HPA alone; KEDA makes it again from its ScaledObject within seconds",
        ),
        None => finding
            .fix(
                "see which ScaledObjects there are",
                format!("kubectl get scaledobjects -n {namespace}"),
                "reads only",
            )
            .fix(
                "delete the left-over HPA, if nothing is to scale by it",
                delete,
                "deletes the HPA alone; the replicas stay as they are",
            )
            .advice(
                format!("or create ScaledObject {name} again"),
                "KEDA writes an HPA from it",
            ),
    }
}
