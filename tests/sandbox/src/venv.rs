//! Pinned Python packages in virtual environments, beside the other components.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::components::{Fnv, cache_directory};
use crate::error::{Context, Error, Result};
use crate::node::Image;

/// The file of an image in its directory.
const IMAGE_ARCHIVE: &str = "image.tar";

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

    /// A directory inside the environment's that `make` fills, unless it is there.
    pub(crate) fn beside(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let home = &self.directory;
        let directory = home.join(name);
        let lock = home.join(format!("{name}.lock"));
        let lock = File::create(&lock).context(format!("cannot create {}", lock.display()))?;
        lock.lock().context("cannot lock the cache of components")?;
        if directory.is_dir() {
            return Ok(directory);
        }
        let unfinished = tempfile::Builder::new()
            .prefix(".making-")
            .tempdir_in(home)
            .context(format!("cannot create a directory in {}", home.display()))?;
        // The directory is also for users that are not root, in a pod.
        fs::set_permissions(unfinished.path(), fs::Permissions::from_mode(0o755))
            .context("cannot open a directory to everybody")?;
        make(unfinished.path())?;
        fs::rename(unfinished.path(), &directory)
            .context(format!("cannot create {}", directory.display()))?;
        Ok(directory)
    }

    /// An image whose root directory a script of this environment assembles, once for every `hash` of its sources.
    pub(crate) fn image(
        &self,
        name: &str,
        script: &Path,
        hash: u64,
        of: impl FnOnce(&Path) -> Image,
    ) -> Result<Image> {
        let directory = self.beside(&format!("image-{hash:016x}"), |unfinished| {
            let root = unfinished.join("root");
            let image = of(&root);
            output(Command::new(self.program("python")).arg(script).arg(&root))?;
            image
                .with_environment("PYTHONHOME", "/python")
                .with_environment("PYTHONPATH", "/packages")
                .with_environment("PYTHONDONTWRITEBYTECODE", "1")
                .with_environment("LD_LIBRARY_PATH", "/python/lib")
                .save(&unfinished.join(IMAGE_ARCHIVE))?;
            fs::remove_dir_all(&root).context(format!("cannot remove {}", root.display()))
        })?;
        Ok(Image::of_archive(name, &directory.join(IMAGE_ARCHIVE)))
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
