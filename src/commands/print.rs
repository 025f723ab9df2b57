//! Standard output: data, and nothing else. Standard error: sentences.

use std::io::{BufWriter, Write};

use serde::Serialize;

use crate::Error;
use crate::output::{escape, structured, text};

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

/// Says a sentence on standard error; a terminal breaks it between words.
pub(super) fn say(sentence: &str) {
    match terminal_size::terminal_size_of(std::io::stderr()) {
        Some((width, _)) => anstream::eprintln!("{}", text::sentence(sentence, width.0.into())),
        None => anstream::eprintln!("{}", escape::line(sentence)),
    }
}
