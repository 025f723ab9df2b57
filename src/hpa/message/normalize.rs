//! Brings a text into the form in which the controller wrote it.

/// What the event recorder puts before the newest of ten or more similar messages
/// (`client-go/tools/record/events_cache.go`).
const AGGREGATED: &str = "(combined from similar events): ";

/// Whether an event stands for similar ones with other texts: the text is the newest one's, the count is everybody's.
pub fn is_aggregated(text: &str) -> bool {
    text.trim_start().starts_with(AGGREGATED)
}

/// Takes off the recorder's aggregation prefix and undoes what formatting did to percent signs up to 1.28,
/// where a message was its own format string.
pub fn normalize(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix(AGGREGATED).unwrap_or(text);
    restore_percent_signs(text)
}

/// `%!D(MISSING)` was `%3D`: Go takes the digits for a width and drops them. The letters C, D and F come
/// from URL-encoded selectors, where they stand for `,`, `=` and `/`.
fn restore_percent_signs(text: &str) -> String {
    let mut restored = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("%!") {
        restored.push_str(before);
        rest = if let Some(tail) = after.strip_prefix("(NOVERB)") {
            restored.push('%');
            tail
        } else if let Some((verb, tail)) = missing_verb(after) {
            restored.push('%');
            match verb {
                'C' | 'F' => restored.push('2'),
                'D' => restored.push('3'),
                _ => {}
            }
            restored.push(verb);
            tail
        } else {
            restored.push_str("%!");
            after
        };
    }
    restored.push_str(rest);
    restored
}

fn missing_verb(text: &str) -> Option<(char, &str)> {
    let mut characters = text.chars();
    let verb = characters.next()?;
    Some((verb, characters.as_str().strip_prefix("(MISSING)")?))
}
