//! Images that are assembled on the spot, from files of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::error::{Context, Error, Result};
use crate::venv::output;

/// The image that holds the namespaces of a pod.
pub(super) const PAUSE: &str = "sandbox.tfserve.dev/pause:1";

/// An image of one layer.
#[derive(Clone, Debug)]
pub struct Image {
    name: String,
    entrypoint: Vec<String>,
    environment: Vec<String>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// Files of this machine and where they are in the image.
    Files(Vec<(PathBuf, String)>),
    /// A directory that is the root of the image.
    Directory(PathBuf),
    /// An image that was saved.
    Archive(PathBuf),
}

impl Image {
    /// An image of some files: each with its absolute path in the image.
    pub fn of_files(name: &str, entrypoint: &[&str], files: &[(&Path, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
            .collect();
        Self::new(name, entrypoint, Content::Files(files))
    }

    /// An image whose root is a directory.
    pub fn of_directory(name: &str, entrypoint: &[&str], root: &Path) -> Self {
        Self::new(name, entrypoint, Content::Directory(root.to_owned()))
    }

    /// An image that was saved with everything that it has.
    pub fn of_archive(name: &str, archive: &Path) -> Self {
        Self::new(name, &[], Content::Archive(archive.to_owned()))
    }

    /// With an environment variable for every container.
    #[must_use]
    pub fn with_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push(format!("{name}={value}"));
        self
    }

    pub(super) fn pause(binary: PathBuf) -> Self {
        let files = vec![(binary, "/pause".to_owned())];
        Self::new(PAUSE, &["/pause"], Content::Files(files))
    }

    fn new(name: &str, entrypoint: &[&str], content: Content) -> Self {
        Self {
            name: name.to_owned(),
            entrypoint: entrypoint.iter().map(|&word| word.to_owned()).collect(),
            environment: vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()],
            content,
        }
    }

    /// The full name with its tag.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A file as `docker save` writes it: in a directory, unless it was saved before.
    pub(super) fn archive(&self, directory: &Path) -> Result<PathBuf> {
        if let Content::Archive(archive) = &self.content {
            return Ok(archive.clone());
        }
        let name = self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let archive = directory.join(format!("{name}.tar"));
        self.save(&archive)?;
        Ok(archive)
    }

    /// Writes the image as `docker save` does.
    pub fn save(&self, archive: &Path) -> Result<()> {
        let directory = archive.parent().unwrap_or(Path::new("."));
        let work = tempfile::Builder::new()
            .prefix("image-")
            .tempdir_in(directory)
            .context(format!("cannot create a directory in {}", directory.display()))?;
        let layer = work.path().join("layer.tar");
        let root = match &self.content {
            Content::Files(files) => gather(files, &work.path().join("root"))?,
            Content::Directory(root) => root.clone(),
            Content::Archive(saved) => {
                fs::copy(saved, archive).context(format!("cannot copy {}", saved.display()))?;
                return Ok(());
            }
        };
        tar(&layer, &root, &["."])?;
        let configuration = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {"Entrypoint": self.entrypoint, "Env": self.environment, "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", sha256(&layer)?)]},
        });
        let manifest = json!([{"Config": "config.json", "RepoTags": [self.name], "Layers": ["layer.tar"]}]);
        for (name, value) in [("config.json", configuration), ("manifest.json", manifest)] {
            fs::write(work.path().join(name), value.to_string()).context(format!("cannot write {name}"))?;
        }
        tar(
            archive,
            work.path(),
            &["manifest.json", "config.json", "layer.tar"],
        )
    }
}

fn gather(files: &[(PathBuf, String)], root: &Path) -> Result<PathBuf> {
    for (from, to) in files {
        let to = root.join(to.trim_start_matches('/'));
        let what = || format!("cannot copy {} to {}", from.display(), to.display());
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).context(what())?;
        }
        fs::copy(from, &to).context(what())?;
    }
    // Some programs want a place for temporary files, whoever runs them.
    let temporary = root.join("tmp");
    fs::create_dir_all(&temporary).context(format!("cannot create {}", temporary.display()))?;
    output(Command::new("chmod").arg("1777").arg(&temporary))?;
    Ok(root.to_owned())
}

fn tar(archive: &Path, directory: &Path, members: &[&str]) -> Result<()> {
    output(
        Command::new("tar")
            .args(["--create", "--owner=0", "--group=0", "--numeric-owner", "--file"])
            .arg(archive)
            .arg("--directory")
            .arg(directory)
            .args(members),
    )
    .map(drop)
}

fn sha256(file: &Path) -> Result<String> {
    let printed = output(Command::new("sha256sum").arg(file))?;
    let text = String::from_utf8_lossy(&printed);
    let sum = text.split_whitespace().next();
    sum.map(|sum| sum.trim_start_matches('\\').to_owned())
        .ok_or_else(|| Error::Unexpected(format!("sha256sum said nothing of {}", file.display())))
}

/// This machine's architecture, as images call it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
