//! The report: the contract `tfserve.dev/v1`, kind `LoadReport`. It only grows.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Answer, Failure, Mode, Plan, Point, Quantiles, Scaling, Tally, Timeline, answers};
use crate::facts::API_VERSION;

/// What a load was, what it met, and what that means.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadReport {
    api_version: &'static str,
    kind: &'static str,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// What was asked.
    pub target: Target,
    /// What was planned.
    pub plan: Planned,
    /// Why it ended, and when.
    pub ended: Ended,
    /// All requests but those of the warm-up.
    pub total: Summary,
    /// Failures by kind, the most frequent first.
    pub failures: Vec<FailureCount>,
    /// Every step that was reached.
    pub steps: Vec<StepReport>,
    /// What all this means, in words.
    pub answers: Vec<Answer>,
    /// What the load cost this machine.
    pub client: Client,
    /// What the HPA did; none where none was looked at.
    pub scaling: Option<Scaling>,
    /// One point a slice of time.
    pub timeline: Vec<Point>,
}

/// What was asked, and from where.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The address.
    pub url: String,
    /// The method.
    pub method: String,
    /// Bytes of each request's body.
    pub body_bytes: usize,
    /// The way to it, in words.
    pub measured_from: String,
}

/// What was planned.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// `users` (each waits for its answer) or `rate` (latency from the time at which a request was due).
    pub mode: &'static str,
    /// The levels: users, or requests a second.
    pub levels: Vec<u32>,
    /// In seconds, the warm-up included.
    pub seconds: f64,
    /// In seconds.
    pub warm_up_seconds: f64,
    /// The shortest and the longest think time, in seconds.
    pub think_seconds: Option<[f64; 2]>,
    /// How long a request may take, in seconds.
    pub timeout_seconds: Option<f64>,
    /// Whether connections are used again.
    pub keep_alive: bool,
}

/// Why and when it ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// `completed`, `interrupted`, `errorRate`, `maxReplicas` or `failed`.
    pub reason: &'static str,
    /// In words.
    pub why: String,
    /// Seconds since the load began.
    pub second: f64,
}

/// Requests that ended within a span of time.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How long the span is, in seconds.
    pub seconds: f64,
    /// All of them.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// All of them, a second.
    pub requests_per_second: f64,
    /// Those that were answered as they should be, a second.
    pub answered_per_second: f64,
    /// Bytes of the answers' bodies.
    pub bytes: u64,
    /// Latencies of those that were answered as they should be.
    pub latency_ms: Option<Quantiles>,
}

/// One kind of failure.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureCount {
    /// The kind.
    #[serde(flatten)]
    pub failure: Failure,
    /// In words.
    pub what: String,
    /// How often.
    pub count: u64,
}

/// One step.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Users, or requests a second.
    pub level: u32,
    /// When it began, in seconds since the load began.
    pub start_second: f64,
    /// What happened in it.
    #[serde(flatten)]
    pub summary: Summary,
}

/// What the load cost this machine, and what it could not do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// Threads that sent; none of this machine where Locust's workers did.
    pub threads: usize,
    /// Locust's workers in the cluster; none where this machine sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locust_workers: Option<u16>,
    /// How many of them the master lost; none where this machine sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_workers: Option<u16>,
    /// CPU time of these threads, in seconds; none where the system does not tell.
    pub cpu_seconds: Option<f64>,
    /// The busiest slice of the busiest thread, in percent of a core.
    pub busiest_percent: Option<f64>,
    /// Connections that were opened.
    pub connections: u64,
    /// Requests that were under way when the load ended.
    pub unfinished: u64,
    /// Requests that were due and for which no connection was free until the end.
    pub never_sent: u64,
}

