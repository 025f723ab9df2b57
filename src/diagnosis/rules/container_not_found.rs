//! TFS406 container-not-found
//!
//! ## What it detects
//! A `ContainerResource` metric names a container that the pods do not have: a slip, or a container that was renamed.
//!
//! ## How it is proved
//! No pod of the workload and no template has a container of that name. Or the controller says that a pod lacks it, and
//! that pod was read: somebody else's with the same labels, or one of an older template.
//!
//! ## What it is not
//! A container that exists and has no request is TFS401.
//!
//! ## Fix
//! Name a container of the template; give the pods of somebody else other labels.
//!
//! ## Source
//! `GetResourceMetric` in `metrics/client.go` and `calculatePodRequests` in `replica_calculator.go`, Kubernetes v1.37:
//! `did not receive metrics for targeted pods`, or `container C not found in Pod P`.

use crate::diagnosis::adapters::nearest;
use crate::diagnosis::case::{is_leftover, is_own, owner_label};
use crate::diagnosis::foreign;
use crate::diagnosis::phrase::list;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};
use crate::facts::{Container, MetricTarget, Pod};
use crate::hpa::message::Message;

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS406",
    name: "container-not-found",
    stage: Stage::Requests,
    source: documentation!("container_not_found.rs"),
    explains: &["TFS304", "TFS607", "TFS701"],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    absent_everywhere(case).or_else(|| absent_in_some(case))
}

/// The name is in no pod and in no template: a slip.
fn absent_everywhere(case: &Case<'_>) -> Option<Finding> {
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
    let severity = if metrics.len() == 1 || case.blocked_by().is_some() {
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
            "a ContainerResource metric names its container, and none that is measured has this name",
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
    let finding = if is_init(case, wanted) {
        finding.saw(
            format!("container {wanted}"),
            "an init container: it has ended before the pod is measured",
            "spec.template",
        )
    } else {
        finding
    };
    let finding = case.on_hpa(finding);
    let meant = match containers.as_slice() {
        [only] => Some(*only),
        several => nearest(wanted, several),
    };
    let command = |container: &str| case.read_container(index, container);
    Some(match meant.or(containers.first().copied()) {
        Some(container) => finding.fix(
            format!("read container {container}"),
            command(container),
            "changes the HPA alone",
        ),
        None => finding,
    })
}

/// Whether an init container that does not stay has the name.
fn is_init(case: &Case<'_>, name: &str) -> bool {
    let template = case.target().and_then(|target| target.template.as_ref());
    let mut described = template.into_iter().flat_map(|template| &template.containers);
    described.any(|container| container.name == name && !container.counts_for_requests())
}

/// The workload has the container, and another pod that the selector matches has not: the controller gives up at it.
fn absent_in_some(case: &Case<'_>) -> Option<Finding> {
    let Some(Message::ContainerNotFound { container, .. }) = case.blocked_by() else {
        return None;
    };
    let lacking: Vec<&Pod> = case
        .pods()
        .iter()
        .filter(|pod| {
            !pod.containers
                .iter()
                .any(|it| it.counts_for_requests() && it.name == *container)
        })
        .collect();
    let names: Vec<&str> = lacking.iter().map(|pod| pod.name.as_str()).collect();
    let first = lacking.first()?;
    let label = case.target_label();
    let selector = case.scale().map_or("", |scale| &scale.selector);
    let plural = if names.len() == 1 { "Pod" } else { "Pods" };
    let (verb, stop) = if names.len() == 1 {
        ("has", "stops")
    } else {
        ("have", "stop")
    };
    let mut finding = RULE.finding(
        Severity::Error,
        format!("{plural} {} {verb} no container {container} and {stop} the HPA of {label}", list(&names)),
        format!("the HPA asks every pod that `{selector}` matches for the request of the container, whoever owns it"),
    );
    for pod in &lacking {
        finding = finding.object("Pod", &pod.namespace, &pod.name);
    }
    finding = finding.saw(
        format!("Pod {}", first.name),
        format!(
            "owned by {}; containers {}",
            owner_label(first),
            list(&container_names(first))
        ),
        "LIST pods",
    );
    finding = case.with_condition(finding);
    finding = foreign::name_owners(case, finding, &lacking);
    finding = foreign::delete(case, finding, &lacking);
    finding = foreign::relabel(case, finding, &lacking);
    if lacking.iter().any(|pod| !is_own(pod) && !is_leftover(pod)) {
        finding = whole_pods(case, finding, container);
    }
    finding = foreign::advise_owners(case, finding, &lacking, "");
    if lacking.iter().any(|pod| is_own(pod) && !is_leftover(pod)) {
        finding = finding.fix(
            "wait until the old pods are gone",
            format!("kubectl rollout status {}", case.target_arguments()),
            "reads only",
        );
    }
    Some(finding)
}

/// A `Resource` metric asks no pod for a container; it needs a request of all of them.
fn whole_pods(case: &Case<'_>, finding: Finding, container: &str) -> Finding {
    let metrics = case.facts.hpa.metrics.iter().enumerate();
    let named = metrics
        .into_iter()
        .find(|(_, metric)| metric.container.as_deref() == Some(container));
    let Some((index, metric)) = named else {
        return finding;
    };
    let MetricTarget::AverageUtilization(percent) = metric.target else {
        return finding;
    };
    let name = &metric.name;
    let requested = case
        .pods()
        .iter()
        .flat_map(|pod| &pod.containers)
        .all(|container| !container.counts_for_requests() || container.resources.requests.contains_key(name));
    if !requested {
        return finding;
    }
    let patch = format!(
        r#"[{{"op":"replace","path":"/spec/metrics/{index}","value":{{"type":"Resource","resource":{{"name":"{name}","target":{{"type":"Utilization","averageUtilization":{percent}}}}}}}}}]"#
    );
    finding.fix(
        format!("until then, read the {name} of whole pods"),
        case.patch_hpa_json(&patch),
        "changes the HPA alone; the foreign pods are averaged in",
    )
}

fn container_names(pod: &Pod) -> Vec<&str> {
    pod.containers
        .iter()
        .map(|container| container.name.as_str())
        .collect()
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
