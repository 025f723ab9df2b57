//! The conversions between integers and floats, as Go makes them.

/// `float64(value)`.
#[expect(
    clippy::cast_precision_loss,
    reason = "the controller loses the same precision"
)]
pub(super) fn float(value: i64) -> f64 {
    value as f64
}

/// `int32(math.Ceil(value))`. Go leaves what does not fit to the processor; this is amd64's, the smallest `i32` (an
/// arm64 controller gets the nearest).
#[expect(
    clippy::cast_possible_truncation,
    reason = "what does not fit was handled before"
)]
pub(super) fn ceil_unbounded(value: f64) -> i32 {
    let ceil = value.ceil();
    if ceil > f64::from(i32::MAX) || ceil < f64::from(i32::MIN) || ceil.is_nan() {
        i32::MIN
    } else {
        ceil as i32
    }
}

/// The same where upstream cuts off what is more than an `i32` holds.
pub(super) fn ceil_capped(value: f64) -> i32 {
    if value > f64::from(i32::MAX) {
        i32::MAX
    } else {
        ceil_unbounded(value)
    }
}

/// `int64(math.Ceil(value))`, as amd64 makes it where it does not fit: the smallest `i64`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what does not fit was handled before"
)]
pub(super) fn ceil_long(value: f64) -> i64 {
    let ceil = value.ceil();
    if ceil.is_nan() || ceil < float(i64::MIN) || ceil >= float(i64::MAX) {
        i64::MIN
    } else {
        ceil as i64
    }
}

/// `int32(value)`: towards zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float is cut to the bounds of an i32"
)]
pub(super) fn truncate(value: f64) -> i32 {
    value as i32
}

/// `int32(value)` of an integer: the low 32 bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the controller keeps the low bits too"
)]
pub(super) fn low_bits(value: i64) -> i32 {
    value as i32
}

/// A count of pods.
pub(super) fn count(pods: usize) -> i32 {
    i32::try_from(pods).unwrap_or(i32::MAX)
}
