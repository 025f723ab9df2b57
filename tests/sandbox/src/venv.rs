//! Pinned Python packages in virtual environments, beside the other components.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::components::{Fnv, cache_directory};
use crate::error::{Context, Error, Result};

/// A virtual environment.
#[derive(Clone, Debug)]
pub(crate) struct Venv {
    directory: PathBuf,
}

impl Venv {
    /// Finds the environment in the cache, or installs it there once. `requirements` pins every package.
    pub(crate) fn prepare(name: &'static str, requirements: &Path, cost: &str) -> Result<Self> {
        let cache = cache_directory()?;
        fs::create_dir_all(&cache).context(format!("cannot create {}", cache.display()))?;
        let mut hash = Fnv::default();
        hash.write(&fs::read(requirements).context(format!("cannot read {}", requirements.display()))?);
        hash.write(&output(Command::new("python3").arg("--version"))?);
        let directory = cache.join(format!("{}-{:016x}", name.to_lowercase(), hash.value()));
        // Written last: an environment cannot be moved to its place when it is done, as binaries are.
        let done = directory.join("done");
        let found = Self {
            directory: directory.clone(),
        };
        if done.is_file() {
            return Ok(found);
        }
        let lock = cache.join(format!("{}.lock", name.to_lowercase()));
        let lock = File::create(&lock).context(format!("cannot create {}", lock.display()))?;
        lock.lock().context("cannot lock the cache of components")?;
        if done.is_file() {
            return Ok(found);
        }
        anstream::eprintln!("installing {name} from PyPI: once, {cost}");
        if directory.exists() {
            fs::remove_dir_all(&directory).context(format!("cannot remove {}", directory.display()))?;
        }
        output(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
        let install = Command::new(found.program("python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
            ])
            .args(["--disable-pip-version-check", "--requirement"])
            .arg(requirements)
            .output()
            .context("cannot run pip")?;
        if !install.status.success() {
            return Err(Error::Pip {
                name,
                said: String::from_utf8_lossy(&install.stderr).trim().to_owned(),
            });
        }
        fs::write(&done, "").context(format!("cannot write {}", done.display()))?;
        Ok(found)
    }

    /// A program of it.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join("bin").join(name)
    }
}

/// Runs a command to its end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .context(format!("cannot run {name}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Unexpected(format!(
            "{name} failed ({}): {said}",
            output.status
        )))
    }
}
