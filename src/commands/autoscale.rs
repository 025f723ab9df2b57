//! The command `autoscale`.

use crate::Error;
use crate::cli::{AutoscaleArgs, GlobalArgs};

/// Runs it; the value is the exit code.
pub(super) async fn run(global: &GlobalArgs, args: &AutoscaleArgs) -> Result<u8, Error> {
    let _ = (global, args);
    Ok(crate::exit::OK)
}
