//! Durations in kubectl's spelling.

use std::time::Duration;

/// Nanoseconds of Go's units, longest spelling first where one begins another.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// Reads a duration as kubectl does: Go's `1h15m`, `1.5s`, `300ms`, or a bare number of seconds
/// (`ParseTimeout` in `clientcmd/helpers.go`, v1.37).
///
/// # Errors
/// The text is no duration, or it is negative.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    sum_of_parts(text)
        .and_then(|nanoseconds| Duration::try_from_secs_f64(nanoseconds / 1e9).ok())
        .ok_or_else(|| "a duration is a number with a unit, for example 500ms, 5s, 1m30s or 2h".to_owned())
}

fn sum_of_parts(text: &str) -> Option<f64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut sum = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|character: char| character.is_ascii_digit() || character == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::parse_duration;
    use std::time::Duration;

    #[test]
    fn reads_what_kubectl_reads() {
        for (text, milliseconds) in [
            ("0", 0),
            ("5", 5_000),
            ("5s", 5_000),
            ("1m", 60_000),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("300ms", 300),
            ("+2s", 2_000),
            ("0s", 0),
            ("1h0m0.5s", 3_600_500),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_kubectl_refuses() {
        for text in [
            "", "s", "5x", "-1s", "1m 30s", "five", "1.2.3s", ".", "+", "1e400h",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
