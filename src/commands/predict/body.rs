//! The request's body: from a file, from stdin, or from the command line.

use std::io::Read;
use std::path::Path;

use crate::Error;
use crate::cli::PredictArgs;
use crate::serving::request;

/// What is to be sent; none with `--example`.
pub(super) fn read(args: &PredictArgs) -> Result<Option<Vec<u8>>, Error> {
    let (name, text) = match (&args.file, &args.data) {
        (Some(path), _) => file(path)?,
        (None, Some(data)) => match data.strip_prefix('@') {
            Some(path) => file(Path::new(path))?,
            None => ("`--data`".to_owned(), data.clone().into_bytes()),
        },
        (None, None) => return Ok(None),
    };
    request::prepare(&text, args.model.signature.as_deref())
        .map(Some)
        .map_err(|why| Error::Usage(format!("cannot send {name}: {why}; nothing was sent")))
}

fn file(path: &Path) -> Result<(String, Vec<u8>), Error> {
    let mut text = Vec::new();
    let (name, read) = if path == Path::new("-") {
        ("stdin".to_owned(), std::io::stdin().lock().read_to_end(&mut text))
    } else {
        let opened = std::fs::File::open(path);
        (
            path.display().to_string(),
            opened.and_then(|mut file| file.read_to_end(&mut text)),
        )
    };
    match read {
        Ok(_) => Ok((name, text)),
        Err(error) => Err(Error::Usage(format!("cannot read {name}: {error}"))),
    }
}
