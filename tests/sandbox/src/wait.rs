//! Waiting for a state with a deadline and with the last thing seen in the error.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Result};

/// How long anything that happens by itself may take. A busy machine needs several times what a quiet one does, and only
/// a failure waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// How long the removal of something that is dropped may take: the API server may be held still by the test.
pub(crate) const LAST: Duration = Duration::from_secs(30);

/// What one look saw: the thing awaited, or what was there instead.
pub(crate) type Look<T> = std::result::Result<T, String>;

/// Looks every `pause` until `look` sees the state; an `Err` of `look` itself ends the wait at once.
pub(crate) async fn until<T>(
    what: &str,
    limit: Duration,
    pause: Duration,
    mut look: impl AsyncFnMut() -> Result<Look<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let last = match look().await? {
            Ok(value) => return Ok(value),
            Err(last) => last,
        };
        if start.elapsed() >= limit {
            return Err(Error::Timeout {
                what: what.to_owned(),
                waited: limit,
                last,
            });
        }
        sleep(pause).await;
    }
}
