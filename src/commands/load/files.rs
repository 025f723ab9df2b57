//! The files of a load: the body that goes out, the results that come back.

use std::io::Read;
use std::path::Path;

use hyper::body::Bytes;

use crate::Error;
use crate::cli::ResultArgs;
use crate::load::LoadReport;
use crate::output;

/// The body of the requests; none where no file is named.
///
/// # Errors
/// The file cannot be read.
pub(super) fn body(path: Option<&Path>) -> Result<Option<Bytes>, Error> {
    let Some(path) = path else { return Ok(None) };
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut body).map(|_| ())
    } else {
        std::fs::read(path).map(|bytes| body = bytes)
    };
    read.map_err(|error| Error::Usage(format!("cannot read {}: {error}", path.display())))?;
    Ok(Some(body.into()))
}

/// Whether the results can be written: better known before the load than after it.
///
/// # Errors
/// A file cannot be opened.
pub(super) fn check(args: &ResultArgs) -> Result<(), Error> {
    for path in [&args.csv, &args.report].into_iter().flatten() {
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| Error::Usage(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(())
}

/// Writes what was asked for.
///
/// # Errors
/// A file cannot be written.
pub(super) fn write(args: &ResultArgs, report: &LoadReport) -> Result<(), Error> {
    let files = [
        (&args.csv, output::csv::timeline as fn(&LoadReport) -> String),
        (&args.report, output::html::page),
    ];
    for (path, render) in files {
        let Some(path) = path else { continue };
        std::fs::write(path, render(report))
            .map_err(|error| Error::Incomplete(format!("cannot write {}: {error}", path.display())))?;
        anstream::eprintln!("wrote {}", path.display());
    }
    Ok(())
}
