//! TFS806 readiness-probe-cannot-succeed
//!
//! ## What it detects
//! The readiness probe asks TensorFlow Serving what it never answers: a port on which it does not listen, HTTP on its
//! gRPC port, a path that it does not serve, or the gRPC health service that is off unless a flag switches it on. The
//! model may be loaded and the pods are never ready.
//!
//! ## How it is proved
//! The probe is compared with the flags of the same container, and its pods run and have never been ready. The pod
//! has no other container that could answer.
//!
//! ## What it is not
//! A server that finds no model opens no port at all (TFS805). Where an entry point or a file may set what the flags
//! do not, nothing is said.
//!
//! ## Fix
//! Probe the gRPC port with tcpSocket: the server opens it after the first load.
//!
//! ## Source
//! `main.cc`, `server.cc` and `http_rest_api_handler.cc` of TensorFlow Serving, 2.16 to 2.20;
//! `tools/docker/Dockerfile`: the image adds `--port=8500 --rest_api_port=8501`.

use crate::diagnosis::phrase::word;
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Port, Server};
use crate::diagnosis::{Case, Finding};
use crate::facts::{Pod, Probe, ProbeKind, Recognised};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS806",
    name: "readiness-probe-cannot-succeed",
    stage: Stage::Serving,
    source: documentation!("readiness_probe_cannot_succeed.rs"),
    explains: &["TFS304", "TFS404", "TFS501", "TFS502", "TFS505", "TFS607"],
    needs: &[Need::Pods],
    check,
};

/// How long a server that has just started is left alone.
const STARTED_SECONDS: i64 = 30;

fn check(case: &Case<'_>) -> Option<Finding> {
    let (pod, server, probe, why) = serving::never_ready(case)
        .into_iter()
        .filter(|(pod, _)| case.age(pod).is_some_and(|age| age >= STARTED_SECONDS))
        .filter(|(pod, _)| is_alone(pod))
        .find_map(|(pod, server)| {
            let probe = server.told.readiness.as_ref()?;
            Some((pod, server, probe, refused(server, probe)?))
        })?;
    let label = case.target_label();
    let finding = RULE.finding(
        serving::severity(case),
        format!("The readiness probe of {label} cannot succeed: {}", why.short),
        why.long,
    );
    let finding = serving::seen(case, finding, pod, server)
        .saw("readinessProbe", shown(probe), "LIST pods")
        .saw(
            "TensorFlow Serving listens",
            format!(
                "gRPC {}, REST {}",
                server.grpc_port().label(),
                server.rest_port().label()
            ),
            "flags of the container",
        );
    let finding = match serving::tcp_probes(case, &[("readinessProbe", probe)]) {
        Some(command) => finding.fix(
            "look whether the gRPC port is open",
            command,
            format!("rolls the pods of {label}; the port opens once the model is loaded"),
        ),
        None => finding.advice(
            "let the readiness probe look whether the gRPC port is open, with tcpSocket",
            "the port opens once the model is loaded",
        ),
    };
    Some(finding.fix(
        "see what the probe got",
        format!("kubectl describe pod {} -n {}", word(&pod.name), case.namespace()),
        "reads only",
    ))
}

/// Whether no other container of the pod could answer the probe.
fn is_alone(pod: &Pod) -> bool {
    pod.containers
        .iter()
        .filter(|container| container.counts_for_requests())
        .count()
        == 1
}

/// Why a probe gets no good answer.
struct Why {
    short: String,
    long: String,
}

fn refused(server: Server<'_>, probe: &Probe) -> Option<Why> {
    let (grpc, rest) = (server.grpc_port(), server.rest_port());
    if grpc == Port::Unknown || rest == Port::Unknown {
        return None;
    }
    let port = probe.port?;
    let why = |short: String, long: &str| {
        Some(Why {
            short,
            long: long.to_owned(),
        })
    };
    if Port::At(port) != grpc && Port::At(port) != rest {
        let off = rest == Port::Closed && probe.kind == ProbeKind::HttpGet;
        return why(
            format!("nothing listens on port {port}"),
            if off {
                "the server opens a REST port only with --rest_api_port, and not the one of gRPC"
            } else {
                "the server listens only where its flags say"
            },
        );
    }
    match probe.kind {
        ProbeKind::HttpGet if Port::At(port) == grpc => why(
            format!("it sends HTTP to the gRPC port {port}"),
            "the gRPC port does not answer HTTP/1.1",
        ),
        ProbeKind::HttpGet => path_refused(server, probe.path.as_deref().unwrap_or("/")),
        ProbeKind::Grpc if Port::At(port) == rest => why(
            format!("it sends gRPC to the REST port {port}"),
            "the REST port does not answer gRPC",
        ),
        ProbeKind::Grpc if !server.told.is_on("enable_grpc_healthcheck_service") => why(
            "the gRPC health service is off".to_owned(),
            "the server has it only with --enable_grpc_healthcheck_service",
        ),
        ProbeKind::Grpc | ProbeKind::TcpSocket | ProbeKind::Exec => None,
    }
}

/// Why the REST port answers a path with 404; none where it does not, or where a file decides.
fn path_refused(server: Server<'_>, path: &str) -> Option<Why> {
    const MODELS: &str = "/v1/models/";
    let flags = &server.told.flags;
    // The server matches the case of a model's name alone.
    let below = path
        .get(..MODELS.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(MODELS));
    let Some(rest) = path.get(MODELS.len()..).filter(|_| below) else {
        return (!flags.contains_key("monitoring_config_file")).then(|| Why {
            short: format!("the server has no {path}"),
            long: "its REST API answers below /v1/models/ alone".to_owned(),
        });
    };
    let asked = rest.split(['/', ':']).next().unwrap_or_default();
    let named = match flags.get("model_name") {
        Some(name) => name.as_str(),
        None if server.told.recognised == Recognised::Command => "default",
        None => return None,
    };
    let known = !named.is_empty() && !named.contains('$') && !flags.contains_key("model_config_file");
    (known && named != asked).then(|| Why {
        short: format!("it asks for model {asked}, and the server has {named}"),
        long: "a model that the server does not know is a 404".to_owned(),
    })
}

fn shown(probe: &Probe) -> String {
    let port = probe.port.map_or_else(
        || "a port without a number".to_owned(),
        |port| format!("port {port}"),
    );
    match probe.kind {
        ProbeKind::HttpGet => format!("httpGet {} on {port}", probe.path.as_deref().unwrap_or("/")),
        ProbeKind::TcpSocket => format!("tcpSocket on {port}"),
        ProbeKind::Grpc => format!("grpc on {port}"),
        ProbeKind::Exec => "exec".to_owned(),
    }
}
