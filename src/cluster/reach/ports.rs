//! Which port is the one of the REST API.

use k8s_openapi::api::core::v1::{Container, Pod, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::serving::{GRPC_PORT, REST_PORT};

/// `--rest_api_port=N`; the server's parser takes one or two dashes.
pub(super) fn rest_argument(container: &Container) -> Option<u16> {
    container
        .args
        .iter()
        .chain(&container.command)
        .flatten()
        .find_map(|argument| {
            argument
                .trim_start_matches('-')
                .strip_prefix("rest_api_port=")?
                .parse()
                .ok()
        })
}

/// The port of the REST API: by its number, by the container's, by its name, or because it is the only one.
pub(super) fn rest_port(ports: &[ServicePort], wanted: Option<u16>) -> Option<&ServicePort> {
    let rest = i32::from(REST_PORT);
    if let Some(wanted) = wanted {
        return ports.iter().find(|port| port.port == i32::from(wanted));
    }
    let named = |port: &&ServicePort| {
        let name = port.name.as_deref().unwrap_or_default();
        name.contains("rest") || name.contains("http")
    };
    let is_grpc = |port: &ServicePort| {
        port.port == i32::from(GRPC_PORT) || port.name.as_deref().unwrap_or_default().contains("grpc")
    };
    ports
        .iter()
        .find(|port| port.port == rest)
        .or_else(|| {
            ports
                .iter()
                .find(|port| port.target_port == Some(IntOrString::Int(rest)))
        })
        .or_else(|| ports.iter().find(named))
        .or(match ports {
            [only] if !is_grpc(only) => Some(only),
            _ => None,
        })
}

/// Why a Service has none.
pub(super) fn missing(namespace: &str, name: &str, ports: &[ServicePort], wanted: Option<u16>) -> String {
    let all: Vec<String> = ports
        .iter()
        .map(|port| match &port.name {
            Some(name) => format!("{} ({name})", port.port),
            None => port.port.to_string(),
        })
        .collect();
    let has = if all.is_empty() {
        "it has no port".to_owned()
    } else {
        format!("its ports: {}", all.join(", "))
    };
    match wanted {
        Some(wanted) => format!("Service {namespace}/{name} has no port {wanted}; {has}"),
        None => format!(
            "Service {namespace}/{name} has no port that looks like a REST API, such as {REST_PORT}; {has}; name one with `--port`, or add one to the Service"
        ),
    }
}

/// The container's port in one pod: a name may mean another number there.
pub(super) fn container_port(pod: &Pod, port: &IntOrString) -> Option<u16> {
    match port {
        IntOrString::Int(port) => number(*port),
        IntOrString::String(name) => pod
            .spec
            .iter()
            .flat_map(|spec| &spec.containers)
            .flat_map(|container| container.ports.iter().flatten())
            .find(|port| port.name.as_ref() == Some(name))
            .and_then(|port| number(port.container_port)),
    }
}

pub(super) fn number(port: i32) -> Option<u16> {
    u16::try_from(port).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ports(ports: Value) -> Vec<ServicePort> {
        serde_json::from_value(ports).unwrap()
    }

    fn found(of: Value) -> Option<i32> {
        rest_port(&ports(of), None).map(|port| port.port)
    }

    #[test]
    fn the_rest_port_is_found() {
        assert_eq!(found(json!([{"port": 8500}, {"port": 8501}])), Some(8501));
        let by_target = json!([{"port": 9000, "targetPort": 8500}, {"port": 80, "targetPort": 8501}]);
        assert_eq!(found(by_target), Some(80));
        assert_eq!(
            found(json!([{"port": 1, "name": "grpc"}, {"port": 2, "name": "http"}])),
            Some(2)
        );
        assert_eq!(found(json!([{"port": 80}])), Some(80));
        assert_eq!(found(json!([{"port": 8500}])), None);
        assert_eq!(found(json!([{"port": 1}, {"port": 2}])), None);
    }

    #[test]
    fn a_service_without_one_says_what_it_has() {
        let said = |of: Value, wanted| missing("n", "m", &ports(of), wanted);
        insta::assert_snapshot!(said(json!([{"port": 8500, "name": "grpc"}]), None), @"Service n/m has no port that looks like a REST API, such as 8501; its ports: 8500 (grpc); name one with `--port`, or add one to the Service");
        insta::assert_snapshot!(said(json!([{"port": 8501}]), Some(80)), @"Service n/m has no port 80; its ports: 8501");
        insta::assert_snapshot!(said(json!([]), None), @"Service n/m has no port that looks like a REST API, such as 8501; it has no port; name one with `--port`, or add one to the Service");
    }
}
