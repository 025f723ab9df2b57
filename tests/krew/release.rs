//! `plugin-manifest/release` in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The tag of the tests.
pub(crate) const TAG: &str = "v0.1.0";

/// The platforms of a release.
pub(crate) const PLATFORMS: [&str; 5] = [
    "linux_amd64",
    "linux_arm64",
    "darwin_amd64",
    "darwin_arm64",
    "windows_amd64",
];

/// A directory with archives in it.
pub(crate) struct Release {
    directory: tempfile::TempDir,
}

impl Release {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// One with an archive of every platform; their binary is of no platform at all.
    pub(crate) fn complete() -> Self {
        let release = Self::new();
        let binary = release.path().join("binary");
        std::fs::write(&binary, "not a program\n").unwrap();
        for platform in PLATFORMS {
            release.archive(platform, &binary);
        }
        release
    }

    /// Where everything is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts a binary into the archive of a platform.
    pub(crate) fn archive(&self, platform: &str, binary: &Path) -> PathBuf {
        self.run(&["archive", platform, binary.to_str().unwrap()]);
        self.path().join(archive_name(platform))
    }

    /// The manifest of the archives that are there.
    pub(crate) fn manifest(&self) -> Value {
        self.run(&["manifest"]);
        let text = std::fs::read_to_string(self.path().join("tfserve.yaml")).unwrap();
        serde_saphyr::from_str(&text).unwrap()
    }

    /// Runs a step; what it says on stderr.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(project().join("plugin-manifest/release"))
            .args(arguments)
            .env("DIST", self.path())
            .env("RELEASE_TAG", TAG)
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .env("GITHUB_REPOSITORY", "example/kubectl-tfserve")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }
}

/// The archive of a platform.
pub(crate) fn archive_name(platform: &str) -> String {
    format!("kubectl-tfserve_{TAG}_{platform}.tar.gz")
}

/// The repository's root.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The checksum of a file, by the tool that everybody has.
pub(crate) fn sha256(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}
