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

/// YAML of the same names and values.
///
/// # Errors
/// The value has no form in YAML.
pub fn yaml<T: Serialize>(value: &T) -> Result<String, std::io::Error> {
    serde_saphyr::to_string(value).map_err(std::io::Error::other)
}
