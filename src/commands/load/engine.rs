//! The threads of a load: started together, heard on one channel, stopped at once.
//!
//! A generator of our own, and not a crate's: those that step users (goose) bring reqwest and a second TLS provider,
//! and those that are fast (oha, rlt) are programs or keep to one rate.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::address::Address;
use super::pace;
use super::worker::{self, Message, Orders, Work};
use crate::Error;
use crate::load::{Mode, Plan};

/// A load that runs; it is stopped when it is dropped.
pub(super) struct Engine {
    /// What the workers tell.
    pub(super) messages: mpsc::UnboundedReceiver<Message>,
    /// When it began.
    pub(super) start: Instant,
    /// Threads that send.
    pub(super) threads: usize,
    stop: watch::Sender<bool>,
}

impl Engine {
    /// Starts it.
    ///
    /// # Errors
    /// The system gives no threads.
    pub(super) fn start(
        plan: &Arc<Plan>,
        address: &Arc<Address>,
        slice: Duration,
        threads: usize,
        connections: u32,
    ) -> Result<Self, Error> {
        let (stop, stopped) = watch::channel(false);
        let (sender, messages) = mpsc::unbounded_channel();
        let orders = Orders {
            plan: Arc::clone(plan),
            address: Arc::clone(address),
            start: Instant::now(),
            slice,
            stop: stopped,
            messages: sender,
        };
        let works = match plan.mode {
            Mode::Users => users(plan, threads),
            Mode::Rate => requests(plan, orders.start, threads, connections)?,
        };
        let engine = Self {
            messages,
            start: orders.start,
            threads: works.len(),
            stop,
        };
        for work in works {
            spawn(orders.clone(), work)?;
        }
        Ok(engine)
    }

    /// Ends it at once: what is under way is left.
    pub(super) fn stop(&self) {
        // All workers may have ended by themselves.
        let _ = self.stop.send(true);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(orders: Orders, work: Work) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || runtime.block_on(worker::run(orders, work)))?;
    Ok(())
}

/// The users, dealt out one by one, so that each step is spread over the threads.
fn users(plan: &Plan, threads: usize) -> Vec<Work> {
    let mut hands: Vec<Vec<u32>> = vec![Vec::new(); threads.max(1)];
    let count = hands.len();
    for (place, user) in (0..count).cycle().zip(0..plan.highest()) {
        if let Some(hand) = hands.get_mut(place) {
            hand.push(user);
        }
    }
    hands.retain(|hand| !hand.is_empty());
    hands.into_iter().map(Work::Users).collect()
}

fn requests(plan: &Arc<Plan>, start: Instant, threads: usize, connections: u32) -> Result<Vec<Work>, Error> {
    let threads = u32::try_from(threads).unwrap_or(1).clamp(1, connections.max(1));
    let mut senders = Vec::new();
    let mut works = Vec::new();
    for _ in 0..threads {
        let (sender, due) = mpsc::unbounded_channel();
        senders.push(sender);
        works.push(Work::Requests {
            due,
            connections: (connections / threads).max(1),
        });
    }
    let plan = Arc::clone(plan);
    thread::Builder::new()
        .name("pace".to_owned())
        .spawn(move || pace::run(&plan, start, &senders))?;
    Ok(works)
}
