//! TFS308 adapter-unavailable
//!
//! ## What it detects
//! custom.metrics.k8s.io or external.metrics.k8s.io is registered, and the adapter behind it does not answer.
//!
//! ## How it is proved
//! Discovery of the API fails with 503, as it does for the controller; the condition `Available` of its `APIService`
//! names the step that fails. The controller says that the server is unable to handle the request; once discovery
//! counts custom.metrics.k8s.io as stale, which takes up to a minute, it says
//! `no known available metric versions found`. Where the condition speaks of a certificate (`x509`), it says what is
//! wrong with it: who signed it, for which name it is, or since when it has expired. Where the Service has no ready
//! endpoint, its pods say why: they find no node, their image cannot be pulled, they crash, or there are none.
//!
//! ## What it is not
//! No adapter at all is TFS307; an adapter that answers without the metric is TFS309.
//!
//! ## Fix
//! Repair the adapter behind the Service that the `APIService` names. A certificate that is refused is no fault of the
//! adapter alone: `spec.caBundle` must be that of who signed it. Where another adapter took the group over, give
//! it back: one group has one adapter.
//!
//! ## Source
//! `available_controller.go` and `handler_discovery.go` of kube-aggregator, `aggregated_discovery.go` of client-go,
//! Kubernetes v1.37.

use crate::diagnosis::adapters::{self, FailedMetric};
use crate::diagnosis::case::refused;
use crate::diagnosis::certificate::{self, Refused};
use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, metrics_server};
use crate::facts::{AdapterApi, ApiService};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS308",
    name: "adapter-unavailable",
    stage: Stage::MetricsPipeline,
    source: documentation!("adapter_unavailable.rs"),
    explains: &["TFS607"],
    needs: &[],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let (metric, api) = adapters::failed_of_adapters(case)
        .into_iter()
        .find_map(|metric| Some((metric.clone(), silent(case, &metric)?)))?;
    let group = adapters::group_of(adapters::api_of(&metric.spec.type_));
    let name = registered_name(api);
    let service = api.registration.known().and_then(|it| it.service.as_ref());
    let behind = service.map_or_else(
        || "the adapter".to_owned(),
        |it| format!("the adapter behind Service {}/{}", it.namespace, it.name),
    );
    let untrusted = untrusted(api);
    let backend = api.backend.known();
    let state = backend.and_then(metrics_server::adapter);
    let (what, why) = match (&untrusted, api.registration.known()) {
        (Some((registration, refused)), _) => (
            format!("The API server does not trust the certificate of {group}"),
            refused.because(registration),
        ),
        (None, Some(registration)) => (
            format!("{group} does not answer"),
            state
                .as_ref()
                .map_or_else(|| because(registration, &behind), |state| state.cause.clone()),
        ),
        (None, None) => (
            format!("{group} does not answer"),
            "the API server cannot reach the adapter".to_owned(),
        ),
    };
    let mut finding = RULE
        .finding(
            adapters::severity(case),
            format!("{what}, so the HPA cannot read {}", adapters::label(metric.spec)),
            why,
        )
        .shared(&name)
        .object("APIService", "", &name);
    if let Some(service) = service {
        finding = finding.object("Service", &service.namespace, &service.name);
    }
    if let Some(reason) = refused(&api.metrics).filter(|_| api.registration.known().is_none()) {
        finding = finding.saw(
            format!("discovery of {}", api.group_version),
            reason.why.clone(),
            format!("GET /apis/{}", api.group_version),
        );
    }
    let condition = api.registration.known().and_then(|it| it.available.as_ref());
    finding = match (condition, refused(&api.registration)) {
        // What the pods show says more than that there is no endpoint.
        (Some(condition), _) if state.is_some() => finding.saw(
            format!("APIService {name}"),
            format!("Available={} {}", condition.status, condition.reason),
            "status.conditions",
        ),
        (Some(condition), _) => finding.saw(
            format!("APIService {name}"),
            format!(
                "Available={} {}: {}",
                condition.status,
                condition.reason,
                essence(&condition.message)
            ),
            "status.conditions",
        ),
        (None, Some(reason)) => finding.could_not_read(reason),
        (None, None) => finding,
    };
    if let Some(reason) = refused(&api.backend) {
        finding = finding.could_not_read(reason);
    }
    finding = match (&untrusted, api.registration.known(), backend, state) {
        (Some((registration, refused)), ..) => refused.repaired(finding, registration),
        (None, Some(registration), Some(backend), Some(state)) => {
            metrics_server::repaired(finding, registration, backend, state)
        }
        _ => with_fix(finding, api, &name),
    };
    Some(adapters::without(case, finding, &metric))
}

