//! A container's readiness probe, asked for real.

use std::net::SocketAddr;
use std::time::Duration;

use crate::kubeconfig;
use k8s_openapi::api::core::v1::Container;
use tokio::time::{Instant, Interval, interval_at};

/// What to ask, and how often.
#[derive(Debug)]
pub(super) struct Probe {
    base: String,
    path: String,
    delay: Duration,
    period: Duration,
    timeout: Duration,
    failures: i32,
    successes: i32,
}

/// A probe at work.
#[derive(Debug)]
pub(super) struct Verdict {
    probe: Probe,
    tick: Interval,
    ready: bool,
    /// How often in a row the answer was not the verdict.
    against: i32,
}

impl Verdict {
    /// Asks until the verdict changes; the first one is "not ready".
    pub(super) async fn changed(&mut self) -> bool {
        loop {
            self.tick.tick().await;
            let asked = tokio::time::timeout(self.probe.timeout, self.probe.ask()).await;
            let succeeded = asked.unwrap_or(false);
            self.against = if succeeded == self.ready {
                0
            } else {
                self.against + 1
            };
            let needed = if self.ready {
                self.probe.failures
            } else {
                self.probe.successes
            };
            if self.against >= needed {
                self.ready = succeeded;
                self.against = 0;
                return succeeded;
            }
        }
    }
}

impl Probe {
    /// The HTTP readiness probe of a container whose process listens on `address`; `limit` shortens its waits.
    pub(super) fn of(container: &Container, address: SocketAddr, limit: Option<Duration>) -> Option<Self> {
        let probe = container.readiness_probe.as_ref()?;
        let request = probe.http_get.as_ref()?;
        let scheme = request.scheme.as_deref().unwrap_or("HTTP").to_lowercase();
        let path = request.path.as_deref().unwrap_or("/");
        let seconds = |value: Option<i32>, default| {
            Duration::from_secs(value.and_then(|v| u64::try_from(v).ok()).unwrap_or(default))
        };
        let limited = |duration: Duration| limit.map_or(duration, |limit| duration.min(limit));
        Some(Self {
            base: format!("{scheme}://{address}"),
            path: path.to_owned(),
            delay: limited(seconds(probe.initial_delay_seconds, 0)),
            period: limited(seconds(probe.period_seconds, 10)).max(Duration::from_millis(100)),
            timeout: seconds(probe.timeout_seconds, 1),
            failures: probe.failure_threshold.unwrap_or(3),
            successes: probe.success_threshold.unwrap_or(1),
        })
    }

    /// Begins to ask.
    pub(super) fn start(self) -> Verdict {
        let tick = interval_at(Instant::now() + self.delay, self.period);
        Verdict {
            probe: self,
            tick,
            ready: false,
            against: 0,
        }
    }

    /// Whether the answer is a success. A kubelet does not verify the certificate either.
    async fn ask(&self) -> bool {
        let client = kubeconfig::unverified_client(&self.base);
        let request = http::Request::get(&self.path).body(Vec::new());
        let (Ok(client), Ok(request)) = (client, request) else {
            return false;
        };
        client.request_text(request).await.is_ok()
    }
}
