//! The resource metrics API seen through its own answers: whoever asks it gets the same error as the controller.

use super::case::refused;
use super::phrase::word;
use super::rules::metrics_api_unavailable::RULE;
use super::{Case, Confidence, Finding, Severity};
use crate::facts::{ApiService, Fact};
use crate::hpa::message::{ApiFailure, Message, MetricsApi};

/// Whoever may not read the `APIService` still sees that the API fails, for the controller as for themselves.
pub(super) fn without_api_service(case: &Case<'_>, usage: &str) -> Option<Finding> {
    let api = refused(&case.cluster.resource_metrics_api)?;
    if *failure(case)? == ApiFailure::NotServed {
        return None;
    }
    let answer = answer(case)?;
    let name = "v1beta1.metrics.k8s.io";
    let finding = RULE
        .finding(
            Severity::Error,
            format!("metrics.k8s.io does not answer, so the HPA cannot read {usage} usage"),
            "the API server cannot reach what serves it; the APIService would say why",
        )
        .shared(name)
        .object("APIService", "", name)
        .saw("samples of the pods", answer, "LIST pods.metrics.k8s.io")
        .could_not_read(api);
    Some(case.with_condition(finding).fix(
        "ask somebody who may read it",
        format!("kubectl describe apiservice {name}"),
        "reads only",
    ))
}

/// The API server's own check of the `APIService` passes, and requests fail: it asks for the list of resources alone, and
/// not from every API server.
pub(super) fn although_available(case: &Case<'_>, api: &ApiService, usage: &str) -> Option<Finding> {
    let failure = failure(case)?;
    let answer = answer(case)?;
    let service = api.service.as_ref()?;
    let label = format!("Service {}/{}", service.namespace, service.name);
    let fault = match failure {
        ApiFailure::NotServed => {
            format!("what answers behind {label} knows no pods: it is no metrics-server")
        }
        ApiFailure::TimedOut => format!("what answers behind {label} does not do so in time"),
        ApiFailure::ServerError => format!("what answers behind {label} fails"),
        _ => format!("an API server cannot reach {label}, now or always"),
    };
    let (namespace, name) = (word(&service.namespace), word(&service.name));
    let finding = RULE
        .finding(
            Severity::Error,
            format!("metrics.k8s.io is registered, and requests to it fail: {fault}"),
            format!("the HPA cannot read {usage} usage; the API server's own check of the APIService passes"),
        )
        .at_most(Confidence::Likely)
        .shared(&api.name)
        .object("APIService", "", &api.name)
        .object("Service", &service.namespace, &service.name)
        .saw("samples of the pods", answer, "LIST pods.metrics.k8s.io")
        .saw(
            format!("APIService {}", api.name),
            "Available=True",
            "status.conditions",
        );
    let finding = case.with_condition(finding).fix(
        "see what runs behind the Service",
        format!("kubectl get endpointslices -n {namespace} -l kubernetes.io/service-name={name}"),
        "reads only; every API server must reach these addresses",
    );
    let server = case.cluster.metrics_server.known();
    Some(match server {
        Some(server) => finding.fix(
            "see what metrics-server says",
            format!(
                "kubectl logs deployment/{} -n {} --tail=50",
                word(&server.name),
                word(&server.namespace)
            ),
            "reads only",
        ),
        None => finding,
    })
}

/// How the controller's requests fail, where that is not for want of a right.
fn failure<'a>(case: &Case<'a>) -> Option<&'a ApiFailure> {
    let Some(Message::MetricsApiFailed {
        api: MetricsApi::Resource,
        failure,
    }) = case.blocked_by()
    else {
        return None;
    };
    matches!(
        failure,
        ApiFailure::NotServed | ApiFailure::Unavailable | ApiFailure::ServerError | ApiFailure::TimedOut
    )
    .then_some(failure)
}

/// What the API answers here, where that is an error too and no right is missing.
fn answer(case: &Case<'_>) -> Option<String> {
    match &case.facts.pod_metrics {
        Fact::Absent => Some("not served (404)".to_owned()),
        samples => refused(samples)
            .filter(|samples| samples.needs.is_none())
            .map(|samples| samples.why.clone()),
    }
}
