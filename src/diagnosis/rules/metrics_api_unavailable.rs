//! TFS302 metrics-api-unavailable
//!
//! ## What it detects
//! The resource metrics API is registered, and the API server cannot reach what answers behind it.
//!
//! ## How it is proved
//! The condition `Available` of `APIService` `v1beta1.metrics.k8s.io` is not `True`; its reason names the step
//! that fails: the Service, its port, its endpoints, or the request itself. The pods of metrics-server tell
//! why there are no endpoints.
//!
//! Where the condition is `True` and the API answers this command with an error as it answers the controller, that is told as
//! *likely*: the API server's check asks for less than a request does, and each API server checks for itself.
//!
//! ## What it is not
//! No `APIService` at all is TFS301. A metrics-server that is not ready because kubelets' certificates are
//! refused is TFS303, and this finding is its consequence. For the first minute of metrics-server nothing is
//! wrong.
//!
//! ## Fix
//! Repair what the reason names; the finding gives the command for it.
//!
//! ## Source
//! `available_controller.go` of kube-aggregator, Kubernetes v1.37, for the reasons; the controller says
//! `the server is currently unable to handle the request`.

use super::metrics_api_not_registered::{MANIFEST, autoscale};
use crate::diagnosis::case::{FIRST_SAMPLES_SECONDS, container_trouble, is_available, is_ready, refused};
use crate::diagnosis::certificate::{self, Refused};
use crate::diagnosis::metrics_server::{State, repaired, state};
use crate::diagnosis::phrase::{list, seconds_since, span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Finding, Severity, Verdict, failing_api};
use crate::facts::{ApiService, Condition, MetricsServer};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS302",
    name: "metrics-api-unavailable",
    stage: Stage::MetricsPipeline,
    source: documentation!("metrics_api_unavailable.rs"),
    explains: &["TFS304", "TFS607"],
    needs: &[Need::ApiService, Need::MetricsServer],
    check,
};

fn check(case: &Case<'_>) -> Option<Finding> {
    let resources = case.resources();
    if resources.is_empty() {
        return None;
    }
    let usage = list(&resources);
    let Some(api) = case.cluster.resource_metrics_api.known() else {
        return failing_api::without_api_service(case, &usage);
    };
    if is_available(api) {
        return failing_api::although_available(case, api, &usage);
    }
    let server = case.cluster.metrics_server.known();
    let mut finding = match server.and_then(|server| starting(case, api, server)) {
        Some(age) => RULE
            .finding(
                Severity::Info,
                format!(
                    "metrics-server was created {} ago and does not answer yet",
                    span(age)
                ),
                "it needs up to a minute until it is ready and has its first samples",
            )
            .verdict(Verdict::Waiting),
        None => RULE.finding(
            Severity::Error,
            format!("metrics.k8s.io does not answer: {}", because(api, server)),
            format!("the HPA cannot read {usage} usage until it does"),
        ),
    };
    finding = finding.shared(&api.name).object("APIService", "", &api.name);
    finding = match &api.available {
        Some(condition) => finding.saw(
            format!("APIService {}", api.name),
            format!(
                "Available={} {}: {}",
                condition.status,
                condition.reason,
                certificate::words(&condition.message).unwrap_or(&condition.message)
            ),
            "status.conditions",
        ),
        None => finding.saw(
            format!("APIService {}", api.name),
            "has no condition Available: nothing has checked it yet",
            "status.conditions",
        ),
    };
    if let Some(reason) = refused(&case.cluster.metrics_server) {
        finding = finding.could_not_read(reason);
    }
    let elsewhere = matches!(reason(api), "ServiceNotFound" | "ServicePortError");
    let state = server.filter(|_| !elsewhere).and_then(state);
    Some(match (server, state) {
        (Some(server), Some(state)) if answers_nothing(api, &state) => repaired(finding, api, server, state),
        _ => with_reason(case, finding, api, server),
    })
}

/// How old a metrics-server is that is so young that nothing is wrong yet.
fn starting(case: &Case<'_>, api: &ApiService, server: &MetricsServer) -> Option<i64> {
    let newest = server.pods.iter().filter_map(|pod| pod.created_at).max()?;
    let age = seconds_since(newest, case.now);
    let trouble = server.pods.iter().any(|pod| {
        let unscheduled = pod
            .condition("PodScheduled")
            .is_some_and(|it| it.status == "False");
        unscheduled || container_trouble(pod).is_some()
    });
    // A server that starts gives no answer at all; a wrong one does not become right.
    let silent = match reason(api) {
        "FailedDiscoveryCheck" => {
            untrusted(api).is_none() && discovery(api).is_none_or(|(words, _)| STARTING.contains(&words))
        }
        "ServiceNotFound" | "ServicePortError" => false,
        _ => !server.pods.iter().any(is_ready),
    };
    (age < FIRST_SAMPLES_SECONDS && !trouble && silent).then_some(age)
}

