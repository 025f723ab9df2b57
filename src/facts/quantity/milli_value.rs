//! `Quantity.MilliValue()` where it overflows too.
//!
//! Source: `k8s.io/apimachinery/pkg/api/resource/{quantity,math,scale_int}.go`, v1.37.

use super::{ParseQuantityError, Quantity, interpret};

/// A text of no more digits is kept in 64 bits, a longer one in a decimal without bounds (`maxInt64Factors`).
const SHORT: usize = 18;
/// The same for a binary suffix, less three digits for each power of 1024.
const SHORT_BINARY: usize = 14;
/// Billionths, the smallest unit of a quantity, in one.
const BILLIONTHS: i64 = 9;
/// Billionths in a thousandth.
const BILLIONTHS_PER_MILLI: i64 = 1_000_000;

impl Quantity {
    /// Thousandths as the controller reads them, bit by bit. They are [`Quantity::milli_value`] as long as they fit:
    /// beyond, it is what is left in 64 bits, or 0. A negative one of 19 digits or more is rounded upwards.
    /// What has more billionths than a `u128` holds stays the nearest `i64`.
    ///
    /// # Errors
    /// The text is no quantity.
    pub fn controller_milli_value(&self) -> Result<i64, ParseQuantityError> {
        let nearest = self.milli_value()?;
        let read = Digits::of(&self.0).and_then(|digits| {
            if digits.short {
                digits.short_milli_value(nearest)
            } else {
                digits.long_milli_value()
            }
        });
        Ok(read.unwrap_or(nearest))
    }
}

/// The digits of a text, and what they stand for: `number × 2^power_of_two × 10^exponent`.
struct Digits {
    negative: bool,
    /// None where a `u128` does not hold them.
    number: Option<u128>,
    exponent: i64,
    power_of_two: u32,
    short: bool,
}

impl Digits {
    fn of(text: &str) -> Option<Self> {
        let unsigned = text.trim_start_matches(['+', '-']);
        let end = unsigned
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let (power_of_two, exponent) = interpret(suffix)?;
        let exponent = exponent - i64::try_from(fraction.len()).ok()?;
        let length = whole.trim_start_matches('0').len().max(1) + fraction.len();
        let short = if power_of_two == 0 {
            length <= SHORT && exponent >= -BILLIONTHS
        } else {
            let powers_of_1024 = usize::try_from(power_of_two / 10).ok()?;
            fraction.is_empty() && length + 3 * powers_of_1024 <= SHORT_BINARY
        };
        Some(Self {
            negative: text.starts_with('-'),
            number: format!("{whole}{fraction}").parse().ok(),
            exponent,
            power_of_two,
            short,
        })
    }

    /// `positiveScaleInt64`: what overflows is cut to 64 bits where the power of ten is one that upstream multiplies by at
    /// once, and is 0 otherwise. What is rounded always fits.
    fn short_milli_value(&self, nearest: i64) -> Option<i64> {
        let shift = if self.power_of_two == 0 {
            self.exponent + 3
        } else {
            3
        };
        if shift < 0 {
            return Some(nearest);
        }
        let value = self.signed(low_bits(self.number? << self.power_of_two));
        let factor = u32::try_from(shift)
            .ok()
            .and_then(|shift| 10_i64.checked_pow(shift));
        Some(match factor {
            Some(factor) if matches!(shift, 1 | 2 | 3 | 6 | 9) => value.wrapping_mul(factor),
            Some(factor) => value.checked_mul(factor).unwrap_or(0),
            None => 0,
        })
    }

