//! What limited a load: only what was seen.

use super::answers::{knee_steps, replicas_of};
use super::report::LoadReport;
use super::{ScaleSample, Scaling, SeenFinding};

/// A thread that is busy for more than this share of a core may be late itself.
const BUSY_PERCENT: f64 = 90.0;
/// Failures below this share are no limit.
const FEW: f64 = 0.01;
/// A pod may take this long to start, in seconds, without being a limit.
const START: f64 = 60.0;

/// A sample of usage is an average over so many seconds: a younger one is of fewer replicas.
const WINDOW: f64 = 15.0;

/// The first limit that was seen, from the requests to the cluster.
pub(super) fn of(report: &LoadReport) -> String {
    if report.total.requests == 0 {
        return "no request ended".to_owned();
    }
    if let Some(first) = report.failures.first()
        && report.error_rate() > FEW
    {
        return format!(
            "errors: {:.1}% of the requests failed, most of them with: {}",
            report.error_rate() * 100.0,
            first.what
        );
    }
    if let Some(busy) = report.client.busiest_percent.filter(|busy| *busy > BUSY_PERCENT) {
        return match report.client.locust_workers {
            Some(_) => format!(
                "the workers: the busiest used {busy:.0}% of a core, so the server may be faster than shown; take more with `--distributed`"
            ),
            None => format!(
                "this client: its busiest thread used {busy:.0}% of a core, so the server may be faster than shown"
            ),
        };
    }
    if let Some(sentence) = report
        .scaling
        .as_ref()
        .and_then(|scaling| of_the_hpa(report, scaling))
    {
        return sentence;
    }
    if report.client.never_sent > 0 {
        return format!(
            "connections: {} requests were due and found none free; raise --connections, or the server is too slow",
            report.client.never_sent
        );
    }
    if knee_steps(report).is_some() {
        return "most likely the server: throughput stopped growing without errors, and no thread of this client was busy".to_owned();
    }
    let sender = match report.client.locust_workers {
        Some(_) => "Locust's workers",
        None => "this client",
    };
    match &report.scaling {
        Some(_) => format!("nothing that was seen: neither errors, nor {sender}, nor the HPA"),
        None => format!("nothing that was seen: neither errors nor {sender}"),
    }
}

/// Why an HPA does not work.
pub(super) fn broken(scaling: &Scaling) -> Option<String> {
    let finding = scaling
        .findings
        .iter()
        .find(|finding| finding.severity == "error")?;
    Some(format!("{} ({})", finding.title, finding.code))
}

fn of_the_hpa(report: &LoadReport, scaling: &Scaling) -> Option<String> {
    let end = report.ended.second;
    let last = before(scaling, end).next()?;
    at_end(scaling, end, |finding| finding.severity == "error")
        .and_then(|_| broken(scaling))
        .map(|why| format!("the HPA: {why}"))
        .or_else(|| pods(scaling, last, end))
        .or_else(|| at_maximum(scaling, last, end))
        .or_else(|| above_target(scaling, last, end))
}

/// A finding that was true when the load ended.
fn at_end(scaling: &Scaling, end: f64, of: impl Fn(&SeenFinding) -> bool) -> Option<&SeenFinding> {
    scaling
        .findings
        .iter()
        .find(|finding| finding.first_second <= end && finding.last_second >= end && of(finding))
}

/// The samples until the load ended, the newest first.
fn before(scaling: &Scaling, end: f64) -> impl Iterator<Item = &ScaleSample> {
    let newest_first = scaling.samples.iter().rev();
    newest_first.skip_while(move |sample| sample.second > end)
}

/// Pods that were asked for and did not come.
fn pods(scaling: &Scaling, last: &ScaleSample, end: f64) -> Option<String> {
    let (wanted, ready) = (last.wanted?, last.ready?);
    if ready >= wanted {
        return None;
    }
    let since = before(scaling, end)
        .take_while(|sample| sample.wanted == Some(wanted))
        .last()?
        .second;
    // Pods, quotas, nodes, models; a pod that is merely young is on its way.
    let why = at_end(scaling, end, |finding| {
        finding.code != "TFS501"
            && ["TFS5", "TFS7", "TFS8"]
                .iter()
                .any(|stage| finding.code.starts_with(stage))
            && finding.severity != "info"
    });
    let lacking = format!("the pods: {} were asked for, {ready} ready", replicas_of(wanted));
    match why {
        Some(why) => Some(format!("{lacking}: {} ({})", why.title, why.code)),
        None if end - since > START => Some(format!("{lacking} {:.0} s later", end - since)),
        None => None,
    }
}

fn at_maximum(scaling: &Scaling, last: &ScaleSample, end: f64) -> Option<String> {
    let target = scaling.target_percent?;
    let full = |sample: &&ScaleSample| sample.ready >= Some(scaling.max_replicas);
    let since = before(scaling, end).take_while(full).last()?.second;
    if end - since < WINDOW {
        return None;
    }
    let usage = last.usage_percent.filter(|usage| *usage > target)?;
    Some(format!(
        "maxReplicas: with {} ready, {} was still at {usage}% of {target}%",
        replicas_of(scaling.max_replicas),
        scaling.resource.as_deref().unwrap_or("usage"),
    ))
}

/// Above its target, and held back below the maximum.
fn above_target(scaling: &Scaling, last: &ScaleSample, end: f64) -> Option<String> {
    let usage = last
        .usage_percent
        .filter(|usage| Some(*usage) > scaling.target_percent)?;
    if last.wanted? >= scaling.max_replicas {
        return None;
    }
    // What holds for a moment only waits for a sample.
    let held = |code: &'static str| {
        at_end(scaling, end, move |finding| {
            finding.code == code && end - finding.first_second >= WINDOW
        })
    };
    let (by, finding) = held("TFS606")
        .map(|finding| ("the scale-up policies", finding))
        .or_else(|| held("TFS603").map(|finding| ("the tolerance", finding)))?;
    Some(format!(
        "{by}: {} was at {usage}% with {}: {} ({})",
        scaling.resource.as_deref().unwrap_or("usage"),
        replicas_of(last.ready?),
        finding.title,
        finding.code
    ))
}
