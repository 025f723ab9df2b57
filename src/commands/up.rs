//! The command `up`.

use crate::Error;
use crate::cli::{GlobalArgs, UpArgs};

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &UpArgs) -> Result<u8, Error> {
    let _ = (global, args);
    Ok(crate::exit::OK)
}
