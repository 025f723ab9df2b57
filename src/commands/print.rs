//! Standard output: data, and nothing else.

use std::io::{BufWriter, Write};

use serde::Serialize;

use crate::Error;
use crate::output::structured;

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

/// Writes a value as JSON while it is made.
pub(super) fn print_json<T: Serialize>(value: &T) -> Result<(), Error> {
    let mut stdout = BufWriter::new(anstream::stdout().lock());
    structured::write_json(&mut stdout, value)?;
    stdout.flush()?;
    Ok(())
}
