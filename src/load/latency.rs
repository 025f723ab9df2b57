//! Latencies in an HDR histogram of microseconds, and what is said of them.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Two latencies that differ by less than this share are the same to it: 3 digits.
const DIGITS: u8 = 3;
/// An hour: what takes longer counts as an hour.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// Latencies of many requests. The histogram, some 180 kB, is there from the first of them on.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        self.record_all(latency, 1);
    }

    /// Counts several of the same length.
    pub fn record_all(&mut self, latency: Duration, count: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROS);
        if self.0.is_none() {
            // The bounds are constants that it takes.
            self.0 = Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS).ok();
        }
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record_n(micros.clamp(1, LONGEST_MICROS), count);
        }
    }

    /// Counts those of another.
    pub fn add(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (_, None) => {}
            (None, Some(_)) => self.0.clone_from(&other.0),
            (Some(mine), Some(other)) => {
                // Both have the same bounds, so one takes the other.
                let _ = mine.add(other);
            }
        }
    }

    /// What is said of them; none where there are none.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let histogram = self.0.as_ref()?;
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        Some(Quantiles {
            min: milliseconds(histogram.min()),
            mean: round(histogram.mean() / 1000.0),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: milliseconds(histogram.max()),
        })
    }
}

/// In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantiles {
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// Half of them are no longer.
    pub p50: f64,
    /// 90% are no longer.
    pub p90: f64,
    /// 95% are no longer.
    pub p95: f64,
    /// 99% are no longer.
    pub p99: f64,
    /// 99.9% are no longer.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an hour of microseconds is exact in a float"
)]
fn milliseconds(micros: u64) -> f64 {
    round(micros as f64 / 1000.0)
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::Latencies;
    use std::time::Duration;

    #[test]
    fn quantiles_are_those_of_all_added() {
        let (mut left, mut right) = (Latencies::default(), Latencies::default());
        for millisecond in 1..=50 {
            left.record(Duration::from_millis(millisecond));
            right.record(Duration::from_millis(50 + millisecond));
        }
        left.add(&right);
        let quantiles = left.quantiles().unwrap();
        assert!((quantiles.p50 - 50.0).abs() < 0.1, "{quantiles:?}");
        assert!((quantiles.p99 - 99.0).abs() < 0.1, "{quantiles:?}");
        assert!((quantiles.max - 100.0).abs() < 0.1, "{quantiles:?}");
        assert!((quantiles.mean - 50.5).abs() < 0.1, "{quantiles:?}");
    }

    #[test]
    fn nothing_has_no_quantiles_and_a_day_counts_as_an_hour() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantiles(), None);
        latencies.record(Duration::from_secs(86_400));
        assert!(latencies.quantiles().unwrap().max >= 3_600_000.0);
    }
}
