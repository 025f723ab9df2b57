//! A duration that varies: `1s`, or `0.8s..1.2s`.

use std::str::FromStr;
use std::time::Duration;

use crate::duration::parse_duration;

/// From the shortest to the longest, both possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationRange {
    /// The shortest.
    pub shortest: Duration,
    /// The longest.
    pub longest: Duration,
}

impl DurationRange {
    /// The duration at a place between 0 and 1.
    pub fn at(&self, place: f64) -> Duration {
        self.shortest
            + self
                .longest
                .saturating_sub(self.shortest)
                .mul_f64(place.clamp(0.0, 1.0))
    }
}

impl FromStr for DurationRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (shortest, longest) = text.split_once("..").unwrap_or((text, text));
        let range = Self {
            shortest: parse_duration(shortest)?,
            longest: parse_duration(longest)?,
        };
        if range.shortest > range.longest {
            return Err(
                "the first duration of a range is the shorter one, for example 0.8s..1.2s".to_owned(),
            );
        }
        Ok(range)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::DurationRange;
    use std::time::Duration;

    #[test]
    fn one_duration_or_two() {
        let range: DurationRange = "0.8s..1.2s".parse().unwrap();
        assert_eq!(range.at(0.0), Duration::from_millis(800));
        assert_eq!(range.at(0.5), Duration::from_secs(1));
        assert_eq!(range.at(1.0), Duration::from_millis(1200));
        let fixed: DurationRange = "2s".parse().unwrap();
        assert_eq!(fixed.at(0.7), Duration::from_secs(2));
    }

    #[test]
    fn a_range_does_not_fall() {
        for text in ["2s..1s", "..", "1s..", "x"] {
            assert!(text.parse::<DurationRange>().is_err(), "{text}");
        }
    }
}
