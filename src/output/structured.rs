//! JSON and YAML of the contract `tfserve.dev/v1`.

use serde::Serialize;

use super::escape;

/// Pretty JSON with a line break at its end. It too is read on terminals: controls are escaped in it.
///
/// # Errors
/// The value has no form in JSON.
pub fn json<T: Serialize>(value: &T) -> Result<String, std::io::Error> {
    let mut text = escape::json(&serde_json::to_string_pretty(value)?).into_owned();
    text.push('\n');
    Ok(text)
}

/// The same in one line, for a stream of values.
///
/// # Errors
/// The value has no form in JSON.
pub fn json_line<T: Serialize>(value: &T) -> Result<String, std::io::Error> {
    let mut text = escape::json(&serde_json::to_string(value)?).into_owned();
    text.push('\n');
    Ok(text)
}

/// YAML of the same names and values. Its writer escapes controls and leaves marks of direction and characters
/// without width: an answer that holds them is written as JSON, which is YAML, too.
///
/// # Errors
/// The value has no form in YAML.
pub fn yaml<T: Serialize>(value: &T) -> Result<String, std::io::Error> {
    let text = serde_saphyr::to_string(value).map_err(std::io::Error::other)?;
    if escape::is_harmless_in_yaml(&text) {
        Ok(text)
    } else {
        json(value)
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