fn reason(api: &ApiService) -> &str {
    api.available
        .as_ref()
        .map_or("", |condition: &Condition| &condition.reason)
}

/// Whether the state of metrics-server is why there is no answer: what answers otherwise is another fault.
fn answers_nothing(api: &ApiService, state: &State) -> bool {
    reason(api) != "FailedDiscoveryCheck"
        || state.misdirects() && discovery(api).is_some_and(|(words, _)| words == "connection refused")
}

fn because(api: &ApiService, server: Option<&MetricsServer>) -> String {
    let service = api.service.as_ref().map_or_else(
        || "its Service".to_owned(),
        |service| format!("Service {}/{}", service.namespace, service.name),
    );
    if !matches!(reason(api), "ServiceNotFound" | "ServicePortError")
        && let Some(state) = server.and_then(state).filter(|state| answers_nothing(api, state))
    {
        return state.cause;
    }
    match reason(api) {
        "FailedDiscoveryCheck" if untrusted(api).is_some() => {
            let said = untrusted(api).map_or_else(String::new, |it| it.because(api));
            format!("the API server does not trust the certificate of {service}: {said}")
        }
        "FailedDiscoveryCheck" if discovery(api).is_some() => {
            let (_, cause) = discovery(api).unwrap_or_default();
            format!("{cause} behind {service}")
        }
        "ServiceNotFound" => format!("the APIService leads to {service}, which does not exist"),
        "ServicePortError" => format!("the APIService names a port that {service} does not have"),
        "EndpointsNotFound" => format!("{service} has no EndpointSlice: its selector matches nothing"),
        "MissingEndpoints" => format!("no ready pod answers behind {service}"),
        "FailedDiscoveryCheck" => format!(
            "the API server's request to {service} fails: a network policy, the route from the control plane to the pod, or TLS"
        ),
        "ServiceAccessError" => format!("the API server cannot read {service}"),
        "EndpointsAccessError" => format!("the API server cannot read the EndpointSlices of {service}"),
        _ => format!("the API server does not consider {service} available"),
    }
}

/// What the answer to the API server's request says: the words, and what they mean.
const DISCOVERY: &[(&str, &str)] = &[
    (
        "server gave HTTP response to HTTPS client",
        "something that speaks plain HTTP answers",
    ),
    ("connection refused", "nothing listens on the port"),
    ("no such host", "there is no such host"),
    (
        "i/o timeout",
        "nothing answers in time (a network policy, or no route from the control plane to the pod)",
    ),
    (
        "context deadline exceeded",
        "nothing answers in time (a network policy, or no route from the control plane to the pod)",
    ),
    (
        "Client.Timeout",
        "nothing answers in time (a network policy, or no route from the control plane to the pod)",
    ),
    (
        "no route to host",
        "there is no route from the control plane to the pod",
    ),
    (": 404", "something that is no metrics-server answers"),
    (
        ": 401",
        "what answers does not accept the API server's credentials",
    ),
    (": 403", "what answers does not let the API server in"),
    ("EOF", "the connection is closed at once"),
];

/// Why the certificate of what answers is refused.
fn untrusted(api: &ApiService) -> Option<Refused> {
    let message = &api.available.as_ref()?.message;
    certificate::read(message).filter(|_| reason(api) == "FailedDiscoveryCheck")
}

/// Metrics-server signs a certificate of its own when it starts, unless it was given one.
fn signs_itself(server: &MetricsServer) -> bool {
    let given = |argument: &String| argument.starts_with("--tls-cert-file");
    !server.args.is_empty() && !server.args.iter().any(given)
}

/// The words of a server that is not up yet.
const STARTING: &[&str] = &[
    "connection refused",
    "i/o timeout",
    "context deadline exceeded",
    "EOF",
];

fn discovery(api: &ApiService) -> Option<(&'static str, &'static str)> {
    let message = &api.available.as_ref()?.message;
    DISCOVERY
        .iter()
        .find(|(words, _)| message.contains(words))
        .copied()
}

