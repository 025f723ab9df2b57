//! TFS313 values-of-other-pods
//!
//! ## What it detects
//! The adapter of custom.metrics.k8s.io answers a `Pods` metric with values of pods that are not the workload's. The
//! controller averages whatever it gets: the HPA says `ValidMetricFound`, and scales by the numbers of somebody else.
//!
//! ## How it is proved
//! The API was asked the controller's own question, and the names in its answer are compared with the pods that the
//! selector matches. A value of a pod that was replaced stays for some minutes: names that begin with the workload's
//! own are told only where none is of a pod that runs, where every pod is older than that, and then as *likely*.
//!
//! ## What it is not
//! Pods of somebody else that the selector itself matches are TFS701. An adapter without any value is TFS309.
//!
//! ## Fix
//! Let the adapter's rule name the pod that is measured, and keep the labels that it is asked for: in Prometheus Adapter
//! `resources.overrides` maps the label, and `metricsQuery` needs `<<.LabelMatchers>>`. A value that was scraped from an
//! exporter or a push gateway carries the exporter's own `pod` label, unless `honorLabels` is set.
//!
//! ## Source
//! `calcPlainMetricReplicas` in `replica_calculator.go` and `GetMetricUsageRatio` in `metrics/utilization.go`, Kubernetes
//! v1.37: the mean is that of all values, whichever pods they name.

use crate::diagnosis::adapters;
use crate::diagnosis::case::is_running;
use crate::diagnosis::metric_path::encoded;
use crate::diagnosis::phrase::{count, list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{Fact, MetricSpec};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS313",
    name: "values-of-other-pods",
    stage: Stage::MetricsPipeline,
    source: documentation!("values_of_other_pods.rs"),
    explains: &["TFS506", "TFS601", "TFS603", "TFS614"],
    needs: &[Need::Pods],
    check,
};

/// So long a time series may outlive its pod (the lookback of a Prometheus query).
const LOOKBACK_SECONDS: i64 = 300;

/// The values of a metric, by whose they are.
struct Values<'a> {
    spec: &'a MetricSpec,
    /// Of pods that the selector matches.
    own: Vec<&'a str>,
    /// Of pods that are not the workload's, by their names.
    others: Vec<&'a str>,
    /// Of pods that it may have had.
    former: Vec<&'a str>,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let mut metrics = case.facts.hpa.metrics.iter().enumerate();
    let (values, certain) = metrics.find_map(|(index, spec)| {
        let values = values(case, index, spec)?;
        let certain = !values.others.is_empty();
        let replaced = values.own.is_empty() && !values.former.is_empty() && all_are_old(case);
        (certain || replaced).then_some((values, certain))
    })?;
    let strangers = if certain { &values.others } else { &values.former };
    let (label, metric) = (case.target_label(), adapters::label(values.spec));
    let finding = if values.own.is_empty() {
        RULE.finding(
            Severity::Error,
            format!("The values of {metric} are of other pods: none is of a pod of {label}"),
            "the HPA averages whatever the adapter answers, and counts its own pods as pods without a value",
        )
    } else {
        RULE.finding(
            Severity::Warning,
            format!(
                "{} of {metric} {} of pods that are not those of {label}, and averaged in",
                count(strangers.len(), "value"),
                if strangers.len() == 1 { "is" } else { "are" }
            ),
            "the HPA averages whatever the adapter answers, also what it did not ask for",
        )
    };
    let finding = case
        .on_hpa(finding)
        .saw("values are of pods", list(strangers), "the metric's own API")
        .saw(
            format!("pods of {label}"),
            format!(
                "{}, {} with a value: {}",
                case.pods().len(),
                if values.own.is_empty() { "none".to_owned() } else { values.own.len().to_string() },
                list(&case.pods().iter().map(|pod| pod.name.as_str()).collect::<Vec<_>>())
            ),
            "LIST pods",
        )
        .fix(
            "see whose values the adapter answers with",
            format!("kubectl get --raw {}", word(&path(case, values.spec))),
            "reads only; describedObject names the pod of each",
        )
        .advice(
            "let the adapter's rule name the pod that is measured, and keep the labels that it is asked for",
            "Prometheus Adapter: resources.overrides, and <<.LabelMatchers>> in metricsQuery; a scraped exporter needs honorLabels",
        );
    Some(if certain {
        finding
    } else {
        finding.at_most(Confidence::Likely)
    })
}

fn values<'a>(case: &Case<'a>, index: usize, spec: &'a MetricSpec) -> Option<Values<'a>> {
    let Some(Fact::Known(samples)) = case.facts.metric_value(index).filter(|_| spec.type_ == "Pods") else {
        return None;
    };
    if case.pods().is_empty() {
        return None;
    }
    let prefix = format!("{}-", case.facts.hpa.target.name);
    let mut values = Values {
        spec,
        own: Vec::new(),
        others: Vec::new(),
        former: Vec::new(),
    };
    for sample in samples.iter().filter(|sample| !sample.object.is_empty()) {
        let name = sample.object.as_str();
        if case.pods().iter().any(|pod| pod.name == name) {
            values.own.push(name);
        } else if name.starts_with(&prefix) {
            values.former.push(name);
        } else {
            values.others.push(name);
        }
    }
    Some(values)
}

fn all_are_old(case: &Case<'_>) -> bool {
    let mut running = case.pods().iter().filter(|pod| is_running(pod)).peekable();
    running.peek().is_some() && running.all(|pod| case.age(pod).is_some_and(|age| age > LOOKBACK_SECONDS))
}

/// The question that the controller asks.
fn path(case: &Case<'_>, spec: &MetricSpec) -> String {
    let selector = case.scale().map_or("", |scale| &scale.selector);
    format!(
        "/apis/custom.metrics.k8s.io/{}/namespaces/{}/pods/*/{}?labelSelector={}",
        adapters::custom_version(case),
        case.facts.hpa.namespace,
        spec.name,
        encoded(selector)
    )
}
