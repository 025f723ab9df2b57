//! Standard output: data, and nothing else.

use std::io::Write;

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
