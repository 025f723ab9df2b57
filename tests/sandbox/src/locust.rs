//! Stock Locust, as `PyPI` has it.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::venv::Venv;

/// The pinned packages.
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../locust/requirements.txt");

/// The program `locust`, installed on the first use.
///
/// # Errors
/// It cannot be installed.
pub fn locust() -> Result<PathBuf> {
    let venv = Venv::prepare("Locust", Path::new(REQUIREMENTS), "some seconds")?;
    Ok(venv.program("locust"))
}