/// What a report is made of.
pub struct Parts<'a> {
    /// When the load began.
    pub started_at: DateTime<Utc>,
    /// What was asked.
    pub target: Target,
    /// What was planned.
    pub plan: &'a Plan,
    /// Why and when it ended.
    pub ended: Ended,
    /// What happened.
    pub timeline: &'a Timeline,
    /// What it cost.
    pub client: Client,
    /// What the HPA did.
    pub scaling: Option<Scaling>,
}

impl LoadReport {
    /// Adds up, and answers.
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts {
            plan,
            timeline,
            ended,
            mut scaling,
            ..
        } = parts;
        let steps = steps(plan, timeline, ended.second);
        if let Some(scaling) = &mut scaling {
            scaling.changes = Scaling::changes(&scaling.samples, |second| {
                if second < ended.second {
                    plan.level_at(std::time::Duration::try_from_secs_f64(second).unwrap_or_default())
                } else {
                    0
                }
            });
        }
        let counted = (ended.second - plan.warm_up.as_secs_f64()).max(0.0);
        let mut report = Self {
            api_version: API_VERSION,
            kind: "LoadReport",
            started_at: parts.started_at,
            target: parts.target,
            plan: planned(plan),
            total: summary(timeline.total(), counted),
            failures: failures(timeline.total()),
            steps,
            answers: Vec::new(),
            client: parts.client,
            scaling,
            timeline: timeline.points().to_vec(),
            ended,
        };
        report.answers = answers::of(&report);
        report
    }

    /// What a level counts, for one and for many.
    pub fn unit(&self) -> &'static str {
        if self.plan.mode == "users" {
            "users"
        } else {
            "req/s"
        }
    }

    /// The share of requests that failed.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
    pub fn error_rate(&self) -> f64 {
        if self.total.requests == 0 {
            return 0.0;
        }
        self.total.failed as f64 / self.total.requests as f64
    }
}

fn planned(plan: &Plan) -> Planned {
    Planned {
        mode: match plan.mode {
            Mode::Users => "users",
            Mode::Rate => "rate",
        },
        levels: plan.steps.iter().map(|step| step.level).collect(),
        seconds: plan.length().as_secs_f64(),
        warm_up_seconds: plan.warm_up.as_secs_f64(),
        think_seconds: plan
            .think
            .map(|think| [think.shortest.as_secs_f64(), think.longest.as_secs_f64()]),
        timeout_seconds: plan.timeout.map(|timeout| timeout.as_secs_f64()),
        keep_alive: plan.keep_alive,
    }
}

fn steps(plan: &Plan, timeline: &Timeline, ended: f64) -> Vec<StepReport> {
    plan.steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| {
            let start = step.start.max(plan.warm_up).as_secs_f64();
            let end = step.end.as_secs_f64().min(ended);
            (end > start).then(|| StepReport {
                level: step.level,
                start_second: step.start.as_secs_f64(),
                summary: summary(timeline.step(index).unwrap_or(&Tally::default()), end - start),
            })
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "no load has 2^53 requests")]
fn summary(tally: &Tally, seconds: f64) -> Summary {
    let rate = |count: u64| {
        if seconds > 0.0 {
            (count as f64 / seconds * 1000.0).round() / 1000.0
        } else {
            0.0
        }
    };
    Summary {
        seconds: (seconds * 1000.0).round() / 1000.0,
        requests: tally.count(),
        failed: tally.failed_count(),
        requests_per_second: rate(tally.count()),
        answered_per_second: rate(tally.ok),
        bytes: tally.bytes,
        latency_ms: tally.latencies.quantiles(),
    }
}

fn failures(tally: &Tally) -> Vec<FailureCount> {
    let mut failures: Vec<FailureCount> = tally
        .failures
        .iter()
        .map(|(failure, count)| FailureCount {
            failure: *failure,
            what: failure.words(),
            count: *count,
        })
        .collect();
    failures.sort_by(|left, right| {
        right
            .count
            .cmp(&left.count)
            .then(left.failure.cmp(&right.failure))
    });
    failures
}
