//! Containers that run TensorFlow Serving. Nothing of their environment is read, and of their arguments only
//! the flags that rules know.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::facts::{FLAGS_KEPT, HostPath, Probe, ProbeKind, Recognised, ServingContainer};

const BINARY: &str = "tensorflow_model_server";
const ENTRY_POINT: &str = "tf_serving_entrypoint.sh";
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];
/// The ports that the image exposes.
const USUAL_PORTS: [i32; 2] = [8500, 8501];

/// What TensorFlow Serving was told; none where the container does not run it, or might run something else.
pub(in crate::cluster) fn serving(spec: &v1::PodSpec, container: &v1::Container) -> Option<ServingContainer> {
    let words = words(container);
    let flags = flags(&words);
    let ports = container.ports.iter().flatten();
    let recognised = recognised(container, &words, &flags)?;
    let named_ports: BTreeMap<String, i32> = ports
        .filter_map(|port| Some((port.name.clone()?, port.container_port)))
        .collect();
    let probe = |probe: &Option<v1::Probe>| probe.as_ref().and_then(|it| self::probe(it, &named_ports));
    Some(ServingContainer {
        recognised,
        flags,
        wrapped: is_wrapped(spec, container),
        has_args: container.args.as_ref().is_some_and(|args| !args.is_empty()),
        readiness: probe(&container.readiness_probe),
        liveness: probe(&container.liveness_probe),
        startup: probe(&container.startup_probe),
        host_paths: host_paths(spec, container),
        named_ports,
    })
}

fn recognised(
    container: &v1::Container,
    words: &[String],
    flags: &BTreeMap<String, String>,
) -> Option<Recognised> {
    if words.iter().any(|word| base_name(word) == BINARY) {
        return Some(Recognised::Command);
    }
    let command = container.command.as_deref().unwrap_or_default();
    let own_entry_point = command.is_empty() || command.iter().any(|word| base_name(word) == ENTRY_POINT);
    if own_entry_point && is_serving_image(container.image.as_deref().unwrap_or_default()) {
        return Some(Recognised::Image);
    }
    let model = flags.contains_key("model_base_path") || flags.contains_key("model_config_file");
    let rest = flags.contains_key("rest_api_port");
    let usual = container
        .ports
        .iter()
        .flatten()
        .any(|port| USUAL_PORTS.contains(&port.container_port));
    (model && (rest || usual)).then_some(Recognised::Flags)
}

/// `…/tensorflow/serving` of whichever registry, and `…/tensorflow-serving`, which others build.
fn is_serving_image(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or_default();
    let (parents, last) = name.rsplit_once('/').unwrap_or(("", name));
    let last = last.split(':').next().unwrap_or_default();
    last == "tensorflow-serving" || last == "serving" && base_name(parents) == "tensorflow"
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn has_shell(container: &v1::Container) -> bool {
    let first = container.command.iter().flatten().next();
    first.is_some_and(|word| SHELLS.contains(&base_name(word)))
}

/// Whether the server, or the image's entry point, is not what the container runs first.
fn is_wrapped(spec: &v1::PodSpec, container: &v1::Container) -> bool {
    let first = container.command.iter().flatten().next();
    let other = first.is_some_and(|word| !matches!(base_name(word), BINARY | ENTRY_POINT));
    other || spec.share_process_namespace == Some(true)
}

/// `command` and `args`, each script of a shell taken apart.
fn words(container: &v1::Container) -> Vec<String> {
    let all = container.command.iter().chain(&container.args).flatten();
    if !has_shell(container) {
        return all.cloned().collect();
    }
    all.flat_map(|word| word.split_whitespace())
        .map(|word| word.trim_matches(['"', '\'', ';']).to_owned())
        .collect()
}

/// The server reads `--flag=value` and, of those that are true or false, `--flag`; the last one wins.
fn flags(words: &[String]) -> BTreeMap<String, String> {
    let known = |word: &String| {
        let rest = word.strip_prefix("--")?;
        let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
        FLAGS_KEPT
            .contains(&name)
            .then(|| (name.to_owned(), without_secrets(value.trim_matches(['"', '\'']))))
    };
    words.iter().filter_map(known).collect()
}

/// A path or a URL without what gives access to it: user, password and query.
pub(in crate::cluster) fn without_secrets(value: &str) -> String {
    let value = value.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    let (host, path) = rest
        .split_once('/')
        .map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = host.rsplit('@').next().unwrap_or(host);
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}

fn probe(probe: &v1::Probe, names: &BTreeMap<String, i32>) -> Option<Probe> {
    let number = |port: &IntOrString| match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => names.get(name).copied(),
    };
    let (kind, path, port) = if let Some(http) = &probe.http_get {
        let path = http.path.as_deref().unwrap_or("/");
        let path = path.split('?').next().unwrap_or_default().to_owned();
        (ProbeKind::HttpGet, Some(path), number(&http.port))
    } else if let Some(tcp) = &probe.tcp_socket {
        (ProbeKind::TcpSocket, None, number(&tcp.port))
    } else if let Some(grpc) = &probe.grpc {
        (ProbeKind::Grpc, None, Some(grpc.port))
    } else {
        probe.exec.as_ref()?;
        (ProbeKind::Exec, None, None)
    };
    Some(Probe {
        kind,
        path,
        port,
        initial_delay_seconds: probe.initial_delay_seconds.unwrap_or(0),
        period_seconds: probe.period_seconds.unwrap_or(10),
        failure_threshold: probe.failure_threshold.unwrap_or(3),
    })
}

fn host_paths(spec: &v1::PodSpec, container: &v1::Container) -> Vec<HostPath> {
    let path = |volume: &str| {
        let found = spec.volumes.iter().flatten().find(|it| it.name == volume)?;
        found.host_path.as_ref().map(|host| host.path.clone())
    };
    let mounts = container.volume_mounts.iter().flatten();
    mounts
        .filter_map(|mount| {
            Some(HostPath {
                mount: mount.mount_path.clone(),
                path: path(&mount.name)?,
            })
        })
        .collect()
}

#[cfg(test)]
#[path = "serving_test.rs"]
mod tests;
