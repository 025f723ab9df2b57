//! A load from its first request to its last, seen from outside the threads that send.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::address::Address;
use super::cool_down;
use super::engine::Engine;
use super::live::Live;
use super::watch::{self, Watch};
use super::worker::{Leaving, Message};
use crate::Error;
use crate::load::report::{Client, Ended};
use crate::load::{Percent, Plan, Scaling, Tally, Timeline};

/// How long the error rate looks back.
const ERROR_WINDOW: Duration = Duration::from_secs(10);
/// How long answers are waited for after the last request, where a request may take for ever.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// How much of this machine a load may take.
pub(super) struct Means {
    /// Threads that send.
    pub(super) threads: usize,
    /// Most connections, where requests are sent when they are due.
    pub(super) connections: u32,
    /// The share of failures at which it ends.
    pub(super) stop_on: Option<Percent>,
    /// Whether it ends when as many replicas are ready as may be.
    pub(super) until_max: bool,
    /// How long the HPA is watched after it at most.
    pub(super) cool_down: Option<Duration>,
}

/// What a load left behind.
pub(super) struct Outcome {
    /// What happened when.
    pub(super) timeline: Timeline,
    /// Why it ended.
    pub(super) ended: Ended,
    /// What it cost.
    pub(super) client: Client,
    /// What the HPA did; none where none was watched.
    pub(super) scaling: Option<Scaling>,
}

/// Runs a load to its end.
///
/// # Errors
/// The system gives no threads, or Ctrl-C cannot be heard.
pub(super) async fn run(
    plan: &Arc<Plan>,
    address: &Arc<Address>,
    means: &Means,
    mut watch: Option<Watch>,
    live: &mut Live,
) -> Result<Outcome, Error> {
    let slice = plan.slice();
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    hear(interrupted.as_mut()).await?;
    let mut engine = Engine::start(plan, address, slice, means.threads, means.connections)?;
    let last_answers = plan.timeout.unwrap_or(LAST_ANSWERS) + slice;
    let mut given_up = std::pin::pin!(tokio::time::sleep_until(
        engine.start + plan.length() + last_answers
    ));
    let mut ledger = Ledger::new(plan, slice, engine.threads);
    let mut ended: Option<Ended> = None;
    while ledger.working > 0 {
        tokio::select! {
            biased;
            signal = &mut interrupted, if ended.is_none() => {
                signal?;
                ended = Some(end("interrupted", "Ctrl-C", engine.start));
                engine.stop();
            }
            () = &mut given_up, if ended.is_none() => {
                ended = Some(end_of_plan(plan));
                engine.stop();
            }
            () = watch::changed(&mut watch), if ended.is_none() => {}
            message = engine.messages.recv() => match message {
                None => break,
                Some(message) => {
                    if ledger.take(message) {
                        if let Some(watch) = &mut watch {
                            watch.look(since(engine.start), address);
                        }
                        live.show(plan, &ledger.timeline, watch.as_ref().map(Watch::record));
                    }
                    if ended.is_none() {
                        ended = reached(means, &ledger.timeline, watch.as_ref(), engine.start);
                        if ended.is_some() {
                            engine.stop();
                        }
                    }
                }
            },
        }
    }
    let ended = ended.unwrap_or_else(|| end_of_plan(plan));
    ledger.close(&ended);
    let scaling = match watch {
        Some(watch) => {
            Some(cool_down::run(watch, &ended, engine.start, address, means.cool_down, live).await?)
        }
        None => None,
    };
    live.finish();
    Ok(Outcome {
        scaling,
        timeline: ledger.timeline,
        ended,
        client: ledger.client,
    })
}

/// From now on Ctrl-C is heard.
pub(super) async fn hear(
    mut interrupted: Pin<&mut impl Future<Output = std::io::Result<()>>>,
) -> Result<(), Error> {
    let early = poll_fn(|context| {
        Poll::Ready(match interrupted.as_mut().poll(context) {
            Poll::Ready(signal) => Some(signal),
            Poll::Pending => None,
        })
    });
    match early.await {
        None => Ok(()),
        Some(signal) => {
            signal?;
            Err(Error::Usage("interrupted before the first request".to_owned()))
        }
    }
}

