//! The sources in Go's module cache, and the program that reads them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;

/// One thing that the sources can say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Said {
    /// `event`, `condition`, `text`, or `unresolved` where the extractor was at its end.
    #[serde(rename = "use")]
    pub(crate) use_: String,
    /// The type of an event or a condition.
    #[serde(rename = "type", default)]
    pub(crate) type_: String,
    /// Its reason.
    #[serde(default)]
    pub(crate) reason: String,
    /// The text, where it can be seen in the source which one it is.
    #[serde(default)]
    pub(crate) text: String,
    /// File and line.
    pub(crate) at: String,
}

/// A pinned release of Kubernetes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pin {
    /// Its directory in `tests/sandbox/components`.
    pub(crate) module: &'static str,
    /// Its minor version.
    pub(crate) minor: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    #[serde(default)]
    dir: PathBuf,
    #[serde(default)]
    error: String,
}

impl Pin {
    /// Where the sources of a module are; they are downloaded where they are not there yet.
    pub(crate) fn directory(self, module: &str) -> Result<PathBuf, String> {
        download(
            &project().join("tests/sandbox/components").join(self.module),
            module,
        )
    }

    /// All strings of a directory or a file of a library, such as `k8s.io/client-go/scale/util.go`.
    pub(crate) fn library(self, place: &str) -> Result<Vec<Said>, String> {
        let mut segments = place.splitn(3, '/');
        let module = [segments.next(), segments.next()].map(Option::unwrap_or_default);
        let inside = segments.next().unwrap_or_default();
        let directory = self.directory(&module.join("/"))?;
        Ok(run(&["-all"], &directory.join(inside)))
    }
}

/// Where the sources of a release are that nobody pinned, such as `v1.38.0`.
pub(crate) fn release(version: &str) -> Result<PathBuf, String> {
    // Outside of a module no pin stands in the way.
    download(
        Path::new(env!("CARGO_TARGET_TMPDIR")),
        &format!("k8s.io/kubernetes@{version}"),
    )
}

fn download(directory: &Path, module: &str) -> Result<PathBuf, String> {
    let output = go(directory)
        .args(["mod", "download", "-json", module])
        .output()
        .map_err(|error| format!("cannot run `go`: {error}"))?;
    let downloaded: Downloaded = serde_json::from_slice(&output.stdout)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
    if downloaded.error.is_empty() {
        Ok(downloaded.dir)
    } else {
        Err(downloaded.error)
    }
}

/// What a directory of the controller can say.
pub(crate) fn told(directory: &Path) -> Vec<Said> {
    run(&[], directory)
}

fn run(flags: &[&str], directory: &Path) -> Vec<Said> {
    let output = Command::new(extractor())
        .args(flags)
        .arg(directory)
        .stderr(Stdio::inherit())
        .output()
        .expect("the extractor starts");
    assert!(
        output.status.success(),
        "the extractor cannot read {}",
        directory.display()
    );
    String::from_utf8(output.stdout)
        .expect("the extractor writes UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// Compiles the extractor once.
fn extractor() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drift-extract");
        let status = go(&project().join("tests/drift/extract"))
            .args(["build", "-trimpath", "-o"])
            .arg(&program)
            .arg(".")
            .status()
            .expect("`go` is installed: the controller's sources are Go");
        assert!(status.success(), "the extractor does not build");
        program
    })
}

fn go(directory: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(directory)
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "auto")
        .env("GOFLAGS", "")
        .stdin(Stdio::null());
    command
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
