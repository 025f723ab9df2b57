//! What a report means, in words: when it scaled, how fast, where the knee is, what limited it.

use serde::Serialize;

use super::report::{LoadReport, StepReport};
use super::{ScaleSample, limits};

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `scaled`, `timeToReady`, `coolDown`, `knee` or `limit`.
    pub question: &'static str,
    /// One sentence.
    pub answer: String,
}

/// All that can be said.
pub(super) fn of(report: &LoadReport) -> Vec<Answer> {
    [
        ("scaled", scaled(report)),
        ("timeToReady", time_to_ready(report)),
        ("coolDown", cool_down(report)),
        ("knee", Some(knee(report))),
        ("limit", Some(limits::of(report))),
    ]
    .into_iter()
    .filter_map(|(question, answer)| {
        Some(Answer {
            question,
            answer: answer?,
        })
    })
    .collect()
}

fn scaled(report: &LoadReport) -> Option<String> {
    let scaling = report.scaling.as_ref()?;
    if scaling.changes.is_empty() {
        let stood = scaling.samples.iter().rev().find_map(|sample| sample.wanted);
        return Some(match stood {
            Some(replicas) => format!(
                "it did not scale: {} all the time{}",
                replicas_of(replicas),
                limits::broken(scaling).map_or_else(String::new, |why| format!(
                    "; {why}: `kubectl tfserve explain-hpa {} -n {}` explains it",
                    scaling.hpa, scaling.namespace
                ))
            ),
            None => "the replicas could not be read".to_owned(),
        });
    }
    let unit = report.unit();
    let changes: Vec<String> = scaling
        .changes
        .iter()
        .map(|change| {
            let when = if change.level == 0 {
                "after the load".to_owned()
            } else {
                format!("at {}", level_of(change.level, unit))
            };
            format!("{} → {} {when} ({:.0} s)", change.from, change.to, change.second)
        })
        .collect();
    Some(changes.join(", "))
}

fn time_to_ready(report: &LoadReport) -> Option<String> {
    let scaling = report.scaling.as_ref()?;
    let (resource, target) = (scaling.resource.as_deref()?, scaling.target_percent?);
    if scaling
        .samples
        .iter()
        .all(|sample| sample.usage_percent.is_none())
    {
        return None;
    }
    let Some(crossed) = scaling.crossed() else {
        return Some(format!(
            "{resource} never rose more than 10% above its target of {target}%, so nothing had to become ready"
        ));
    };
    let start = format!(
        "{resource} was seen at {}% of {target}% at {:.0} s",
        crossed.usage_percent.unwrap_or_default(),
        crossed.second
    );
    let Some(change) = scaling
        .changes
        .iter()
        .find(|change| change.to > change.from && change.second >= crossed.second - 1.0)
    else {
        return Some(format!("{start}; the controller did not scale up after that"));
    };
    let decided = (change.second - crossed.second).max(0.0);
    Some(match change.ready_after_seconds {
        Some(ready) => format!(
            "{start}; {} asked for {decided:.0} s later, ready {:.0} s later",
            replicas_of(change.to),
            decided + ready
        ),
        None => format!(
            "{start}; {} asked for {decided:.0} s later, and not all ready by the end",
            replicas_of(change.to)
        ),
    })
}

/// `1 user`, `8 users`.
fn level_of(level: u32, unit: &str) -> String {
    match (level, unit) {
        (1, "users") => "1 user".to_owned(),
        _ => format!("{level} {unit}"),
    }
}

/// Watched after the load for less than this, the HPA was not waited for.
const A_MOMENT: f64 = 2.0;

fn cool_down(report: &LoadReport) -> Option<String> {
    let scaling = report.scaling.as_ref()?;
    let end = report.ended.second;
    let last = scaling
        .samples
        .last()
        .filter(|last| last.second > end + A_MOMENT)?;
    let min = Some(scaling.min_replicas);
    let state = |sample: &ScaleSample| (sample.wanted, sample.ready) == (min, min);
    if !state(last) {
        return Some(format!(
            "not back at {} {:.0} s after the load: {} asked for, {} ready",
            replicas_of(scaling.min_replicas),
            last.second - end,
            last.wanted.map_or_else(|| "?".to_owned(), replicas_of),
            last.ready
                .map_or_else(|| "?".to_owned(), |ready| ready.to_string()),
        ));
    }
    let back = scaling
        .samples
        .iter()
        .rev()
        .take_while(|sample| state(sample))
        .last()?;
    Some(if back.second <= end {
        format!(
            "{} all the time after the load",
            replicas_of(scaling.min_replicas)
        )
    } else {
        format!(
            "back at {} {:.0} s after the load",
            replicas_of(scaling.min_replicas),
            back.second - end
        )
    })
}

pub(super) fn replicas_of(count: i32) -> String {
    if count == 1 {
        "1 replica".to_owned()
    } else {
        format!("{count} replicas")
    }
}

/// More throughput for more load is worth less than this share of what was added.
const WORTHLESS: f64 = 0.2;

/// The step before which more load still brought more, and the one at which it did not.
pub(super) fn knee_steps(report: &LoadReport) -> Option<(&StepReport, &StepReport)> {
    report.steps.windows(2).find_map(|pair| {
        let [before, after] = pair else { return None };
        let bent = if report.plan.mode == "rate" {
            after.summary.answered_per_second < 0.95 * f64::from(after.level)
        } else {
            let asked = f64::from(after.level) / f64::from(before.level) - 1.0;
            let got = after.summary.answered_per_second / before.summary.answered_per_second - 1.0;
            let slower = p95(after) > p95(before) * 1.1;
            asked > 0.0 && got < WORTHLESS * asked && slower
        };
        bent.then_some((before, after))
    })
}

fn knee(report: &LoadReport) -> String {
    let unit = report.unit();
    if report.steps.len() < 2 {
        return format!("one step of {unit} alone shows no knee; a range such as 1..32 does");
    }
    match knee_steps(report) {
        Some((before, after)) => format!(
            "between {} and {} {unit}: {} req/s at p95 {} became {} req/s at p95 {}",
            before.level,
            after.level,
            per_second(before),
            milliseconds(p95(before)),
            per_second(after),
            milliseconds(p95(after)),
        ),
        None => format!(
            "not reached: throughput still grew at {} {unit}",
            report.steps.last().map_or(0, |step| step.level)
        ),
    }
}

/// As the table has it: a slow model answers once in a while.
fn per_second(step: &StepReport) -> String {
    let rate = step.summary.answered_per_second;
    if rate < 100.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

fn p95(step: &StepReport) -> f64 {
    step.summary.latency_ms.map_or(0.0, |latency| latency.p95)
}

fn milliseconds(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0} ms")
    } else {
        format!("{value:.1} ms")
    }
}
