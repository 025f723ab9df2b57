//! What Locust's master tells of a load that its workers make: lines of `record.py` in its log.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::{Failure, Tally};

/// The file that makes Locust's master tell: listeners of Locust's own events, loaded beside the locustfile.
pub const RECORD: &str = include_str!("record.py");

/// What its lines begin with.
const MARK: &str = "tfserve-load ";

/// The master's words for a worker that is gone (`heartbeat_worker` in `locust/runners.py`, 2.47): no event tells of it.
const LOST: &str = "failed to send heartbeat, setting state to missing";

/// How often a worker reports (`WORKER_REPORT_INTERVAL` in `locust/runners.py`, 2.47).
pub const REPORT_EVERY: Duration = Duration::from_secs(3);

/// A line of the master's log.
#[derive(Debug)]
pub enum Line {
    /// All workers are there, and the load begins.
    Started,
    /// A worker's report.
    Report(Report),
    /// The master has not heard of a worker for some seconds.
    WorkerLost,
    /// Locust's own talk.
    Talk,
}

/// What a worker did since its last report.
#[derive(Debug)]
pub struct Report {
    /// When it came, since the load began.
    pub at: Duration,
    /// What happened. Latencies are those of all requests, failed ones too, as Locust counts them.
    pub tally: Tally,
    /// The worker's CPU, in percent of a core; none until it has told.
    pub cpu_percent: Option<f64>,
}

#[derive(Deserialize)]
struct Told {
    second: f64,
    requests: u64,
    failed: u64,
    bytes: u64,
    times: BTreeMap<u64, u64>,
    cpu: Option<f64>,
    errors: Vec<(String, u64)>,
}

/// Reads a line.
pub fn read(line: &str) -> Line {
    let Some(told) = line.trim_end().strip_prefix(MARK) else {
        return if line.contains(LOST) {
            Line::WorkerLost
        } else {
            Line::Talk
        };
    };
    match serde_json::from_str::<Told>(told) {
        Ok(told) => Line::Report(report(&told)),
        Err(_) if told.starts_with("{\"started\":") => Line::Started,
        Err(_) => Line::Talk,
    }
}

fn report(told: &Told) -> Report {
    let mut tally = Tally {
        ok: told.requests.saturating_sub(told.failed),
        bytes: told.bytes,
        ..Tally::default()
    };
    for (milliseconds, count) in &told.times {
        tally
            .latencies
            .record_all(Duration::from_millis(*milliseconds), *count);
    }
    let mut unnamed = told.failed;
    for (error, count) in &told.errors {
        let count = (*count).min(unnamed);
        unnamed -= count;
        if count > 0 {
            *tally.failures.entry(failure(error)).or_default() += count;
        }
    }
    if unnamed > 0 {
        *tally.failures.entry(Failure::Other).or_default() += unnamed;
    }
    Report {
        at: Duration::try_from_secs_f64(told.second).unwrap_or_default(),
        tally,
        cpu_percent: told.cpu.filter(|cpu| *cpu > 0.0),
    }
}

