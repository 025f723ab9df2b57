//! A load on somebody else's machine is meant, or it does not happen.

use std::io::{BufRead, IsTerminal, Write};

use http::Uri;

use crate::Error;
use crate::output::escape;

/// Asks where it must.
///
/// # Errors
/// The answer is no, or there is nobody to ask.
pub(super) fn ask(url: &Uri, is_loopback: bool, load: &str, yes: bool) -> Result<(), Error> {
    if is_loopback || yes {
        return Ok(());
    }
    let host = url.host().unwrap_or_default();
    let host = escape::line(host);
    let refused = |why: &str| Err(Error::Usage(format!("{host} is not this machine, so {why}")));
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return refused("a load of it needs --yes");
    }
    anstream::eprint!("{host} is not this machine. Load it with up to {load}? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        refused("nothing was sent")
    }
}
