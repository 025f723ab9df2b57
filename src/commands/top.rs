//! The command `top`.

use crate::Error;
use crate::cli::{GlobalArgs, TopArgs};

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &TopArgs) -> Result<u8, Error> {
    let _ = (global, args);
    Ok(crate::exit::OK)
}