    /// `scaledValue`: thousandths of a decimal without bounds.
    fn long_milli_value(&self) -> Option<i64> {
        let billionths = self.billionths();
        let most =
            u128::from(i64::MAX.unsigned_abs()) * 10_u128.pow(BILLIONTHS.unsigned_abs().try_into().ok()?);
        if self.power_of_two > 0 && billionths.is_none_or(|billionths| billionths > most) {
            // Cut off at the largest `i64` of whole units, whose thousandths overflow.
            return Some(self.signed(i64::MAX).wrapping_mul(1000));
        }
        let billionths = billionths?;
        if self.negative || billionths < u128::from(i64::MAX.unsigned_abs()) {
            let low = self.signed(low_bits(billionths));
            let inexact = low % BILLIONTHS_PER_MILLI != 0;
            return Some(low / BILLIONTHS_PER_MILLI + i64::from(inexact));
        }
        let milli = billionths.div_ceil(u128::from(BILLIONTHS_PER_MILLI.unsigned_abs()));
        Some(low_bits(milli))
    }

    /// The magnitude in billionths, rounded up.
    fn billionths(&self) -> Option<u128> {
        let digits = self.number?.checked_mul(1_u128.checked_shl(self.power_of_two)?)?;
        let shift = self.exponent + BILLIONTHS;
        let factor = 10_u128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?);
        match (shift >= 0, factor) {
            (true, factor) => digits.checked_mul(factor?),
            (false, Some(factor)) => Some(digits.div_ceil(factor)),
            (false, None) => Some(u128::from(digits > 0)),
        }
    }

    fn signed(&self, magnitude: i64) -> i64 {
        if self.negative {
            magnitude.wrapping_neg()
        } else {
            magnitude
        }
    }
}

/// The low 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "upstream keeps the low bits too")]
fn low_bits(value: u128) -> i64 {
    value as i64
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use super::Quantity;

    /// What Go printed for these texts.
    #[test]
    fn what_overflows_is_what_the_controller_reads() {
        for (text, milli) in [
            ("500m", 500),
            ("1", 1000),
            ("0.5", 500),
            ("-1500m", -1500),
            ("0", 0),
            ("1000001n", 2),
            ("12E", 0),
            ("7Ei", -9_223_372_036_854_775_808),
            ("9Ei", -1000),
            ("-10Ei", 1000),
            ("9223372036854775807Ki", -1000),
            ("1e-40", 1),
            ("1e30", 0),
            ("1000000000000000000000000e-24", 1000),
            ("1.0000000000000000000000001", 1001),
            ("-1.00000000000001", -999),
            ("-9223372036854775807m", 1),
            ("-9223372036854775808m", 0),
            ("9223372036854775807m", 9_223_372_036_854_775_807),
            ("9223372036854775808m", -9_223_372_036_854_775_808),
            ("9223372036854775", 9_223_372_036_854_775_000),
            ("9223372036854776", -9_223_372_036_854_775_616),
            ("-9223372036854776", 9_223_372_036_854_775_616),
            ("99999999999999999999m", 7_766_279_631_452_241_919),
            ("-1234567890123456789m", -1_096_246_371_336),
            ("-0.1234567890123456789", -122),
            ("-1e-12", 1),
            ("1.5Pi", 1_688_849_860_263_936_000),
            ("300Ti", 329_853_488_332_800_000),
            ("16Pi", -432_345_564_227_567_616),
            ("-16Pi", -9_223_372_036_853),
            ("-1.5Gi", -1_610_612_736_000),
            ("000000000000000000000001k", 1_000_000),
            ("0.000000000000000001", 1),
            ("9223372036854776k", 192_000),
            ("123456789012345678k", -7_269_072_992_350_965_888),
            ("123456789012345678M", -1_055_827_309_402_551_296),
            ("123456789012345678e1", 0),
            ("123456789012345678e2", 0),
            ("123456789012345678e4", 0),
            ("1e15", 1_000_000_000_000_000_000),
            ("1e16", 0),
            ("1e17", 0),
            ("9e15", 9_000_000_000_000_000_000),
            ("9e18", 0),
            ("1e300", 0),
            ("0e300", 0),
            ("-123456789012345678k", 7_269_072_992_350_965_888),
            ("-1e16", 0),
            ("123456789012345678G", 0),
            ("99999999999999999.9", 7_766_279_631_452_241_820),
            ("1234567.89e15", 0),
        ] {
            let read = Quantity::from(text).controller_milli_value().unwrap();
            assert_eq!(read, milli, "{text}");
        }
    }
}
