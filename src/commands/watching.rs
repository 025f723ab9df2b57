//! What `--watch` has in common: it ends with Ctrl-C, and outlives a cluster that does not answer for a while.

use std::convert::Infallible;
use std::time::Duration;

use chrono::Utc;

use crate::Error;

/// Runs what has no end of its own until Ctrl-C, or until it fails.
pub(super) async fn until_interrupted(
    endless: impl Future<Output = Result<Infallible, Error>>,
) -> Result<(), Error> {
    tokio::select! {
        // From the first output on Ctrl-C is heard.
        biased;
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Error::Output),
        ended = endless => ended.map(|never| match never {}),
    }
}

/// Waits for a cluster that does not answer. It is said once that it went, and once that it came back.
#[derive(Debug)]
pub(super) struct Patience {
    interval: Duration,
    lost: bool,
}

impl Patience {
    /// The cluster answered a moment ago, and is asked so often.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            lost: false,
        }
    }

    /// The next answer; none where the cluster gave none.
    ///
    /// # Errors
    /// What no waiting repairs.
    pub(super) fn hear<T>(&mut self, answer: Result<T, Error>) -> Result<Option<T>, Error> {
        match answer {
            Ok(answer) => {
                if std::mem::take(&mut self.lost) {
                    anstream::eprintln!("{}  the cluster answers again", now());
                }
                Ok(Some(answer))
            }
            Err(Error::Cluster(error)) => {
                if !std::mem::replace(&mut self.lost, true) {
                    anstream::eprintln!(
                        "{}  {}; asking again every {:?}",
                        now(),
                        Error::Cluster(error).printable(),
                        self.interval
                    );
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn now() -> String {
    Utc::now().format("%H:%M:%S UTC").to_string()
}
