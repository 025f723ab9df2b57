//! TFS811 startup-probe-ends-slow-load
//!
//! ## What it detects
//! TensorFlow Serving is killed while it loads its model, again and again: it opens its ports after the first load, and
//! the startup probe allows less time than the load takes.
//!
//! ## How it is proved
//! The container has a startup probe, was restarted, and was ended by a signal (exit code 137 or 143) that was not for
//! want of memory, after it had run for as long as the probe allows; its pod has never been ready. What the kubelet said
//! of the probe is not read, so the finding is likely; `kubectl describe pod` proves it.
//!
//! ## What it is not
//! A server that finds no model waits for one until the probe ends it too: its log says so (TFS805). A probe of a port
//! that nobody opens is TFS806. `OOMKilled` is named so.
//!
//! ## Fix
//! Give the load more time: `failureThreshold` × `periodSeconds`; for a Deployment of `up`, `--load-timeout`. A load that
//! is slow for want of CPU is as well served by a greater limit.
//!
//! ## Source
//! `server.cc` of TensorFlow Serving, 2.16 to 2.20: models are loaded, and warmed up, before a port is bound.
//! `prober/worker.go` in the kubelet, Kubernetes v1.37: a startup probe that fails `failureThreshold` times ends the
//! container.

use chrono::TimeDelta;
use serde_json::json;

use crate::diagnosis::phrase::{span, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::serving::{self, Server};
use crate::diagnosis::{Case, Confidence, Finding};
use crate::facts::{Pod, Probe};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS811",
    name: "startup-probe-ends-slow-load",
    stage: Stage::Serving,
    source: documentation!("startup_probe_ends_slow_load.rs"),
    explains: &["TFS304", "TFS404", "TFS501", "TFS502", "TFS505", "TFS607"],
    needs: &[Need::Pods],
    check,
};

/// 128 + SIGKILL, and 128 + SIGTERM.
const ENDED_BY_SIGNAL: [i32; 2] = [137, 143];
/// What is proposed at the least: the time that `up` gives.
const SECONDS: i64 = 600;

/// A server that the probe ended.
struct Ended<'a> {
    pod: &'a Pod,
    server: Server<'a>,
    probe: &'a Probe,
    ran: TimeDelta,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let found = serving::never_ready(case).into_iter().find_map(ended)?;
    let Ended { pod, server, .. } = found;
    let label = case.target_label();
    let finding = RULE
        .finding(
            serving::severity(case),
            format!(
                "The startup probe of {label} ends the server after {}, before its model is loaded",
                span(found.probe.allows_seconds())
            ),
            "it opens its ports after the first load, and the probe does not wait for so long",
        )
        .at_most(Confidence::Likely);
    let finding = serving::seen(case, finding, pod, server)
        .saw(
            "last end",
            format!(
                "exit code {}, after {}: by a signal, and not for want of memory",
                server.container.last_end.as_ref()?.exit_code,
                span(found.ran.num_seconds())
            ),
            "LIST pods",
        )
        .saw(
            "startupProbe",
            format!(
                "from {} on, every {}, {} failures",
                span(i64::from(found.probe.initial_delay_seconds)),
                span(i64::from(found.probe.period_seconds)),
                found.probe.failure_threshold
            ),
            "LIST pods",
        );
    Some(repaired(case, finding, &found))
}

fn ended<'a>((pod, server): (&'a Pod, Server<'a>)) -> Option<Ended<'a>> {
    let end = server.container.last_end.as_ref()?;
    let probe = server.told.startup.as_ref()?;
    let by_kubelet = ENDED_BY_SIGNAL.contains(&end.exit_code) && end.reason != "OOMKilled";
    let ran = end.finished_at? - end.started_at?;
    // The first probe is not a period late.
    let until_the_last_probe = TimeDelta::seconds(probe.allows_seconds() - i64::from(probe.period_seconds));
    (by_kubelet && server.container.restarts > 0 && ran >= until_the_last_probe).then_some(Ended {
        pod,
        server,
        probe,
        ran,
    })
}

fn repaired(case: &Case<'_>, finding: Finding, found: &Ended<'_>) -> Finding {
    let period = i64::from(found.probe.period_seconds).max(1);
    let more = SECONDS.max(found.probe.allows_seconds() * 2);
    let failures = more / period;
    let command = serving::patch(
        case,
        &[json!({"op": "replace", "path": "startupProbe/failureThreshold", "value": failures})],
    );
    let finding = match command {
        Some(command) => finding.fix(
            format!("give the first load {}", span(failures * period)),
            command,
            format!(
                "rolls the pods of {}; of a Deployment that `up` made, `--load-timeout {more}s` keeps it",
                case.target_label()
            ),
        ),
        None => finding,
    };
    finding.fix(
        "see the kubelet's reason for the kill",
        format!(
            "kubectl describe pod {} -n {}",
            word(&found.pod.name),
            case.namespace()
        ),
        "reads only; \"failed startup probe\" proves it",
    )
}