/// The API of a failed metric, where it is registered and does not answer.
fn silent<'a>(case: &Case<'a>, metric: &FailedMetric<'_>) -> Option<&'a AdapterApi> {
    let api = adapters::served_by(case, metric.spec).known()?;
    refused(&api.metrics).filter(|reason| reason.needs.is_none())?;
    Some(api)
}

/// Why the certificate of the adapter is refused, where that is so: the condition says it, or, where the check behind
/// the condition passed, the answer to discovery.
fn untrusted(api: &AdapterApi) -> Option<(&ApiService, Refused)> {
    let registration = api.registration.known()?;
    let said = registration
        .available
        .as_ref()
        .filter(|condition| condition.status != "True")
        .map(|condition| condition.message.as_str());
    let said = said.or_else(|| Some(refused(&api.metrics)?.why.as_str()))?;
    Some((registration, certificate::read(said)?))
}

/// `v1beta1.custom.metrics.k8s.io`.
fn registered_name(api: &AdapterApi) -> String {
    let (group, version) = api
        .group_version
        .split_once('/')
        .unwrap_or((&api.group_version, ""));
    format!("{version}.{group}")
}

fn because(registration: &ApiService, behind: &str) -> String {
    let reason = registration
        .available
        .as_ref()
        .map_or("", |it| it.reason.as_str());
    match reason {
        "ServiceNotFound" => {
            "the APIService leads to a Service that does not exist: the adapter is gone".to_owned()
        }
        "ServicePortError" => "the APIService names a port that its Service does not have".to_owned(),
        "EndpointsNotFound" | "MissingEndpoints" => format!("{behind} has no ready pod"),
        "FailedDiscoveryCheck" => format!("{behind} cannot be reached, or answers something else"),
        _ => format!("the API server does not consider {behind} available"),
    }
}

/// The end of Go's chain of errors: the URL before it is said already.
fn essence(message: &str) -> &str {
    certificate::words(message)
        .or_else(|| message.rsplit_once("\": ").map(|(_, end)| end))
        .unwrap_or(message)
}

fn with_fix(finding: Finding, api: &AdapterApi, name: &str) -> Finding {
    let service = api.registration.known().and_then(|it| it.service.as_ref());
    let reason = api.registration.known().and_then(|it| it.available.as_ref());
    match (service, reason.map(|it| it.reason.as_str())) {
        (Some(service), Some("ServiceNotFound")) => finding.advice(
            format!(
                "install the adapter that Service {}/{} belonged to again",
                service.namespace, service.name
            ),
            format!(
                "or, where it is gone for good, `kubectl delete apiservice {}`",
                word(name)
            ),
        ),
        (Some(service), _) => finding.fix(
            "see what runs behind it",
            format!(
                "kubectl get service,endpointslices,pods -n {}",
                word(&service.namespace)
            ),
            format!(
                "reads only; Service {} must lead to a ready pod of the adapter",
                service.name
            ),
        ),
        (None, _) => finding.fix(
            "see the condition",
            format!("kubectl describe apiservice {}", word(name)),
            "reads only",
        ),
    }
}
