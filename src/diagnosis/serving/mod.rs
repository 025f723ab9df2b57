//! What the rules about TensorFlow Serving ask again and again.

mod log;

use serde_json::{Value, json};

use super::case::{is_ready, is_running};
use super::offenders::holds_up_a_repair;
use super::phrase::{span, word};
use super::{Case, Finding, Severity};
use crate::facts::{Container, Pod, Probe, ProbeKind, Recognised, ServingContainer};

pub(super) use log::{Failed, Missing, above_version, failed, is_found, is_loaded, missing};

/// The gRPC port of the server, unless a flag says another one.
const GRPC_PORT: i32 = 8500;
/// The REST port that the image's entry point asks for; the server itself opens none unless it is asked to.
const IMAGE_REST_PORT: i32 = 8501;

/// A container that runs TensorFlow Serving.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server<'a> {
    /// The container.
    pub(super) container: &'a Container,
    /// What the server was told.
    pub(super) told: &'a ServingContainer,
}

/// Where a server listens, as far as its flags tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// Here.
    At(i32),
    /// Nowhere.
    Closed,
    /// Its flags do not tell.
    Unknown,
}

impl Port {
    /// `8500`, `none`.
    pub(super) fn label(self) -> String {
        match self {
            Self::At(port) => port.to_string(),
            Self::Closed => "none".to_owned(),
            Self::Unknown => "not known".to_owned(),
        }
    }
}

impl Server<'_> {
    /// The port of gRPC.
    pub(super) fn grpc_port(&self) -> Port {
        match self.told.flags.get("port") {
            Some(value) => value.parse().map_or(Port::Unknown, Port::At),
            // An entry point that is not known may say another one.
            None if self.told.recognised == Recognised::Flags => Port::Unknown,
            None => Port::At(GRPC_PORT),
        }
    }

    /// The port of REST. A server that is told one port for both opens it for gRPC alone.
    pub(super) fn rest_port(&self) -> Port {
        let port = match self.told.flags.get("rest_api_port") {
            Some(value) => value.parse().map_or(Port::Unknown, Port::At),
            None => match self.told.recognised {
                Recognised::Image => Port::At(IMAGE_REST_PORT),
                Recognised::Command => Port::At(0),
                Recognised::Flags => Port::Unknown,
            },
        };
        if port == Port::At(0) || port != Port::Unknown && port == self.grpc_port() {
            Port::Closed
        } else {
            port
        }
    }
}

/// The server of a pod or a template; none where no container, or more than one, runs TensorFlow Serving.
pub(super) fn server(containers: &[Container]) -> Option<Server<'_>> {
    let mut found = containers.iter().filter_map(|container| {
        let told = container.serving.as_ref().filter(|_| !container.init)?;
        Some(Server { container, told })
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The server of the scale target's template.
pub(super) fn of_template<'a>(case: &Case<'a>) -> Option<Server<'a>> {
    server(&case.target()?.template.as_ref()?.containers)
}

/// The pods of the scale target that run TensorFlow Serving.
pub(super) fn pods<'a>(case: &Case<'a>) -> Vec<(&'a Pod, Server<'a>)> {
    case.own_pods()
        .filter_map(|pod| Some((pod, server(&pod.containers)?)))
        .collect()
}

/// Those that run and whose server has never been ready.
pub(super) fn never_ready<'a>(case: &Case<'a>) -> Vec<(&'a Pod, Server<'a>)> {
    let mut found = pods(case);
    found.retain(|(pod, server)| {
        is_running(pod) && pod.has_never_been_ready() && server.container.ready != Some(true)
    });
    found
}

/// An error where no pod of the target is ready, or where a repair waits for one that is not; else a warning.
pub(super) fn severity(case: &Case<'_>) -> Severity {
    if case.own_pods().any(|pod| is_running(pod) && is_ready(pod)) && !holds_up_a_repair(case) {
        Severity::Warning
    } else {
        Severity::Error
    }
}

/// `Ready=False, started 4 min ago, 3 restarts`.
fn state(case: &Case<'_>, pod: &Pod, server: Server<'_>) -> String {
    let age = case
        .age(pod)
        .map_or_else(String::new, |age| format!(", started {} ago", span(age)));
    let restarts = match server.container.restarts {
        0 => String::new(),
        1 => ", 1 restart".to_owned(),
        number => format!(", {number} restarts"),
    };
    format!("Ready=False{age}{restarts}")
}

/// Names the server's container in the template, and the pod that shows the trouble.
fn named(case: &Case<'_>, finding: Finding, pod: &Pod, server: Server<'_>) -> Finding {
    let (target, namespace) = (&case.facts.hpa.target, &case.facts.hpa.namespace);
    finding
        .container(&target.kind, namespace, &target.name, &server.container.name)
        .object("Pod", &pod.namespace, &pod.name)
}

/// The same, with the state of the pod as the first of the proof.
pub(super) fn seen(case: &Case<'_>, finding: Finding, pod: &Pod, server: Server<'_>) -> Finding {
    named(case, finding, pod, server).saw(format!("Pod {}", pod.name), state(case, pod, server), "LIST pods")
}

/// `kubectl patch … --type=json` of the template: operations on the server's container, their paths relative to it.
/// None where the template was not read.
pub(super) fn patch(case: &Case<'_>, operations: &[Value]) -> Option<String> {
    let containers = &case.target()?.template.as_ref()?.containers;
    let server = server(containers)?;
    let index = containers
        .iter()
        .filter(|container| !container.init)
        .position(|container| container.name == server.container.name)?;
    let operations: Vec<Value> = operations
        .iter()
        .map(|operation| {
            let mut operation = operation.clone();
            let path = operation["path"].as_str().unwrap_or_default();
            operation["path"] = json!(format!("/spec/template/spec/containers/{index}/{path}"));
            operation
        })
        .collect();
    Some(format!(
        "kubectl patch {} --type=json -p {}",
        case.target_arguments(),
        word(&Value::Array(operations).to_string())
    ))
}

/// The command that gives the server arguments more: of two that name one flag, the later one wins. None where
/// something stands between them, or the template was not read.
pub(super) fn with_arguments(case: &Case<'_>, arguments: &[String]) -> Option<String> {
    let told = of_template(case)?.told;
    if told.wrapped {
        return None;
    }
    if told.has_args {
        let operations: Vec<Value> = arguments
            .iter()
            .map(|argument| json!({"op": "add", "path": "args/-", "value": argument}))
            .collect();
        patch(case, &operations)
    } else {
        patch(case, &[json!({"op": "add", "path": "args", "value": arguments})])
    }
}

/// The command that lets probes look whether the gRPC port is open: the server opens it once the model is loaded.
pub(super) fn tcp_probes(case: &Case<'_>, probes: &[(&str, &Probe)]) -> Option<String> {
    let Port::At(port) = of_template(case)?.grpc_port() else {
        return None;
    };
    let mut operations = Vec::new();
    for (name, probe) in probes {
        let old = match probe.kind {
            ProbeKind::HttpGet => Some("httpGet"),
            ProbeKind::Grpc => Some("grpc"),
            ProbeKind::Exec => Some("exec"),
            ProbeKind::TcpSocket => None,
        };
        operations.extend(old.map(|kind| json!({"op": "remove", "path": format!("{name}/{kind}")})));
        operations.push(json!({"op": "add", "path": format!("{name}/tcpSocket"), "value": {"port": port}}));
    }
    patch(case, &operations)
}
