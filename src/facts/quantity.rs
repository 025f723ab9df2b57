//! `resource.Quantity`: the text as the API server wrote it, and its value as the controller reads it.
//!
//! Source: `k8s.io/apimachinery/pkg/api/resource/{quantity,suffix,scale_int}.go`, v1.37.

mod milli_value;

use serde::{Deserialize, Serialize};

/// A Kubernetes quantity such as `500m`, `1Gi` or `2e3`, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(pub String);

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a Kubernetes quantity")]
pub struct ParseQuantityError(pub String);

/// In which family of suffixes a quantity is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantityFormat {
    /// `m`, none, `k`, `M`, …: powers of 1000.
    DecimalSi,
    /// `Ki`, `Mi`, …: powers of 1024.
    BinarySi,
}

impl Quantity {
    /// Thousandths, rounded away from zero as `Quantity.MilliValue()` does. Where that method overflows
    /// the nearest `i64` is returned; what the controller reads then is [`Quantity::controller_milli_value`].
    ///
    /// # Errors
    /// The text is no quantity.
    pub fn milli_value(&self) -> Result<i64, ParseQuantityError> {
        Ok(self.parse()?.scaled(-3))
    }

    /// Whole units, rounded away from zero as `Quantity.Value()` does, within the bounds of an `i64`.
    ///
    /// # Errors
    /// The text is no quantity.
    pub fn value(&self) -> Result<i64, ParseQuantityError> {
        Ok(self.parse()?.scaled(0))
    }

    /// The value as `Quantity.AsApproximateFloat64()` gives it: the digits as a float, times a power of ten.
    ///
    /// # Errors
    /// The text is no quantity.
    pub fn approximate_f64(&self) -> Result<f64, ParseQuantityError> {
        let decimal = self.parse()?;
        let digits = format!("{}e0", decimal.mantissa)
            .parse::<f64>()
            .unwrap_or(f64::MAX);
        let power = format!("1e{}", decimal.exponent)
            .parse::<f64>()
            .unwrap_or(f64::MAX);
        let magnitude = if decimal.exponent == 0 {
            digits
        } else {
            digits * power
        };
        Ok(if decimal.negative { -magnitude } else { magnitude })
    }

    /// The canonical text of a number of thousandths, as `resource.NewMilliQuantity(value, format)` prints
    /// it: `2130` is `2130m`, `1000` is `1`, and `268435456000` in [`QuantityFormat::BinarySi`] is `256Mi`.
    pub fn from_milli(value: i64, format: QuantityFormat) -> Self {
        let whole = value / 1000;
        let exact = value % 1000 == 0;
        if format == QuantityFormat::BinarySi && exact && whole.unsigned_abs() >= 1024 {
            return Self(with_suffix(
                whole,
                1024,
                &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"],
            ));
        }
        Self(with_suffix(value, 1000, &["m", "", "k", "M", "G", "T", "P"]))
    }

    fn parse(&self) -> Result<Decimal, ParseQuantityError> {
        parse(&self.0).ok_or_else(|| ParseQuantityError(self.0.clone()))
    }
}

/// Divides by the base while that leaves no remainder, and names the power.
fn with_suffix(value: i64, base: i64, suffixes: &[&str]) -> String {
    if value == 0 {
        return "0".to_owned();
    }
    let mut rest = value;
    let mut index = 0;
    while rest % base == 0 && index + 1 < suffixes.len() {
        rest /= base;
        index += 1;
    }
    format!("{rest}{}", suffixes.get(index).copied().unwrap_or_default())
}

/// `mantissa × 10^exponent`, and whether digits below were cut off that are not all zero.
struct Decimal {
    negative: bool,
    mantissa: u128,
    exponent: i64,
    cut: bool,
}

/// More digits than an `i64` has are never significant: the value is then out of bounds, or only its
/// rounding depends on them.
const SIGNIFICANT_DIGITS: usize = 19;

impl Decimal {
    /// The number in units of `10^power`, rounded away from zero.
    fn scaled(&self, power: i64) -> i64 {
        let shift = self.exponent - power;
        let digits = u32::try_from(shift.unsigned_abs()).unwrap_or(u32::MAX);
        let factor = 10_u128.checked_pow(digits);
        let magnitude = match (shift >= 0, factor) {
            _ if self.mantissa == 0 => u128::from(self.cut),
            (true, Some(factor)) => self.mantissa.saturating_mul(factor),
            (true, None) => u128::MAX,
            (false, Some(factor)) => {
                let inexact = self.cut || !self.mantissa.is_multiple_of(factor);
                self.mantissa / factor + u128::from(inexact)
            }
            (false, None) => 1,
        };
        let bounded = i64::try_from(magnitude).unwrap_or(i64::MAX);
        if self.negative { -bounded } else { bounded }
    }
}