pub(super) fn end(reason: &'static str, why: &str, start: Instant) -> Ended {
    Ended {
        reason,
        why: why.to_owned(),
        second: since(start),
    }
}

/// Seconds, to the millisecond.
pub(super) fn since(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

/// Whether what was to end it has come.
pub(super) fn reached(
    means: &Means,
    timeline: &Timeline,
    watch: Option<&Watch>,
    start: Instant,
) -> Option<Ended> {
    if let Some(why) = too_many_errors(timeline, means.stop_on) {
        return Some(end("errorRate", &why, start));
    }
    let most = watch?.record().is_full().filter(|_| means.until_max)?;
    Some(end(
        "maxReplicas",
        &format!("{most} of at most {most} replicas were ready"),
        start,
    ))
}

pub(super) fn end_of_plan(plan: &Plan) -> Ended {
    Ended {
        reason: "completed",
        why: "the last step was over".to_owned(),
        second: plan.length().as_secs_f64(),
    }
}

fn too_many_errors(timeline: &Timeline, limit: Option<Percent>) -> Option<String> {
    let limit = limit?.0;
    let rate = timeline.recent_error_rate(ERROR_WINDOW)?;
    (rate > limit).then(|| {
        format!(
            "{:.1}% of the requests of the last {} s failed, more than {}%",
            rate * 100.0,
            ERROR_WINDOW.as_secs(),
            limit * 100.0
        )
    })
}

/// Adds up what the workers tell.
struct Ledger {
    plan: Arc<Plan>,
    slice: Duration,
    timeline: Timeline,
    client: Client,
    working: usize,
    /// Slices that not all workers have told of, and how many did.
    partial: BTreeMap<u32, (Tally, usize)>,
}

impl Ledger {
    fn new(plan: &Arc<Plan>, slice: Duration, threads: usize) -> Self {
        Self {
            plan: Arc::clone(plan),
            slice,
            timeline: Timeline::default(),
            client: Client {
                threads,
                ..Client::default()
            },
            working: threads,
            partial: BTreeMap::new(),
        }
    }

    /// Whether a slice is complete by it.
    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Slice { index, tally, busy } => {
                if let Some(busy) = busy {
                    let percent = (busy * 1000.0).round() / 10.0;
                    let busiest = self
                        .client
                        .busiest_percent
                        .map_or(percent, |most| most.max(percent));
                    self.client.busiest_percent = Some(busiest);
                }
                let entry = self.partial.entry(index).or_default();
                entry.0.add(&tally);
                entry.1 += 1;
            }
            Message::Done(leaving) => self.leave(&leaving),
        }
        let mut complete = false;
        while let Some(entry) = self.partial.first_entry() {
            if self.working == 0 || entry.get().1 < self.working {
                break;
            }
            let (index, (tally, _)) = entry.remove_entry();
            self.timeline
                .push(&self.plan, self.slice * index, self.slice, &tally);
            complete = true;
        }
        complete
    }

    fn leave(&mut self, leaving: &Leaving) {
        self.working -= 1;
        let client = &mut self.client;
        client.connections += leaving.connections;
        client.unfinished += leaving.unfinished;
        client.never_sent += leaving.never_sent;
        if let Some(cpu) = leaving.cpu {
            client.cpu_seconds = Some(client.cpu_seconds.unwrap_or_default() + cpu.as_secs_f64());
        }
        self.partial
            .entry(leaving.slice)
            .or_default()
            .0
            .add(&leaving.tally);
    }

    /// Takes what is left, whoever has not told of it.
    fn close(&mut self, ended: &Ended) {
        let end = Duration::try_from_secs_f64(ended.second).unwrap_or_default();
        for (index, (tally, _)) in std::mem::take(&mut self.partial) {
            let start = self.slice * index;
            let rest = end.saturating_sub(start).min(self.slice);
            let length = if rest.is_zero() { self.slice } else { rest };
            if tally.count() > 0 {
                self.timeline.push(&self.plan, start, length, &tally);
            }
        }
    }
}
