//! TFS315 samples-of-other-containers
//!
//! ## What it detects
//! The samples of the pods have containers that the pods have not, and the HPA adds their usage up as well: what serves
//! metrics.k8s.io counts a pod twice, once by its containers and once as a whole.
//!
//! ## How it is proved
//! The containers of each sample are compared with those of its pod. Every pod that counts has a sample with such a container,
//! and its usage is not 0.
//!
//! ## What it is not
//! A container of a pod that is missing in its sample is TFS304. An ephemeral container (`kubectl debug`) is one of the pod.
//!
//! ## Fix
//! cAdvisor has a series for the pod as a whole, whose label `container` is empty, and one for its sandbox, `POD`. In Prometheus
//! Adapter the queries of `resourceRules` need `container!=""`; metrics-server has neither.
//!
//! ## Source
//! `GetResourceMetric` in `metrics/client.go`, Kubernetes v1.37: the usage of a pod is the sum over the containers of its sample,
//! whatever they are called.

use crate::diagnosis::case::is_own;
use crate::diagnosis::phrase::{amount, list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{MetricTarget, Pod, PodMetrics};
use crate::hpa::replicas::Counted;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS315",
    name: "samples-of-other-containers",
    stage: Stage::MetricsPipeline,
    source: documentation!("samples_of_other_containers.rs"),
    explains: &[
        "TFS601", "TFS602", "TFS603", "TFS604", "TFS606", "TFS611", "TFS612", "TFS614", "TFS619",
    ],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// The usage of one pod, in thousandths.
struct Usage<'a> {
    pod: &'a Pod,
    /// Of containers that it has.
    own: i64,
    /// Of containers that it has not, with their names.
    others: i64,
    names: Vec<&'a str>,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let metrics = case.facts.hpa.metrics.iter();
    metrics
        .filter(|metric| metric.type_ == "Resource")
        .find_map(|metric| {
            let usages = usages(case, &metric.name)?;
            Some(found(case, &metric.name, &metric.target, &usages))
        })
}

/// None where a pod that counts has no such container.
fn usages<'a>(case: &Case<'a>, resource: &str) -> Option<Vec<Usage<'a>>> {
    let counted = case.shares(Counted::Yes);
    let pods = case
        .own_pods()
        .filter(|pod| is_own(pod) && counted.iter().any(|share| share.name == pod.name));
    let usages: Vec<Usage<'a>> = pods
        .map(|pod| usage(pod, case.sample(pod)?, resource))
        .collect::<Option<_>>()?;
    let all = !usages.is_empty() && usages.iter().all(|usage| usage.others > 0);
    all.then_some(usages)
}

fn usage<'a>(pod: &'a Pod, sample: &'a PodMetrics, resource: &str) -> Option<Usage<'a>> {
    let mut usage = Usage {
        pod,
        own: 0,
        others: 0,
        names: Vec::new(),
    };
    for container in &sample.containers {
        let used = container.usage.get(resource)?.milli_value().ok()?;
        let own = pod.containers.iter().any(|own| own.name == container.name);
        if own || pod.ephemeral_containers.contains(&container.name) {
            usage.own = usage.own.checked_add(used)?;
        } else {
            usage.others = usage.others.checked_add(used)?;
            usage.names.push(&container.name);
        }
    }
    Some(usage)
}

fn found(case: &Case<'_>, resource: &str, target: &MetricTarget, usages: &[Usage<'_>]) -> Finding {
    let sum = |of: fn(&Usage<'_>) -> i64| usages.iter().map(of).fold(0, i64::saturating_add);
    let (own, others) = (sum(|usage| usage.own), sum(|usage| usage.others));
    let share = others
        .saturating_mul(100)
        .checked_div(own.saturating_add(others))
        .unwrap_or(0);
    let label = case.target_label();
    let of = case.current_of_target().unwrap_or_default();
    let what = match target {
        MetricTarget::AverageUtilization(_) => "the percentage",
        _ => "the average",
    };
    let finding = RULE.finding(
        Severity::Warning,
        format!("The samples of {label} count {resource} of containers that its pods have not: {share}% of all of it"),
        format!("the HPA adds up whatever containers a sample has, so {what} is too high: {of}"),
    );
    let mut finding = case.on_target(finding);
    for usage in usages.iter().take(2) {
        let containers: Vec<&str> = usage.pod.containers.iter().map(|it| it.name.as_str()).collect();
        let names: Vec<&str> = usage
            .names
            .iter()
            .map(|name| {
                if name.is_empty() {
                    "one without a name"
                } else {
                    name
                }
            })
            .collect();
        finding = finding.saw(
            format!("Pod {}", usage.pod.name),
            format!(
                "{} of {}, and {} of {}",
                amount(resource, usage.own),
                list(&containers),
                amount(resource, usage.others),
                list(&names)
            ),
            "LIST pods.metrics.k8s.io",
        );
    }
    let finding = served_by(case, finding);
    let Some(first) = usages.first() else {
        return finding;
    };
    finding
        .advice(
            "leave them out where metrics.k8s.io is served: `container!=\"\",container!=\"POD\"` in the queries of Prometheus Adapter's resourceRules",
            "changes the adapter's configuration; metrics-server counts each container once",
        )
        .fix(
            "see the sample of a pod",
            format!(
                "kubectl get --raw {}",
                word(&format!(
                    "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods/{}",
                    first.pod.namespace, first.pod.name
                ))
            ),
            "reads only",
        )
}

fn served_by(case: &Case<'_>, finding: Finding) -> Finding {
    let api = case.cluster.resource_metrics_api.known();
    let Some((api, service)) = api.and_then(|api| Some((api, api.service.as_ref()?))) else {
        return finding;
    };
    finding.object("APIService", "", &api.name).saw(
        format!("APIService {}", api.name),
        format!("served by Service {}/{}", service.namespace, service.name),
        "spec.service",
    )
}
