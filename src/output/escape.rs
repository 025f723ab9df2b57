//! Text from the cluster, made harmless for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line without anything that moves the cursor, changes colours, hides text or reverses its direction:
/// such characters are shown as their escapes.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_dangerous(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// A part of a string of JSON, with the same characters as escapes; those below U+007F its writer has escaped
/// already.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_left_in_json) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_left_in_json(character) {
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Whether YAML holds nothing of the kind but the line breaks and tabs that it is made of.
pub(super) fn is_harmless_in_yaml(text: &str) -> bool {
    !text
        .chars()
        .any(|it| !matches!(it, '\n' | '\t') && is_dangerous(it))
}

/// All of them lie below U+10000, where one escape is enough.
fn is_left_in_json(character: char) -> bool {
    character >= '\u{7f}' && is_dangerous(character)
}

/// Controls (line breaks and the C1 set among them), bidirectional marks and overrides, and characters
/// without width that make two names look alike.
fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use super::{json, line};

    #[test]
    fn ordinary_text_is_untouched() {
        assert_eq!(line("cpu: 60%, größer als 名前"), "cpu: 60%, größer als 名前");
    }

    #[test]
    fn controls_and_overrides_are_shown() {
        assert_eq!(line("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\\nc\\td");
        assert_eq!(line("x\u{202e}y\u{9b}z"), "x\\u{202e}y\\u{9b}z");
        assert_eq!(line("we\u{200b}b\u{feff}"), "we\\u{200b}b\\u{feff}");
    }

    #[test]
    fn strings_of_json_keep_their_value() {
        let value = serde_json::json!([
            "a\u{9b}31m",
            "x\u{202e}y",
            "we\u{200b}b",
            "größer",
            "\u{1b}[2J\u{7f}"
        ]);
        let written = value.to_string();
        let safe = json(&written);
        assert!(safe.contains("a\\u009b31m") && safe.contains("größer"), "{safe}");
        assert!(!safe.chars().any(super::is_dangerous));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).ok(), Some(value));
        assert_eq!(json("{}"), "{}");
    }
}