fn with_reason(
    case: &Case<'_>,
    finding: Finding,
    api: &ApiService,
    server: Option<&MetricsServer>,
) -> Finding {
    let Some(service) = &api.service else {
        return finding.advice("repair what the condition names", "");
    };
    let finding = finding.object("Service", &service.namespace, &service.name);
    let namespace = word(&service.namespace);
    let name = word(&service.name);
    let another = server.filter(|server| {
        !server.service_ports.is_empty()
            && (&server.namespace, &server.name) != (&service.namespace, &service.name)
    });
    match reason(api) {
        "ServiceNotFound" | "FailedDiscoveryCheck" if another.is_some() => elsewhere(finding, api, another),
        "ServiceNotFound" if server.is_some_and(|server| server.namespace == service.namespace) => {
            let deployment = server.map_or("metrics-server", |server| &server.name);
            finding.fix(
                "create the Service",
                format!(
                    "kubectl expose deployment {} -n {namespace} --name={name} --port={} --target-port=https",
                    word(deployment),
                    service.port
                ),
                "a Service alone; metrics-server itself runs",
            )
        }
        "ServiceNotFound" => {
            let finding = match autoscale(case) {
                Some(command) => finding.fix(
                    "install metrics-server again",
                    format!("kubectl delete apiservice {} && {command} --force-conflicts", word(&api.name)),
                    "takes over what is left of it; the HPA stays as it is",
                ),
                None => finding,
            };
            finding.fix(
                "install it from its release",
                format!("kubectl apply -f {MANIFEST}"),
                "creates the Service and whatever else is missing in kube-system",
            )
        }
        "ServicePortError" if server.is_some_and(|server| server.service_ports.len() == 1) => {
            let port = server.and_then(|server| server.service_ports.first()).copied().unwrap_or(443);
            finding
                .saw(
                    format!("Service {}/{}", service.namespace, service.name),
                    format!("port {port}, the APIService asks for {}", service.port),
                    "spec.ports",
                )
                .fix(
                    "let the APIService name the Service's port",
                    format!(
                        r#"kubectl patch apiservice {} --type=merge -p '{{"spec":{{"service":{{"port":{port}}}}}}}'"#,
                        word(&api.name)
                    ),
                    "changes the APIService alone",
                )
        }
        "ServicePortError" => finding.fix(
            "compare the ports",
            format!("kubectl get service {name} -n {namespace} -o jsonpath='{{.spec.ports}}'"),
            format!("reads only; the APIService asks for port {}", service.port),
        ),
        "EndpointsNotFound" | "MissingEndpoints" | "EndpointsAccessError" => finding.fix(
            "see which pods answer",
            format!("kubectl get endpointslices -n {namespace} -l kubernetes.io/service-name={name}"),
            "reads only; no address means that no pod is ready or that the selector matches none",
        ),
        "FailedDiscoveryCheck" if untrusted(api).is_some() => {
            let refused = untrusted(api).unwrap_or(Refused::Other);
            let own = server.filter(|server| signs_itself(server));
            let finding = match (&refused, own) {
                (Refused::Expired(_), Some(server)) => finding.fix(
                    "let metrics-server sign a new one, as it does when it starts",
                    format!(
                        "kubectl rollout restart deployment {} -n {namespace}",
                        word(&server.name)
                    ),
                    "rolls metrics-server",
                ),
                _ => finding,
            };
            refused.repaired(finding, api)
        }
        "FailedDiscoveryCheck"
            if discovery(api).is_some_and(|(_, cause)| !cause.contains("in time") && !cause.contains("route")) =>
        {
            finding.fix(
                "see what runs behind the Service, and on which port",
                format!("kubectl describe service {name} -n {namespace}"),
                "reads only; selector and targetPort must lead to metrics-server's https port",
            )
        }
        "FailedDiscoveryCheck" => finding
            .fix(
                "look for what blocks the way",
                format!("kubectl get networkpolicies -n {namespace}"),
                "reads only; the API server must reach the pod's port",
            )
            .advice(
                "where the control plane cannot reach pod addresses, run metrics-server with hostNetwork: true",
                "rolls metrics-server",
            ),
        _ => finding.fix(
            "see the condition",
            format!("kubectl describe apiservice {}", word(&api.name)),
            "reads only",
        ),
    }
}

/// The Service is in another namespace, beside its Deployment.
fn elsewhere(finding: Finding, api: &ApiService, server: Option<&MetricsServer>) -> Finding {
    let Some(server) = server else {
        return finding;
    };
    let port = server.service_ports.first().copied().unwrap_or(443);
    finding
        .object("Deployment", &server.namespace, &server.name)
        .saw(
            format!("Deployment {}/{}", server.namespace, server.name),
            format!("has a Service beside it, port {port}"),
            "LIST deployments",
        )
        .fix(
            "let the APIService lead to it",
            format!(
                r#"kubectl patch apiservice {} --type=merge -p '{{"spec":{{"service":{{"namespace":"{}","name":"{}","port":{port}}}}}}}'"#,
                word(&api.name),
                server.namespace,
                server.name
            ),
            "changes the APIService alone",
        )
}
