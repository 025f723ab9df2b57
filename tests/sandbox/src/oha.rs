//! The load generator oha, as crates.io has it: what `load` is measured beside.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use crate::components::cache_directory;
use crate::error::{Context, Error, Result};
use crate::venv::output;

const VERSION: &str = "1.16.0";
/// More than a slow machine needs, in seconds; what is compiled by then is there for the next attempt.
const MOST_SECONDS: u32 = 3600;

/// The program, compiled on the first use.
///
/// # Errors
/// It cannot be compiled, or not in an hour.
pub fn oha() -> Result<PathBuf> {
    let cache = cache_directory()?;
    let home = cache.join(format!("oha-{VERSION}"));
    let program = home.join("bin").join("oha");
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&cache).context(format!("cannot create {}", cache.display()))?;
    let lock = cache.join("oha.lock");
    let lock = File::create(&lock).context(format!("cannot create {}", lock.display()))?;
    lock.lock().context("cannot lock the cache of components")?;
    if program.is_file() {
        return Ok(program);
    }
    anstream::eprintln!("compiling oha {VERSION} from crates.io: once, some minutes");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = home.join("target");
    output(
        Command::new("timeout")
            .arg("--kill-after=10")
            .arg(MOST_SECONDS.to_string())
            .arg(cargo)
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(&home)
            .arg("--target-dir")
            .arg(&target)
            .arg(format!("oha@{VERSION}")),
    )?;
    fs::remove_dir_all(&target).context(format!("cannot remove {}", target.display()))?;
    if program.is_file() {
        return Ok(program);
    }
    Err(Error::Unexpected(format!(
        "cargo installed no {}",
        program.display()
    )))
}
