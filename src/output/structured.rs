//! JSON and YAML of the contract `tfserve.dev/v1`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::escape;

/// Pretty JSON with a line break at its end. It too is read on terminals: controls are escaped in it.
///
/// # Errors
/// The value has no form in JSON.
pub fn json<T: Serialize>(value: &T) -> Result<String, io::Error> {
    let mut text = Vec::new();
    write_json(&mut text, value)?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// The same, written as it is made: of many HPAs it is long.
///
/// # Errors
/// The value has no form in JSON, or the writer fails.
pub fn write_json<T: Serialize>(mut writer: impl Write, value: &T) -> Result<(), io::Error> {
    value.serialize(&mut Serializer::with_formatter(
        &mut writer,
        Harmless(PrettyFormatter::new()),
    ))?;
    writer.write_all(b"\n")
}

/// The same in one line, for a stream of values.
///
/// # Errors
/// The value has no form in JSON.
pub fn json_line<T: Serialize>(value: &T) -> Result<String, io::Error> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(
        &mut text,
        Harmless(CompactFormatter),
    ))?;
    text.push(b'\n');
    String::from_utf8(text).map_err(io::Error::other)
}

/// YAML of the same names and values. Its writer escapes controls and leaves marks of direction and characters
/// without width: an answer that holds them is written as JSON, which is YAML, too.
///
/// # Errors
/// The value has no form in YAML.
pub fn yaml<T: Serialize>(value: &T) -> Result<String, io::Error> {
    let text = serde_saphyr::to_string(value).map_err(io::Error::other)?;
    if escape::is_harmless_in_yaml(&text) {
        Ok(text)
    } else {
        json(value)
    }
}

/// A form of JSON whose strings hold no character that does something to a terminal.
struct Harmless<F>(F);

/// What the form itself decides.
macro_rules! of_the_form {
    ($($name:ident($($first:ident)?)),+ $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $first: bool)?) -> io::Result<()> {
            self.0.$name(writer $(, $first)?)
        })+
    };
}

impl<F: Formatter> Formatter for Harmless<F> {
    of_the_form! {
        begin_array(), begin_array_value(first), end_array_value(), end_array(),
        begin_object(), begin_object_key(first), end_object_key(), begin_object_value(), end_object_value(),
        end_object(),
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        self.0.write_string_fragment(writer, &escape::json(fragment))
    }
}

#[cfg(test)]
mod tests {
    use super::yaml;

    #[test]
    fn yaml_with_hidden_marks_is_written_as_json_and_means_the_same() {
        let plain = serde_json::json!({"message": "a\n\tb\u{1b}[2J\u{9b}"});
        let hidden = serde_json::json!({"message": "a\u{202e}b\u{200b}", "number": 1});
        for (value, is_json) in [(plain, false), (hidden, true)] {
            let text = yaml(&value).unwrap_or_default();
            assert_eq!(text.starts_with('{'), is_json, "{text}");
            assert!(
                !text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{200b}']),
                "{text:?}"
            );
            assert_eq!(
                serde_saphyr::from_str::<serde_json::Value>(&text).ok(),
                Some(value)
            );
        }
    }
}
