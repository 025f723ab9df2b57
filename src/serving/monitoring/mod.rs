//! TensorFlow Serving's own numbers: what `/monitoring/prometheus/metrics` says, and the rates between two readings.
//!
//! Names and units are those of `servables/tensorflow/util.cc` and `util/prometheus_exporter.cc`, 2.16 to 2.20: every
//! character that Prometheus does not allow becomes a colon, latencies are microseconds, a failed request has no
//! latency, and a request that is no inference (a probe's, say) has an empty `API`.

mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use text::Sample;

/// The path on the REST port, as `up` configures it.
pub const PATH: &str = "/monitoring/prometheus/metrics";

const REQUESTS: &str = ":tensorflow:serving:request_count";
const LATENCY_BUCKET: &str = ":tensorflow:serving:request_latency_bucket";
const LATENCY_COUNT: &str = ":tensorflow:serving:request_latency_count";
const QUEUE_SUM: &str = ":tensorflow:serving:batching_session:queuing_latency_sum";
const QUEUE_COUNT: &str = ":tensorflow:serving:batching_session:queuing_latency_count";

/// What one reading says, summed over models, versions and ways in. All of it only grows while the server lives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counters {
    /// Inference requests that were answered.
    answered: f64,
    /// Requests that failed, of any kind.
    failed: f64,
    /// By upper bound in microseconds, cumulative, as Prometheus counts.
    buckets: Vec<(f64, f64)>,
    /// Microseconds that batches waited, and their number.
    queued: Option<(f64, f64)>,
}

/// What happened between two readings.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// Inference requests that were answered, a second.
    pub requests_per_second: f64,
    /// Requests that failed, a second.
    pub errors_per_second: f64,
    /// The median latency inside the server.
    pub p50: Option<Duration>,
    /// 95 of 100 were faster.
    pub p95: Option<Duration>,
    /// 99 of 100 were faster.
    pub p99: Option<Duration>,
    /// How long a request waited for its batch, on average.
    pub batch_wait: Option<Duration>,
}

/// Reads the text; none where it has no metric of TensorFlow Serving.
pub fn parse(body: &str) -> Option<Counters> {
    let mut counters = Counters::default();
    let mut buckets: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    let mut found = false;
    for sample in body.lines().filter_map(text::sample) {
        found |= sample.name.starts_with(":tensorflow:");
        match sample.name {
            REQUESTS if sample.label("status") != Some("OK") => counters.failed += sample.value,
            LATENCY_COUNT if is_inference(&sample) => counters.answered += sample.value,
            LATENCY_BUCKET if is_inference(&sample) => {
                let Some(bound) = sample.label("le").and_then(text::number) else {
                    continue;
                };
                // Bounds are not negative: their bits have their order.
                buckets.entry(bound.to_bits()).or_insert((bound, 0.0)).1 += sample.value;
            }
            QUEUE_SUM => counters.queued.get_or_insert_default().0 += sample.value,
            QUEUE_COUNT => counters.queued.get_or_insert_default().1 += sample.value,
            _ => {}
        }
    }
    counters.buckets = buckets.into_values().collect();
    found.then_some(counters)
}

fn is_inference(sample: &Sample<'_>) -> bool {
    sample.label("API").is_some_and(|api| !api.is_empty())
}

/// The rates between two readings; none where the server was restarted between them.
pub fn rates(before: &Counters, after: &Counters, elapsed: Duration) -> Option<Rates> {
    let seconds = elapsed.as_secs_f64();
    let answered = after.answered - before.answered;
    let failed = after.failed - before.failed;
    if seconds <= 0.0 || answered < 0.0 || failed < 0.0 {
        return None;
    }
    let buckets = delta(&before.buckets, &after.buckets)?;
    let wait = match (before.queued.unwrap_or_default(), after.queued) {
        (before, Some(after)) if after.1 > before.1 => {
            Some(micros((after.0 - before.0) / (after.1 - before.1)))
        }
        _ => None,
    };
    Some(Rates {
        requests_per_second: answered / seconds,
        errors_per_second: failed / seconds,
        p50: quantile(&buckets, 0.5),
        p95: quantile(&buckets, 0.95),
        p99: quantile(&buckets, 0.99),
        batch_wait: wait,
    })
}

/// What came into each bucket; none where one has become smaller.
fn delta(before: &[(f64, f64)], after: &[(f64, f64)]) -> Option<Vec<(f64, f64)>> {
    let earlier = |bound: f64| {
        before
            .iter()
            .find(|(known, _)| known.to_bits() == bound.to_bits())
            .map_or(0.0, |(_, count)| *count)
    };
    let grown = after.iter().map(|(bound, count)| {
        let more = count - earlier(*bound);
        (more >= 0.0).then_some((*bound, more))
    });
    grown.collect()
}

