//! Stock Locust, as `PyPI` has it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::components::Fnv;
use crate::error::{Context, Result};
use crate::node::Image;
use crate::venv::Venv;

/// The pinned packages, and what makes an image of them.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../locust");

/// The program `locust`, installed on the first use.
///
/// # Errors
/// It cannot be installed.
pub fn locust() -> Result<PathBuf> {
    Ok(venv()?.program("locust"))
}

/// An image whose entry point is Locust, for pods of a real node: assembled once.
///
/// # Errors
/// It cannot be installed or assembled.
pub fn locust_image(name: &str) -> Result<Image> {
    let script = Path::new(SOURCES).join("image.py");
    let mut hash = Fnv::default();
    hash.write(name.as_bytes());
    hash.write(&fs::read(&script).context(format!("cannot read {}", script.display()))?);
    venv()?.image(name, &script, hash.value(), |root| {
        Image::of_directory(name, &["/usr/bin/locust"], root)
    })
}

fn venv() -> Result<Venv> {
    Venv::prepare(
        "Locust",
        &Path::new(SOURCES).join("requirements.txt"),
        "some seconds",
    )
}