/// Python's words for what went wrong; `HTTP 503` is the locustfile's own.
fn failure(error: &str) -> Failure {
    let status = error.split_once("HTTP ").and_then(|(_, rest)| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    if let Some(status) = status {
        return Failure::Status(status);
    }
    let lower = error.to_lowercase();
    let kinds: [(&[&str], Failure); 6] = [
        (&["refused"], Failure::Refused),
        (&["timed out", "timeout"], Failure::Timeout),
        (&["reset", "broken pipe"], Failure::Reset),
        (
            &["unreachable", "no route", "gaierror", "not known"],
            Failure::Unreachable,
        ),
        (&["ssl", "certificate"], Failure::Tls),
        (&["closed", "incomplete", "connection"], Failure::Closed),
    ];
    kinds
        .into_iter()
        .find(|(words, _)| words.iter().any(|word| lower.contains(word)))
        .map_or(Failure::Other, |(_, failure)| failure)
}

/// Reports, collected into slices of [`REPORT_EVERY`].
#[derive(Debug, Default)]
pub struct Slices {
    open: BTreeMap<u32, Tally>,
}

impl Slices {
    /// Takes a report into the slice in which the middle of its time lies; gives those that nobody adds to any more.
    pub fn take(&mut self, report: &Report) -> Vec<(u32, Tally)> {
        let middle = report.at.saturating_sub(REPORT_EVERY / 2);
        let index = u32::try_from(middle.as_millis() / REPORT_EVERY.as_millis()).unwrap_or(u32::MAX);
        self.open.entry(index).or_default().add(&report.tally);
        let later = self.open.split_off(&index.saturating_sub(1));
        std::mem::replace(&mut self.open, later).into_iter().collect()
    }

    /// Gives the rest.
    pub fn finish(self) -> impl Iterator<Item = (u32, Tally)> {
        self.open.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"tfserve-load {"second":5.027,"requests":12,"failed":3,"bytes":850,"times":{"3":8,"120":4},"cpu":41.5,"errors":[["CatchResponseError('HTTP 503')",2]]}"#;

    fn told(line: &str) -> Report {
        let Line::Report(report) = read(line) else {
            unreachable!("{line}")
        };
        report
    }

    #[test]
    fn a_report_is_counted() {
        let report = told(LINE);
        assert_eq!(
            (report.tally.ok, report.tally.count(), report.cpu_percent),
            (9, 12, Some(41.5))
        );
        let failures: Vec<(Failure, u64)> = report.tally.failures.into_iter().collect();
        assert_eq!(failures, [(Failure::Status(503), 2), (Failure::Other, 1)]);
        let quantiles = report.tally.latencies.quantiles();
        assert!(
            quantiles.is_some_and(|it| (it.p50 - 3.0).abs() < 0.01),
            "{quantiles:?}"
        );
    }

    #[test]
    fn the_rest_of_the_log_is_talk() {
        assert!(matches!(read("tfserve-load {\"started\":2}"), Line::Started));
        for line in ["", "[2026] INFO/locust.main: Starting", "tfserve-load {\"sec"] {
            assert!(matches!(read(line), Line::Talk), "{line}");
        }
    }

    #[test]
    fn a_worker_that_is_gone() {
        let line = "[2026-01-02 03:04:05,678] m-load-x/INFO/locust.runners: Worker m-load-workers-y_1 failed to send heartbeat, setting state to missing.";
        assert!(matches!(read(line), Line::WorkerLost));
    }

    #[test]
    fn pythons_words_for_what_went_wrong() {
        for (words, kind) in [
            (
                "ConnectionRefusedError(111, 'Connection refused')",
                Failure::Refused,
            ),
            ("timeout('timed out')", Failure::Timeout),
            (
                "ConnectionResetError(104, 'Connection reset by peer')",
                Failure::Reset,
            ),
            ("gaierror(-2, 'Name or service not known')", Failure::Unreachable),
            ("HTTPConnectionClosed('connection closed.')", Failure::Closed),
            ("ValueError('?')", Failure::Other),
        ] {
            assert_eq!(failure(words), kind, "{words}");
        }
    }

    #[test]
    fn a_slice_is_whole_when_the_next_but_one_begins() {
        let mut slices = Slices::default();
        let at = |second: u64| Report {
            at: Duration::from_secs(second),
            ..told(LINE)
        };
        assert!(slices.take(&at(2)).is_empty());
        assert!(slices.take(&at(5)).is_empty());
        assert!(slices.take(&at(2)).is_empty());
        let whole = slices.take(&at(8));
        let counts: Vec<(u32, u64)> = whole
            .iter()
            .map(|(index, tally)| (*index, tally.count()))
            .collect();
        assert_eq!(counts, [(0, 24)]);
        assert_eq!(
            slices.finish().map(|(index, _)| index).collect::<Vec<_>>(),
            [1, 2]
        );
    }
}
