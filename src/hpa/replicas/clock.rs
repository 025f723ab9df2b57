//! Times with a span added: at the ends of the calendar they stay there. A clock that runs wrong, or a file that
//! somebody wrote, may hold any time.

use chrono::{DateTime, TimeDelta, Utc};

/// The time that lies a span after another one; before it where the span is negative.
pub(super) fn later(time: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    time.checked_add_signed(span)
        .unwrap_or(if span < TimeDelta::zero() {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
}

#[cfg(test)]
mod tests {
    use super::{DateTime, TimeDelta, Utc, later};

    #[test]
    fn the_calendar_has_two_ends() {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert_eq!(later(last, TimeDelta::MAX), last);
        assert_eq!(later(first, TimeDelta::MIN), first);
        assert_eq!(later(DateTime::UNIX_EPOCH, TimeDelta::MAX), last);
        assert_eq!(later(DateTime::UNIX_EPOCH, TimeDelta::seconds(5)).timestamp(), 5);
        assert_eq!(
            later(DateTime::UNIX_EPOCH, -TimeDelta::seconds(5)).timestamp(),
            -5
        );
    }
}
