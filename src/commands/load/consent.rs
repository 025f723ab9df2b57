//! A load on what may be somebody else's is meant, or it does not happen.

use std::io::{BufRead, IsTerminal, Write};

use crate::Error;
use crate::output::escape;

/// Asks where it must: `foreign` says whose it is, and why that is a reason.
///
/// # Errors
/// The answer is no, or there is nobody to ask.
pub(super) fn ask(foreign: Option<&String>, load: &str, yes: bool) -> Result<(), Error> {
    let Some(foreign) = foreign.filter(|_| !yes) else {
        return Ok(());
    };
    let foreign = escape::line(foreign);
    let refused = |why: &str| Err(Error::Usage(format!("{foreign}, so {why}")));
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return refused("a load of it needs --yes");
    }
    anstream::eprint!("{foreign}. Load it with up to {load}? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        refused("nothing was sent")
    }
}
