//! One connection that asks one request after the other. The connection is driven by the task that waits for
//! the answer: no second task, no way between two of them.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep};

use super::address::Address;
use super::failures;
use super::stream::Stream;
use crate::load::Failure;

/// A connection; it opens and opens again by itself.
pub(super) struct Wire {
    address: Arc<Address>,
    keep_alive: bool,
    deadline: Option<Deadline>,
    open: Option<Open>,
    /// The address's, when it was opened.
    generation: u64,
    opened: u64,
}

type HttpConnection = Connection<TokioIo<Stream>, Full<Bytes>>;

/// One that is open.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// None when it has ended.
    connection: Option<Pin<Box<HttpConnection>>>,
}

impl Wire {
    /// Opens nothing yet.
    pub(super) fn new(address: Arc<Address>, keep_alive: bool, timeout: Option<Duration>) -> Self {
        Self {
            generation: address.generation(),
            address,
            keep_alive,
            deadline: timeout.map(Deadline::new),
            open: None,
            opened: 0,
        }
    }

    /// How many connections were opened since the last call.
    pub(super) fn take_opened(&mut self) -> u64 {
        std::mem::take(&mut self.opened)
    }

    /// Asks, and counts the bytes of the answer.
    pub(super) async fn ask(&mut self) -> Result<u64, Failure> {
        let mut deadline = self.deadline.take();
        let answer = match &mut deadline {
            None => self.exchange().await,
            Some(deadline) => deadline.limit(self.exchange()).await,
        };
        self.deadline = deadline;
        match answer {
            Ok((status, bytes)) => {
                if !self.keep_alive {
                    self.open = None;
                }
                if (200..300).contains(&status) {
                    Ok(bytes)
                } else {
                    Err(Failure::Status(status))
                }
            }
            Err(failure) => {
                self.open = None;
                Err(failure)
            }
        }
    }

    async fn exchange(&mut self) -> Result<(u16, u64), Failure> {
        let generation = self.address.generation();
        if let Some(open) = &mut self.open
            && (generation != self.generation || !open.is_usable().await)
        {
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            closed @ None => {
                self.opened += 1;
                self.generation = generation;
                closed.insert(connect(&self.address).await?)
            }
        };
        open.ask(&self.address).await
    }
}

async fn connect(address: &Address) -> Result<Open, Failure> {
    let stream = address.connect().await?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failures::before_answer(&error))?;
    Ok(Open {
        sender,
        connection: Some(Box::pin(connection)),
    })
}

impl Open {
    /// Whether the server has left it open: what is closed between two requests is no failure.
    async fn is_usable(&mut self) -> bool {
        poll_fn(|context| {
            self.advance(context);
            Poll::Ready(())
        })
        .await;
        self.connection.is_some() && self.sender.is_ready()
    }

    async fn ask(&mut self, address: &Address) -> Result<(u16, u64), Failure> {
        let answer = self.sender.send_request(address.request());
        let answer = self
            .drive(answer)
            .await
            .map_err(|error| failures::before_answer(&error))?;
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let mut bytes = 0;
        while !body.is_end_stream() {
            match self.drive(body.frame()).await {
                None => break,
                Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(error)) => return Err(failures::within_body(&error)),
            }
        }
        Ok((status, bytes))
    }

    /// Waits for a part of the answer while it moves the connection on.
    async fn drive<F: Future>(&mut self, part: F) -> F::Output {
        let mut part = pin!(part);
        poll_fn(|context| {
            if let Poll::Ready(output) = part.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            self.advance(context);
            part.as_mut().poll(context)
        })
        .await
    }

    fn advance(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(context).is_ready()
        {
            // What went wrong with it is told to the one who waits for the answer.
            self.connection = None;
        }
    }
}

/// How long a request may take. Its timer is set again only when it rings too early, not for every request.
struct Deadline {
    timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            timer: Box::pin(tokio::time::sleep(timeout)),
        }
    }

    async fn limit<T>(&mut self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let end = Instant::now() + self.timeout;
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            while self.timer.as_mut().poll(context).is_ready() {
                if Instant::now() >= end {
                    return Poll::Ready(Err(Failure::Timeout));
                }
                self.timer.as_mut().reset(end);
            }
            Poll::Pending
        })
        .await
    }
}
