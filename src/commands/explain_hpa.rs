//! The command `explain-hpa`.

use crate::Error;
use crate::cli::{ExplainHpaArgs, GlobalArgs};

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &ExplainHpaArgs) -> Result<u8, Error> {
    let _ = (global, args);
    Ok(crate::exit::OK)
}
