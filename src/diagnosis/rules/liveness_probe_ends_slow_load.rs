//! TFS807 liveness-probe-ends-slow-load
//!
//! ## What it detects
//! TensorFlow Serving is killed while it loads its model, again and again: it opens its ports after the first load, the
//! liveness probe runs out before that, and no startup probe holds it off.
//!
//! ## How it is proved
//! The container has a liveness probe and no startup probe, was restarted, ended by SIGKILL (exit code 137) that was not
//! for want of memory, and its pod has never been ready. What the kubelet said of the probe is not read, so the finding
//! is likely; `kubectl describe pod` proves it.
//!
//! ## What it is not
//! `OOMKilled`, which is named so. A container that ends by itself has another exit code.
//!
//! ## Fix
//! Add a startup probe with as much time as the load takes.
//!
//! ## Source
//! `server.cc` of TensorFlow Serving, 2.16 to 2.20: models are loaded, and warmed up, before a port is bound; SIGTERM is
//! ignored (thread 1853), so that the kubelet ends the container with SIGKILL.

use serde_json::json;

use crate::diagnosis::phrase::{span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Port, Server};
use crate::diagnosis::{Case, Confidence, Finding};
use crate::facts::{ContainerEnd, Pod, Probe};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS807",
    name: "liveness-probe-ends-slow-load",
    stage: Stage::Serving,
    source: documentation!("liveness_probe_ends_slow_load.rs"),
    explains: &["TFS304", "TFS404", "TFS501", "TFS502", "TFS505", "TFS607"],
    needs: &[Need::Pods],
    check,
};

/// 128 + SIGKILL.
const KILLED: i32 = 137;
/// The startup probe that is proposed: every 5 s, for 10 min.
const PERIOD_SECONDS: i32 = 5;
const FAILURES: i32 = 120;

fn check(case: &Case<'_>) -> Option<Finding> {
    let (pod, server, probe, end) = serving::never_ready(case).into_iter().find_map(killed)?;
    let label = case.target_label();
    let finding = RULE
        .finding(
            serving::severity(case),
            format!(
                "The liveness probe of {label} kills the server after {}, before its model is loaded",
                span(probe.allows_seconds())
            ),
            "it opens its ports after the first load, and nothing holds the liveness probe off until then",
        )
        .at_most(Confidence::Likely);
    let finding = serving::seen(case, finding, pod, server)
        .saw(
            "last end",
            format!(
                "exit code {KILLED}, {}: SIGKILL, and not for want of memory",
                end.reason
            ),
            "LIST pods",
        )
        .saw(
            "livenessProbe",
            format!(
                "from {} on, every {}, {} failures; no startupProbe",
                span(i64::from(probe.initial_delay_seconds)),
                span(i64::from(probe.period_seconds)),
                probe.failure_threshold
            ),
            "LIST pods",
        );
    Some(repaired(case, finding, pod, server))
}

fn killed<'a>(
    (pod, server): (&'a Pod, Server<'a>),
) -> Option<(&'a Pod, Server<'a>, &'a Probe, &'a ContainerEnd)> {
    let end = server.container.last_end.as_ref()?;
    let probe = server.told.liveness.as_ref()?;
    let by_kubelet = end.exit_code == KILLED && end.reason != "OOMKilled";
    (by_kubelet && server.container.restarts > 0 && server.told.startup.is_none())
        .then_some((pod, server, probe, end))
}

fn repaired(case: &Case<'_>, finding: Finding, pod: &Pod, server: Server<'_>) -> Finding {
    let label = case.target_label();
    let command = match server.grpc_port() {
        Port::At(port) => serving::patch(
            case,
            &[
                json!({"op": "add", "path": "startupProbe", "value": {"tcpSocket": {"port": port},
                "periodSeconds": PERIOD_SECONDS, "failureThreshold": FAILURES}}),
            ],
        ),
        Port::Closed | Port::Unknown => None,
    };
    let time = span(i64::from(PERIOD_SECONDS) * i64::from(FAILURES));
    let finding = match command {
        Some(command) => finding.fix(
            format!("give the first load {time}"),
            command,
            format!("rolls the pods of {label}"),
        ),
        None => finding.advice(
            format!("add a startupProbe that gives the first load {time}"),
            format!("rolls the pods of {label}"),
        ),
    };
    finding.fix(
        "see the kubelet's reason for the kill",
        format!("kubectl describe pod {} -n {}", word(&pod.name), case.namespace()),
        "reads only; \"Liveness probe failed\" proves it",
    )
}