/// As Prometheus' `histogram_quantile`: linear within the bucket; in the last one its lower bound.
fn quantile(buckets: &[(f64, f64)], share: f64) -> Option<Duration> {
    let (_, total) = *buckets.last()?;
    if total <= 0.0 {
        return None;
    }
    let rank = share * total;
    let (mut lower, mut below) = (0.0, 0.0);
    for &(upper, count) in buckets {
        if count >= rank {
            if upper.is_infinite() || count <= below {
                return Some(micros(lower));
            }
            return Some(micros(lower + (upper - lower) * (rank - below) / (count - below)));
        }
        (lower, below) = (upper, count);
    }
    Some(micros(lower))
}

fn micros(value: f64) -> Duration {
    Duration::try_from_secs_f64(value / 1e6).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn body(predicted: u32, slow: u32, failed: u32) -> String {
        let all = predicted + slow;
        format!(
            "# TYPE :tensorflow:serving:request_count counter\n\
             :tensorflow:serving:request_count{{model_name=\"m\",status=\"OK\"}} {all}\n\
             :tensorflow:serving:request_count{{model_name=\"m\",status=\"INVALID_ARGUMENT\"}} {failed}\n\
             # TYPE :tensorflow:serving:request_latency histogram\n\
             :tensorflow:serving:request_latency_bucket{{model_name=\"m\",API=\"predict\",entrypoint=\"REST\",le=\"1000\"}} {predicted}\n\
             :tensorflow:serving:request_latency_bucket{{model_name=\"m\",API=\"predict\",entrypoint=\"REST\",le=\"2000\"}} {all}\n\
             :tensorflow:serving:request_latency_bucket{{model_name=\"m\",API=\"predict\",entrypoint=\"REST\",le=\"+Inf\"}} {all}\n\
             :tensorflow:serving:request_latency_count{{model_name=\"m\",API=\"predict\",entrypoint=\"REST\"}} {all}\n\
             :tensorflow:serving:request_latency_count{{model_name=\"m\",API=\"\",entrypoint=\"REST\"}} 999\n\
             :tensorflow:core:graph_runs{{}} 7\n"
        )
    }

    fn between(before: &str, after: &str) -> Option<Rates> {
        rates(
            &parse(before).unwrap(),
            &parse(after).unwrap(),
            Duration::from_secs(10),
        )
    }

    #[test]
    fn rates_and_percentiles_are_those_of_the_time_between() {
        let rates = between(&body(1000, 0, 5), &body(1090, 10, 25)).unwrap();
        assert!((rates.requests_per_second - 10.0).abs() < 1e-9);
        assert!((rates.errors_per_second - 2.0).abs() < 1e-9);
        // 90 of 100 below 1 ms: the median is the 50th of them, the 95th is half way through the second bucket.
        assert_eq!(rates.p50.unwrap().as_micros(), 555);
        assert_eq!(rates.p95.unwrap().as_micros(), 1500);
        assert_eq!(rates.p99.unwrap().as_micros(), 1900);
        assert_eq!(rates.batch_wait, None);
    }

    #[test]
    fn probes_are_no_requests() {
        let rates = between(&body(10, 0, 0), &body(10, 0, 0)).unwrap();
        assert!(rates.requests_per_second.abs() < 1e-9);
        assert_eq!(rates.p50, None);
    }

    #[test]
    fn a_restart_between_gives_no_rate() {
        assert_eq!(between(&body(1000, 0, 0), &body(3, 0, 0)), None);
    }

    #[test]
    fn batches_wait() {
        let queue = |sum: u32, count: u32| {
            format!(
                ":tensorflow:serving:batching_session:queuing_latency_sum{{}} {sum}\n\
                 :tensorflow:serving:batching_session:queuing_latency_count{{}} {count}\n"
            )
        };
        let rates = between(&queue(1000, 1), &queue(9000, 5)).unwrap();
        assert_eq!(rates.batch_wait, Some(Duration::from_millis(2)));
    }

    #[test]
    fn another_server_has_none_of_them() {
        assert_eq!(parse("http_requests_total{code=\"200\"} 5\n"), None);
        assert_eq!(parse("<html>not found</html>"), None);
    }

    #[test]
    fn the_slowest_bucket_tells_its_lower_bound() {
        let buckets = [(10.0, 0.0), (f64::INFINITY, 4.0)];
        assert_eq!(quantile(&buckets, 0.99), Some(Duration::from_micros(10)));
        assert_eq!(quantile(&[(10.0, 0.0)], 0.5), None);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
