//! A thread that sends. What it counts it keeps to itself, and hands over once a slice of time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use super::address::Address;
use super::cpu;
use super::wire::Wire;
use crate::load::{Failure, Plan, Tally};

/// Before it tries again, a user whom nobody answered waits so long.
const AFTER_NO_CONNECTION: Duration = Duration::from_millis(100);

/// What a worker tells.
pub(super) enum Message {
    /// A slice of time is over.
    Slice {
        /// Which, from zero.
        index: u32,
        /// What was counted in it.
        tally: Tally,
        /// The thread's CPU time in it, as a share of its length.
        busy: Option<f64>,
    },
    /// The worker has ended.
    Done(Leaving),
}

/// What a worker leaves behind.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// The slice that it left in.
    pub(super) slice: u32,
    /// What was counted in it.
    pub(super) tally: Tally,
    /// The thread's CPU time.
    pub(super) cpu: Option<Duration>,
    /// Connections that it opened.
    pub(super) connections: u64,
    /// Requests that were under way.
    pub(super) unfinished: u64,
    /// Requests that were due and not sent.
    pub(super) never_sent: u64,
}

/// What a worker has to do.
pub(super) enum Work {
    /// To be these users, counted from zero.
    Users(Vec<u32>),
    /// To send a request when one is due, on so many connections at most.
    Requests {
        due: mpsc::UnboundedReceiver<Instant>,
        connections: u32,
    },
}

/// What every worker knows.
#[derive(Clone)]
pub(super) struct Orders {
    pub(super) plan: Arc<Plan>,
    pub(super) address: Arc<Address>,
    pub(super) start: Instant,
    pub(super) slice: Duration,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) messages: mpsc::UnboundedSender<Message>,
}

/// Works until there is nothing left to do, or until it is stopped.
pub(super) async fn run(orders: Orders, work: Work) {
    let messages = orders.messages.clone();
    let mut stop = orders.stop.clone();
    let desk = Rc::new(Desk::new(orders));
    let everything = LocalSet::new();
    everything
        .run_until(async {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => {}
                () = do_work(&desk, work) => {}
                () = hand_over(&desk) => {}
            }
        })
        .await;
    // Whoever listened has gone when this fails.
    let _ = messages.send(Message::Done(desk.leave()));
}

async fn do_work(desk: &Rc<Desk>, work: Work) {
    match work {
        Work::Users(users) => {
            let mut all = JoinSet::new();
            for user in users {
                all.spawn_local(be_user(Rc::clone(desk), user));
            }
            while all.join_next().await.is_some() {}
        }
        Work::Requests { due, connections } => send_when_due(desk, due, connections).await,
    }
}

/// Tells at the end of each slice what was counted.
async fn hand_over(desk: &Rc<Desk>) {
    let mut before = cpu::of_this_thread();
    for index in 0.. {
        tokio::time::sleep_until(desk.orders.start + desk.orders.slice * (index + 1)).await;
        let now = cpu::of_this_thread();
        let busy = now
            .zip(before)
            .map(|(now, before)| now.saturating_sub(before).as_secs_f64() / desk.orders.slice.as_secs_f64());
        before = now;
        let tally = desk.tally.take();
        desk.slice.set(index + 1);
        if desk
            .orders
            .messages
            .send(Message::Slice { index, tally, busy })
            .is_err()
        {
            return;
        }
    }
}

/// A user asks, waits for the answer, thinks, and asks again.
async fn be_user(desk: Rc<Desk>, user: u32) {
    let plan = &desk.orders.plan;
    let Some(start) = plan.start_of_user(user) else {
        return;
    };
    let end = desk.orders.start + plan.length();
    tokio::time::sleep_until(desk.orders.start + start).await;
    let mut wire = desk.wire();
    loop {
        let began = Instant::now();
        if began >= end {
            return;
        }
        let failure = desk.ask(&mut wire, began).await;
        let pause = match (plan.think, failure) {
            (Some(think), _) => think.at(fastrand::f64()),
            (None, Some(failure)) if failure.is_without_connection() => AFTER_NO_CONNECTION,
            (None, _) => continue,
        };
        tokio::time::sleep_until((Instant::now() + pause).min(end)).await;
    }
}

/// Sends each request when it is due; the connection that was used last is used first.
async fn send_when_due(desk: &Rc<Desk>, mut due: mpsc::UnboundedReceiver<Instant>, connections: u32) {
    let mut all = JoinSet::new();
    let mut opened = 0;
    while let Some(time) = due.recv().await {
        desk.waiting.borrow_mut().push_back(time);
        let idle = desk.idle.borrow_mut().pop();
        let wire = match idle {
            Some(wire) => wire,
            None if opened < connections => {
                opened += 1;
                desk.wire()
            }
            None => continue,
        };
        all.spawn_local(Rc::clone(desk).send_waiting(wire));
        while all.try_join_next().is_some() {}
    }
    while all.join_next().await.is_some() {}
}

/// What the tasks of one thread share.
struct Desk {
    orders: Orders,
    slice: Cell<u32>,
    tally: RefCell<Tally>,
    under_way: Cell<u64>,
    connections: Cell<u64>,
    idle: RefCell<Vec<Wire>>,
    waiting: RefCell<VecDeque<Instant>>,
}

impl Desk {
    fn new(orders: Orders) -> Self {
        Self {
            orders,
            slice: Cell::default(),
            tally: RefCell::default(),
            under_way: Cell::default(),
            connections: Cell::default(),
            idle: RefCell::default(),
            waiting: RefCell::default(),
        }
    }

    fn wire(&self) -> Wire {
        let plan = &self.orders.plan;
        Wire::new(Arc::clone(&self.orders.address), plan.keep_alive, plan.timeout)
    }

    /// Asks once; the latency counts from the given time.
    async fn ask(&self, wire: &mut Wire, since: Instant) -> Option<Failure> {
        self.under_way.set(self.under_way.get() + 1);
        let answer = wire.ask().await;
        self.under_way.set(self.under_way.get() - 1);
        self.connections.set(self.connections.get() + wire.take_opened());
        match answer {
            Ok(bytes) => {
                self.tally.borrow_mut().answered(since.elapsed(), bytes);
                None
            }
            Err(failure) => {
                self.tally.borrow_mut().failed(failure);
                Some(failure)
            }
        }
    }

    async fn send_waiting(self: Rc<Self>, mut wire: Wire) {
        loop {
            let next = self.waiting.borrow_mut().pop_front();
            let Some(due) = next else {
                self.idle.borrow_mut().push(wire);
                return;
            };
            self.ask(&mut wire, due).await;
        }
    }

    fn leave(&self) -> Leaving {
        Leaving {
            slice: self.slice.get(),
            tally: self.tally.take(),
            cpu: cpu::of_this_thread(),
            connections: self.connections.get(),
            unfinished: self.under_way.get(),
            never_sent: u64::try_from(self.waiting.borrow().len()).unwrap_or(u64::MAX),
        }
    }
}
