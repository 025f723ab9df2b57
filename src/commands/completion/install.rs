//! Writing the executable where kubectl finds it.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{MARK, SCRIPT, SCRIPT_NAME};
use crate::Error;

/// Writes it, and says in kubectl's words what that changed.
pub(super) fn install(directory: Option<&Path>) -> Result<(PathBuf, &'static str), Error> {
    if cfg!(windows) {
        return Err(Error::Usage(format!(
            "completion is not installed on Windows: put a `{SCRIPT_NAME}` that runs `kubectl-tfserve __complete -- ARGUMENTS` on the PATH"
        )));
    }
    let directory = match directory {
        Some(directory) => directory.to_owned(),
        None => beside_the_plugin()?,
    };
    let path = directory.join(SCRIPT_NAME);
    let change = match std::fs::read_to_string(&path) {
        Ok(text) if text == SCRIPT && is_executable(&path) => return Ok((path, "unchanged")),
        Ok(text) if text.starts_with(MARK) => "configured",
        Ok(_) => {
            return Err(Error::Incomplete(format!(
                "{} was not written by `kubectl tfserve completion` and stays: remove it, or choose another directory with `--dir`",
                path.display()
            )));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "created",
        Err(error) => return Err(unwritable(&path, &error)),
    };
    write(&directory, &path).map_err(|error| unwritable(&path, &error))?;
    Ok((path, change))
}

/// The directory of the PATH where kubectl finds the plugin: a directory that krew links into stays when a
/// new version comes, the binary's own does not.
fn beside_the_plugin() -> Result<PathBuf, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|directory| directory.join("kubectl-tfserve").is_file())
        .ok_or_else(|| {
            Error::Incomplete(
                "no directory of the PATH has `kubectl-tfserve`, so kubectl does not find it either: name one with `--dir`"
                    .to_owned(),
            )
        })
}

/// Writes it whole or not at all.
fn write(directory: &Path, path: &Path) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(SCRIPT_NAME)
        .tempfile_in(directory)?;
    file.write_all(SCRIPT.as_bytes())?;
    make_executable(file.path())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::Incomplete(format!(
        "cannot write {}: {error}; choose a directory of the PATH with `--dir`",
        path.display()
    ))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o111 == 0o111)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    true
}
