//! Standard output: data, and nothing else.

use std::io::Write;

use serde::Serialize;

use crate::Error;

/// Writes a text, and finds out whether somebody still reads.
pub(super) fn print(text: &str) -> Result<(), Error> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()?;
    Ok(())
}

/// A value as JSON, as people like to read it.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(value).map_err(|error| Error::Output(std::io::Error::other(error)))
}

/// A value as YAML, with exactly the JSON's names and values.
pub(super) fn to_yaml(value: &impl Serialize) -> Result<String, Error> {
    let value = serde_json::to_value(value).map_err(|error| Error::Output(std::io::Error::other(error)))?;
    serde_saphyr::to_string(&value).map_err(|error| Error::Output(std::io::Error::other(error)))
}
