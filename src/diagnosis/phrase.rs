//! Numbers, times, names and lists as a person reads them.

use chrono::{DateTime, Utc};

/// How many names a sentence lists before it counts the rest.
const LISTED: usize = 3;

/// `1 pod`, `3 pods`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `a`, `a and b`, `a, b, c and 4 more`.
pub(crate) fn list<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<&str> = names.iter().take(LISTED).map(AsRef::as_ref).collect();
    let rest = names.len().saturating_sub(LISTED);
    match (shown.split_last(), rest) {
        (None, _) => "none".to_owned(),
        (Some((last, [])), 0) => (*last).to_owned(),
        (Some((last, head)), 0) => format!("{} and {last}", head.join(", ")),
        (Some(_), rest) => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// A span of seconds in its two greatest units: `13 s`, `4 min 10 s`, `2 h 5 min`, `3 d`.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{big} {big_unit}")
        } else {
            format!("{big} {big_unit} {small} {small_unit}")
        }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// The seconds from `then` to `now`, not below zero: clocks differ.
pub(crate) fn seconds_since(then: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (now - then).num_seconds().max(0)
}

/// `13 s ago`.
pub(crate) fn ago(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} ago", span(seconds_since(then, now)))
}

/// A word of a shell command: quoted where the shell would read more than a word.
pub(super) fn word(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,%@".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// An amount of a resource, from thousandths: cpu as `500m`, memory as `512Mi`.
pub(super) fn amount(resource: &str, milli: i64) -> String {
    const MEBI: i64 = 1024 * 1024;
    match resource {
        "memory" if milli / 1000 >= MEBI => format!("{}Mi", milli / 1000 / MEBI),
        "memory" => (milli / 1000).to_string(),
        _ => format!("{milli}m"),
    }
}

/// The least that `amount` shows as it is and that is not less: memory in whole mebibytes.
pub(super) fn rounded_up(resource: &str, milli: i64) -> i64 {
    const MEBI: i64 = 1000 * 1024 * 1024;
    match resource {
        "memory" => milli.saturating_add(MEBI - 1) / MEBI * MEBI,
        _ => milli,
    }
}

#[cfg(test)]
mod tests {
    use super::{list, span, word};

    #[test]
    fn names_are_listed_up_to_three() {
        assert_eq!(list::<&str>(&[]), "none");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }

    #[test]
    fn spans_use_two_units() {
        assert_eq!(span(-5), "0 s");
        assert_eq!(span(59), "59 s");
        assert_eq!(span(250), "4 min 10 s");
        assert_eq!(span(7500), "2 h 5 min");
        assert_eq!(span(259_200), "3 d");
    }

    #[test]
    fn a_name_cannot_leave_its_word() {
        assert_eq!(word("web-1.example"), "web-1.example");
        assert_eq!(word("a; rm -rf b"), "'a; rm -rf b'");
        assert_eq!(word("it's"), r"'it'\''s'");
    }
}
