//! TFS401 container-request-missing
//!
//! ## What it detects
//! A container of the pod template has no request for the resource whose utilization the HPA reads. One
//! container without it is enough: utilization is usage divided by the requests of the whole pod.
//!
//! ## How it is proved
//! The container was read in the live pods and in the template, and has neither request nor limit in both. A
//! limit alone is enough, because the API server makes it the request.
//!
//! ## What it is not
//! A container that only the pods have is TFS402, a pod of somebody else TFS403, and a template that was
//! repaired but not rolled out TFS404.
//!
//! ## Fix
//! Set the request; every container that is named needs one. Or scale on an `AverageValue`, which needs none.
//!
//! ## Source
//! `calculatePodRequests` in `replica_calculator.go`, Kubernetes v1.37. The container that the event names is
//! whichever the lister returned first; up to 1.25 it names none.

use crate::diagnosis::case::refused;
use crate::diagnosis::offenders::{self, Offender, Origin, StartingValue};
use crate::diagnosis::phrase::{list, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS401",
    name: "container-request-missing",
    stage: Stage::Requests,
    source: documentation!("container_request_missing.rs"),
    explains: &["TFS607"],
    needs: &[Need::Target, Need::Pods],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let found = offenders::of_origin(case, &[Origin::Template]);
    if found.is_empty() {
        return None;
    }
    let containers = offenders::containers(&found);
    let resources = offenders::resources(&found);
    let label = case.target_label();
    let plural = if containers.len() == 1 {
        "Container"
    } else {
        "Containers"
    };
    let verb = if containers.len() == 1 { "has" } else { "have" };
    let mut finding = RULE.finding(
        Severity::Error,
        format!(
            "{plural} {} of {label} {verb} no {} request, so utilization cannot be computed",
            list(&containers),
            list(&resources)
        ),
        "utilization is usage divided by request, and every container of the pod needs one",
    );
    let target = &case.facts.hpa.target;
    for container in &containers {
        finding = finding.container(&target.kind, &case.facts.hpa.namespace, &target.name, container);
    }
    finding = prove(case, finding, &found);
    if let Some(unreadable) = refused(&case.facts.pods).or_else(|| refused(&case.facts.target)) {
        finding = finding.could_not_read(unreadable);
    }
    Some(repair(case, case.with_default_metric(finding), &found))
}

fn prove(case: &Case<'_>, finding: Finding, found: &[Offender<'_>]) -> Finding {
    let containers = list(&offenders::containers(found));
    let resources = list(&offenders::resources(found));
    let pods = offenders::pods(found);
    let finding = if case.target().is_some_and(|target| target.template.is_some()) {
        finding.saw(
            format!("template, {containers}"),
            format!("no {resources} request and no limit"),
            "spec.template",
        )
    } else {
        finding
    };
    if pods.is_empty() {
        return finding;
    }
    finding.saw(
        format!("pods, {containers}"),
        format!(
            "no {resources} request in {} of {}: {}",
            pods.len(),
            case.pods().len(),
            list(&pods)
        ),
        "LIST pods",
    )
}

/// One command for all containers: a rollout each would only take longer.
fn repair(case: &Case<'_>, finding: Finding, found: &[Offender<'_>]) -> Finding {
    let requests = requests(case, found);
    let containers: Vec<&str> = requests.iter().map(|request| request.container).collect();
    let resources = list(&offenders::resources(found));
    let basis = requests
        .iter()
        .flat_map(|request| &request.values)
        .map(|(_, value)| value.basis())
        .next()
        .unwrap_or_default();
    let label = case.target_label();
    let plural = if containers.len() == 1 {
        "container"
    } else {
        "containers"
    };
    let title = format!("request {resources} for {plural} {}", list(&containers));
    let kind = case.facts.hpa.target.kind.as_str();
    if !matches!(
        kind,
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController"
    ) {
        return finding.advice(
            format!("{title} in the spec of {label}"),
            format!("rolls the pods of {label}; {basis}"),
        );
    }
    let command = match requests.as_slice() {
        [only] if !only.init => set_resources(case, only),
        several => patch(case, several),
    };
    if matches!(kind, "ReplicaSet" | "ReplicationController") {
        let selector = case.scale().map_or("", |scale| &scale.selector);
        return finding.fix(
            title,
            format!(
                "{command} && kubectl delete pod -n {} -l {}",
                case.namespace(),
                word(selector)
            ),
            format!("{label} makes new pods from its template; the old ones are gone for a moment; {basis}"),
        );
    }
    finding.fix(title, command, format!("rolls the pods of {label}; {basis}"))
}

/// What a container is to request.
struct Request<'a> {
    container: &'a str,
    init: bool,
    values: Vec<(&'a str, StartingValue)>,
}

fn requests<'a>(case: &Case<'_>, found: &[Offender<'a>]) -> Vec<Request<'a>> {
    let template = case.target().and_then(|target| target.template.as_ref());
    let is_init = |name: &str| {
        template.is_some_and(|template| template.containers.iter().any(|it| it.name == name && it.init))
    };
    let of = |name: &str| {
        let lacking: Vec<Offender<'a>> = found.iter().filter(|it| it.container == name).cloned().collect();
        let resources = offenders::resources(&lacking).into_iter();
        resources
            .map(|resource| (resource, offenders::starting_value(case, name, resource)))
            .collect()
    };
    offenders::containers(found)
        .into_iter()
        .map(|container| Request {
            container,
            init: is_init(container),
            values: of(container),
        })
        .collect()
}

/// `kubectl set resources` knows regular containers alone.
fn set_resources(case: &Case<'_>, request: &Request<'_>) -> String {
    let pairs: Vec<String> = request
        .values
        .iter()
        .map(|(resource, value)| format!("{resource}={}", value.value))
        .collect();
    format!(
        "kubectl set resources {} -c {} --requests={}",
        case.target_arguments(),
        word(request.container),
        pairs.join(",")
    )
}

fn patch(case: &Case<'_>, requests: &[Request<'_>]) -> String {
    let field = |name: &str, init: bool| {
        let entries: Vec<String> = requests.iter().filter(|it| it.init == init).map(entry).collect();
        (!entries.is_empty()).then(|| format!(r#""{name}":[{}]"#, entries.join(",")))
    };
    let fields: Vec<String> = [field("containers", false), field("initContainers", true)]
        .into_iter()
        .flatten()
        .collect();
    let patch = format!(r#"{{"spec":{{"template":{{"spec":{{{}}}}}}}}}"#, fields.join(","));
    format!("kubectl patch {} -p {}", case.target_arguments(), word(&patch))
}

fn entry(request: &Request<'_>) -> String {
    let pairs: Vec<String> = request
        .values
        .iter()
        .map(|(resource, value)| format!(r#""{resource}":"{}""#, value.value))
        .collect();
    format!(
        r#"{{"name":"{}","resources":{{"requests":{{{}}}}}}}"#,
        request.container,
        pairs.join(",")
    )
}
