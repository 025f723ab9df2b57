//! What metrics-server writes where it cannot scrape a kubelet, and what that means.

use super::Finding;
use super::phrase::word;
use crate::facts::{LogLine, MetricsServer};

/// What a scrape that fails writes, and what that means.
const FAILURES: &[(&str, &str)] = &[
    (
        "connection refused",
        "nothing listens on the kubelet's port at the address that metrics-server uses",
    ),
    (
        "no route to host",
        "there is no route from metrics-server to the nodes",
    ),
    (
        "i/o timeout",
        "the way from metrics-server to the nodes' port 10250 is blocked",
    ),
    (
        "deadline exceeded",
        "the kubelets do not answer metrics-server in time",
    ),
    ("no such host", "metrics-server cannot resolve the nodes' names"),
    (
        "403 Forbidden",
        "the kubelets forbid metrics-server to read nodes/metrics",
    ),
    (
        "401 Unauthorized",
        "the kubelets do not accept metrics-server's credentials",
    ),
    ("x509: ", "it refuses the certificate of the kubelet"),
];

/// Where the names of nodes cannot be resolved, their addresses can be used.
pub(super) fn by_address(finding: Finding, server: &MetricsServer, line: &LogLine) -> Finding {
    if !line.text.contains("no such host") {
        return finding;
    }
    let flag = "--kubelet-preferred-address-types";
    // A command that is given stands before the arguments.
    let mut arguments = server.args.iter().skip_while(|word| !word.starts_with("--"));
    let patch = match arguments.position(|argument| argument.starts_with(flag)) {
        Some(place) => format!(
            r#"[{{"op":"replace","path":"/spec/template/spec/containers/0/args/{place}","value":"{flag}=InternalIP"}}]"#
        ),
        None => format!(
            r#"[{{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"{flag}=InternalIP"}}]"#
        ),
    };
    finding.fix(
        "use the addresses of the nodes",
        format!(
            "kubectl patch deployment {} -n {} --type=json -p {}",
            word(&server.name),
            word(&server.namespace),
            word(&patch)
        ),
        "rolls metrics-server",
    )
}

/// The error of a klog line, without the place in the source that wrote it.
pub(super) fn failure_text(text: &str) -> &str {
    text.split_once("err=").map_or(text, |(_, error)| error)
}

/// The last scrape that failed, of these nodes where the line names one.
pub(super) fn last_failure<'a>(log: &'a [LogLine], nodes: &[&str]) -> Option<(&'a LogLine, &'static str)> {
    log.iter().rev().find_map(|line| {
        let (_, meaning) = FAILURES.iter().find(|(text, _)| line.text.contains(text))?;
        let about = node_of(&line.text).is_none_or(|node| nodes.is_empty() || nodes.contains(&node));
        about.then_some((line, *meaning))
    })
}

/// The node that fails, where it is one alone.
pub(super) fn only_node(log: &[LogLine]) -> Option<&str> {
    let mut nodes: Vec<&str> = log.iter().filter_map(|line| node_of(&line.text)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    match nodes.as_slice() {
        [node] => Some(node),
        _ => None,
    }
}

/// The node of a klog line: `node="node-3"`.
pub(super) fn node_of(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("node=\"")?;
    rest.split_once('"').map(|(node, _)| node)
}
