//! TFS406 container-not-found
//!
//! ## What it detects
//! A `ContainerResource` metric names a container that the pods do not have: a slip, or a container that was renamed.
//!
//! ## How it is proved
//! No pod of the workload and no template has a container of that name.
//!
//! ## What it is not
//! A container that exists and has no request is TFS401. Pods of somebody else that lack the container while the
//! workload's own have it are TFS403 or TFS701.
//!
//! ## Fix
//! Name a container of the template.
//!
//! ## Source
//! `GetResourceMetric` in `metrics/client.go` and `calculatePodRequests` in `replica_calculator.go`, Kubernetes v1.37:
//! `did not receive metrics for targeted pods`, or `container C not found in Pod P`.

use crate::diagnosis::adapters::nearest;
use crate::diagnosis::case::is_leftover;
use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::Container;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS406",
    name: "container-not-found",
    stage: Stage::Requests,
    source: include_str!("container_not_found.rs"),
    explains: &["TFS304", "TFS607"],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let containers = containers(case);
    if containers.is_empty() {
        return None;
    }
    let metrics = &case.facts.hpa.metrics;
    let (index, metric, wanted) = metrics.iter().enumerate().find_map(|(index, metric)| {
        let wanted = metric.container.as_deref()?;
        let missing = metric.type_ == "ContainerResource" && !containers.contains(&wanted);
        missing.then_some((index, metric, wanted))
    })?;
    let label = case.target_label();
    let severity = if metrics.len() == 1 {
        Severity::Error
    } else {
        Severity::Warning
    };
    let finding = RULE
        .finding(
            severity,
            format!(
                "{label} has no container {wanted}, whose {} the HPA reads",
                metric.name
            ),
            "a ContainerResource metric names its container, and this name is in no pod",
        )
        .saw(
            format!("spec.metrics[{index}]"),
            format!("ContainerResource {} of container {wanted}", metric.name),
            "GET the HPA",
        )
        .saw(
            format!("containers of {label}"),
            list(&containers),
            "spec.template and LIST pods",
        );
    let finding = case.on_hpa(finding);
    let meant = match containers.as_slice() {
        [only] => Some(*only),
        several => nearest(wanted, several),
    };
    let command = |container: &str| {
        let patch = format!(
            r#"[{{"op":"replace","path":"/spec/metrics/{index}/containerResource/container","value":"{container}"}}]"#
        );
        let name = word(&case.facts.hpa.name);
        format!(
            "kubectl patch hpa {name} -n {} --type=json -p {}",
            case.namespace(),
            word(&patch)
        )
    };
    Some(match meant.or(containers.first().copied()) {
        Some(container) => finding.fix(
            format!("read container {container}"),
            command(container),
            "changes the HPA alone",
        ),
        None => finding,
    })
}

/// The names of the containers that are measured, of the template first.
fn containers<'a>(case: &Case<'a>) -> Vec<&'a str> {
    let template = case.target().and_then(|target| target.template.as_ref());
    let described = template.into_iter().flat_map(|template| &template.containers);
    let living = case
        .own_pods()
        .filter(|pod| !is_leftover(pod))
        .flat_map(|pod| &pod.containers);
    let mut names = Vec::new();
    for container in described
        .chain(living)
        .filter(|it| Container::counts_for_requests(it))
    {
        if !names.contains(&container.name.as_str()) {
            names.push(container.name.as_str());
        }
    }
    names
}