fn parse(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number_end = unsigned
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(number_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let (binary, exponent) = interpret(suffix)?;

    let mut decimal = Decimal {
        negative,
        mantissa: 0,
        exponent: exponent - i64::try_from(fraction.len()).ok()?,
        cut: false,
    };
    let mut significant = 0;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = digit.to_digit(10)?;
        if significant == 0 && digit == 0 {
            continue;
        }
        if significant < SIGNIFICANT_DIGITS {
            decimal.mantissa = decimal.mantissa * 10 + u128::from(digit);
            significant += 1;
        } else {
            decimal.cut |= digit != 0;
            decimal.exponent += 1;
        }
    }
    decimal.mantissa <<= binary;
    Some(decimal)
}

/// The powers of two and of ten that a suffix stands for.
fn interpret(suffix: &str) -> Option<(u32, i64)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        _ => (0, suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?.into()),
    })
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use super::{Quantity, QuantityFormat};

    #[test]
    fn thousandths_and_whole_units_are_rounded_away_from_zero() {
        for (text, milli, value) in [
            ("0", 0, 0),
            ("500m", 500, 1),
            ("1", 1000, 1),
            ("0.5", 500, 1),
            (".5", 500, 1),
            ("1.", 1000, 1),
            ("+2", 2000, 2),
            ("-1500m", -1500, -2),
            ("1n", 1, 1),
            ("1000001n", 2, 1),
            ("123456789n", 124, 1),
            ("1u", 1, 1),
            ("2k", 2_000_000, 2000),
            ("1M", 1_000_000_000, 1_000_000),
            ("1e3", 1_000_000, 1000),
            ("1E3", 1_000_000, 1000),
            ("2e-3", 2, 1),
            ("12E", i64::MAX, i64::MAX),
            ("1Ki", 1_024_000, 1024),
            ("1.5Ki", 1_536_000, 1536),
            ("0.1Ki", 102_400, 103),
            ("256Mi", 268_435_456_000, 268_435_456),
            ("1Gi", 1_073_741_824_000, 1_073_741_824),
            ("1Ti", 1_099_511_627_776_000, 1_099_511_627_776),
            ("1Pi", 1_125_899_906_842_624_000, 1_125_899_906_842_624),
            ("7Ei", i64::MAX, 8_070_450_532_247_928_832),
            ("9Ei", i64::MAX, i64::MAX),
            ("9223372036854775807Ki", i64::MAX, i64::MAX),
            ("1e-40", 1, 1),
            ("1e400", i64::MAX, i64::MAX),
            ("1000000000000000000000000e-24", 1000, 1),
            ("1.0000000000000000000000001", 1001, 2),
        ] {
            let quantity = Quantity::from(text);
            assert_eq!(quantity.milli_value().unwrap(), milli, "milli value of {text}");
            assert_eq!(quantity.value().unwrap(), value, "value of {text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", ".", "-", "m", "1.1.1", "1x", "1mi", "1KI", "1e", "1e1.5", " 1", "1 ", "0x1", "½",
        ] {
            let error = Quantity::from(text).milli_value().unwrap_err();
            assert_eq!(error.0, text);
        }
    }

    #[test]
    fn thousandths_are_printed_as_the_controller_prints_them() {
        for (milli, decimal, binary) in [
            (0, "0", "0"),
            (84, "84m", "84m"),
            (2130, "2130m", "2130m"),
            (1000, "1", "1"),
            (10_000, "10", "10"),
            (1_000_000, "1k", "1k"),
            (1_500_000, "1500", "1500"),
            (-500, "-500m", "-500m"),
            (1_024_000, "1024", "1Ki"),
            (1_025_000, "1025", "1025"),
            (1_024_500, "1024500m", "1024500m"),
            (268_435_456_000, "268435456", "256Mi"),
        ] {
            let print = |format| Quantity::from_milli(milli, format).0;
            assert_eq!(print(QuantityFormat::DecimalSi), decimal);
            assert_eq!(print(QuantityFormat::BinarySi), binary);
        }
    }

    #[test]
    fn ratios_are_the_digits_times_a_power_of_ten() {
        for (text, ratio) in [
            ("100m", 0.1),
            ("50m", 0.05),
            ("0", 0.0),
            ("0.36", 0.36),
            ("2", 2.0),
            ("-1", -1.0),
        ] {
            let difference = Quantity::from(text).approximate_f64().unwrap() - ratio;
            assert!(difference.abs() < f64::EPSILON, "{text}");
        }
    }

    /// Pseudo-random numbers of thousandths survive printing and reading in both formats.
    #[test]
    fn what_is_printed_is_read_back() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for round in 0..20_000_u32 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let milli =
                i64::try_from(state >> (1 + round % 62)).unwrap() * if round % 2 == 0 { 1 } else { -1 };
            for format in [QuantityFormat::DecimalSi, QuantityFormat::BinarySi] {
                let quantity = Quantity::from_milli(milli, format);
                assert_eq!(quantity.milli_value().unwrap(), milli, "{quantity}");
            }
        }
    }
}
