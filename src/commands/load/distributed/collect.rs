//! What the master tells, made into the time line of every load.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::time::{Instant, MissedTickBehavior};

use super::Distributed;
use super::come_up::ComeUp;
use crate::Error;
use crate::cluster::load_jobs;
use crate::commands::load::address::Address;
use crate::commands::load::live::Live;
use crate::commands::load::run::{self, Means};
use crate::commands::load::watch::{self, Watch};
use crate::load::distributed::{self, Line, REPORT_EVERY, Report, Slices};
use crate::load::jobs::Jobs;
use crate::load::report::{Client, Ended};
use crate::load::{Plan, Tally, Timeline};

/// How often the HPA, and pods that are not there yet, are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How long the workers' last reports, and the master's end, are waited for.
const LAST_REPORTS: Duration = Duration::from_secs(30);
/// How many of Locust's own lines are quoted.
const LAST_LINES: usize = 5;

/// What was collected.
pub(super) struct Collected<'a> {
    plan: &'a Plan,
    means: &'a Means,
    slices: Slices,
    timeline: Timeline,
    client: Client,
    start: Option<Instant>,
    last_lines: VecDeque<String>,
}

impl<'a> Collected<'a> {
    pub(super) fn new(plan: &'a Plan, means: &'a Means, jobs: &Jobs) -> Self {
        Self {
            plan,
            means,
            slices: Slices::default(),
            timeline: Timeline::default(),
            client: Client {
                locust_workers: Some(jobs.workers),
                lost_workers: Some(0),
                ..Client::default()
            },
            start: None,
            last_lines: VecDeque::new(),
        }
    }

    /// Follows the load to its end: why it ended, and when it began.
    pub(super) async fn follow(
        &mut self,
        load: &Distributed,
        mut come_up: ComeUp<'_>,
        address: &Arc<Address>,
        watch: &mut Option<Watch>,
        mut interrupted: Pin<&mut impl Future<Output = std::io::Result<()>>>,
        live: &mut Live,
    ) -> Result<(Ended, Instant), Error> {
        let (cluster, namespace) = (&load.cluster, load.jobs.namespace.as_str());
        let mut lines = load_jobs::log(cluster, namespace, &come_up.pod).await?;
        let mut read = 0;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                signal = &mut interrupted => {
                    signal?;
                    let Some(start) = self.start else {
                        return Err(Error::Usage("interrupted before the first request".to_owned()));
                    };
                    return Ok((run::end("interrupted", "Ctrl-C", start), start));
                }
                next = lines.next() => if let Some(Ok(told)) = next {
                    read += 1;
                    if self.take(&told, live) {
                        live.show(self.plan, &self.timeline, watch.as_ref().map(Watch::record));
                    }
                    if self.start.is_some() {
                        come_up.done();
                    }
                } else {
                    // The log also ends with a connection, and goes on with another.
                    let job = load.jobs.master_name();
                    let master = load_jobs::master(cluster, namespace, &job).await?;
                    if master.as_ref().is_none_or(|master| master.ended) {
                        return self.over(master.is_some());
                    }
                    tokio::time::sleep(TICK).await;
                    lines = load_jobs::log(cluster, namespace, &come_up.pod).await?.skip(read).boxed();
                },
                () = watch::changed(watch) => {}
                _ = tick.tick() => match self.start {
                    None => come_up.workers().await?,
                    Some(start) => {
                        if let Some(watch) = watch.as_mut() {
                            watch.look(run::since(start), address);
                        }
                        if start.elapsed() > self.plan.length() + LAST_REPORTS {
                            return Ok((run::end_of_plan(self.plan), start));
                        }
                    }
                },
            }
            if let Some(start) = self.start
                && let Some(ended) = run::reached(self.means, &self.timeline, watch.as_ref(), start)
            {
                return Ok((ended, start));
            }
        }
    }

    /// The master's log is over: the load is, or it never was one.
    fn over(&self, is_there: bool) -> Result<(Ended, Instant), Error> {
        let talk: Vec<&str> = self.last_lines.iter().map(String::as_str).collect();
        let talk = talk.join(" / ");
        match self.start {
            Some(start) if start.elapsed() + REPORT_EVERY >= self.plan.length() => {
                Ok((run::end_of_plan(self.plan), start))
            }
            Some(start) => {
                let why = match (is_there, talk.as_str()) {
                    (false, _) => "somebody removed Locust's master".to_owned(),
                    (true, "") => "Locust's master ended early".to_owned(),
                    // Its pod goes, and its log with it.
                    (true, talk) => {
                        format!("Locust's master ended early; the last lines of its log: {talk}")
                    }
                };
                Ok((run::end("failed", &why, start), start))
            }
            None => Err(Error::Incomplete(format!(
                "Locust ended before the load began; the last lines of its log: {talk}"
            ))),
        }
    }

    /// Whether a slice is complete by it.
    fn take(&mut self, told: &str, live: &Live) -> bool {
        match distributed::read(told) {
            Line::WorkerLost => {
                let lost = self.client.lost_workers.get_or_insert_default();
                *lost = lost.saturating_add(1);
                live.say("a Locust worker was lost: its users may be missing until the next step");
                false
            }
            Line::Talk => {
                self.last_lines.push_back(told.trim_end().to_owned());
                if self.last_lines.len() > LAST_LINES {
                    self.last_lines.pop_front();
                }
                false
            }
            Line::Started => {
                self.start.get_or_insert_with(Instant::now);
                false
            }
            Line::Report(report) => self.count(&report),
        }
    }

    fn count(&mut self, report: &Report) -> bool {
        if let Some(cpu) = report.cpu_percent {
            let busiest = self.client.busiest_percent.map_or(cpu, |most| most.max(cpu));
            self.client.busiest_percent = Some(busiest);
        }
        let whole = self.slices.take(report);
        for (index, tally) in &whole {
            self.push(*index, tally, REPORT_EVERY);
        }
        !whole.is_empty()
    }

    fn push(&mut self, index: u32, tally: &Tally, length: Duration) {
        self.timeline.push(self.plan, REPORT_EVERY * index, length, tally);
    }

    /// All of it, with what no other slice has completed.
    pub(super) fn finish(mut self, ended: &Ended) -> (Timeline, Client) {
        let end = Duration::try_from_secs_f64(ended.second).unwrap_or_default();
        for (index, tally) in std::mem::take(&mut self.slices).finish() {
            let rest = end.saturating_sub(REPORT_EVERY * index).min(REPORT_EVERY);
            let length = if rest.is_zero() { REPORT_EVERY } else { rest };
            self.push(index, &tally, length);
        }
        (self.timeline, self.client)
    }
}
