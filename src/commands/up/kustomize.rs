//! `--kustomize DIR`: a file for each object, and the kustomization that names them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::serving::manifest::Manifest;

const MARK: &str = "# Written by `kubectl tfserve up --kustomize`, which replaces it; take this line out to keep it as it is\n";
const KUSTOMIZATION: &str = "kustomization.yaml";
/// kustomize takes one of these, and refuses two (`api/konfig`, kustomize 5).
const OTHER_NAMES: [&str; 2] = ["kustomization.yml", "Kustomization"];

#[derive(Deserialize)]
struct Kustomization {
    #[serde(default)]
    resources: Vec<String>,
}

/// Writes it, and tells each file. Nothing is written before all files are known to be new or ours.
pub(super) fn write(directory: &Path, manifests: &[Manifest]) -> Result<(), Error> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    let mut resources = known_resources(directory)?;
    for manifest in manifests {
        let name = format!("{}-{}.yaml", manifest.kind().to_lowercase(), manifest.name());
        files.push((directory.join(&name), document(manifest.value())?));
        resources.insert(name);
    }
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
    });
    files.push((directory.join(KUSTOMIZATION), document(&kustomization)?));
    let mut changes = Vec::new();
    for (path, text) in files {
        let word = match existing(&path)? {
            Some(old) if old == text => "unchanged",
            Some(_) => "written",
            None => "created",
        };
        changes.push((path, text, word));
    }
    std::fs::create_dir_all(directory).map_err(|error| failed("create", directory, &error))?;
    for (path, text, word) in changes {
        if word != "unchanged" {
            replace(directory, &path, &text).map_err(|error| failed("write", &path, &error))?;
        }
        writeln!(anstream::stdout(), "{} {word}", path.display())?;
    }
    Ok(())
}

/// What an earlier run of ours, for this or another variant, has put there.
fn known_resources(directory: &Path) -> Result<BTreeSet<String>, Error> {
    if let Some(other) = OTHER_NAMES
        .iter()
        .map(|name| directory.join(name))
        .find(|path| path.exists())
    {
        return Err(foreign(&other));
    }
    let path = directory.join(KUSTOMIZATION);
    let Some(text) = existing(&path)? else {
        return Ok(BTreeSet::new());
    };
    let kustomization: Kustomization = serde_saphyr::from_str(&text).map_err(|error| {
        Error::Usage(format!(
            "cannot read {}: {error}; remove it, and repeat the command",
            path.display()
        ))
    })?;
    Ok(kustomization.resources.into_iter().collect())
}

/// The text of a file that is ours; none where there is no file.
fn existing(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.starts_with(MARK) => Ok(Some(text)),
        Ok(_) => Err(foreign(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

fn foreign(path: &Path) -> Error {
    Error::Usage(format!(
        "cannot write {}: it was not written by this command; choose a directory of its own, and name that in your `resources`",
        path.display()
    ))
}

fn failed(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Usage(format!("cannot {verb} {}: {error}", path.display()))
}

fn document(value: &Value) -> Result<String, Error> {
    let text = serde_saphyr::to_string(value)
        .map_err(|error| Error::Output(std::io::Error::other(error.to_string())))?;
    Ok(format!("{MARK}{text}"))
}

/// Whatever interrupts it, the file is the old one or the new one.
fn replace(directory: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}
