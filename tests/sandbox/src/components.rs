//! The pinned Go components: built from source on first use, kept in a cache outside the repository.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Context, Error, Result};

/// The directory with one Go module a release.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/components");

/// The environment variable that moves the cache.
pub const CACHE_VARIABLE: &str = "TFSERVE_SANDBOX_CACHE";

/// The environment variable that chooses the Kubernetes release.
pub const RELEASE_VARIABLE: &str = "TFSERVE_SANDBOX_KUBERNETES";

/// A pinned release of Kubernetes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// The oldest release under test.
    V1_34,
    /// The newest one.
    #[default]
    V1_37,
}

impl Release {
    /// The release that `TFSERVE_SANDBOX_KUBERNETES` names, else the newest.
    pub fn from_environment() -> Result<Self> {
        match std::env::var(RELEASE_VARIABLE) {
            Err(_) => Ok(Self::default()),
            Ok(name) => name.parse(),
        }
    }

    /// Whether `1.34` or the pinned `1.34.4` means this release.
    fn is_called(self, name: &str) -> bool {
        let minor = self.module().trim_start_matches("kubernetes-");
        let pinned = required(self.pins(), "k8s.io/kubernetes");
        name == minor || pinned.is_some_and(|version| version.trim_start_matches('v') == name)
    }

    fn pins(self) -> &'static str {
        match self {
            Self::V1_34 => include_str!("../components/kubernetes-1.34/go.mod"),
            Self::V1_37 => include_str!("../components/kubernetes-1.37/go.mod"),
        }
    }

    /// Its module under `components/`.
    fn module(self) -> &'static str {
        match self {
            Self::V1_34 => "kubernetes-1.34",
            Self::V1_37 => "kubernetes-1.37",
        }
    }
}

impl std::str::FromStr for Release {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let wanted = name.trim().trim_start_matches('v');
        let releases = [Self::V1_34, Self::V1_37];
        match wanted {
            "" => Ok(Self::default()),
            _ => releases
                .into_iter()
                .find(|release| release.is_called(wanted))
                .ok_or_else(|| Error::UnknownRelease(wanted.to_owned())),
        }
    }
}

/// Where each binary is.
#[derive(Clone, Debug)]
pub struct Components {
    etcd: PathBuf,
    kubernetes: PathBuf,
    kwok: PathBuf,
    metrics_server: PathBuf,
}

impl Components {
    /// Finds the components in the cache, or builds them there.
    pub fn prepare(release: Release) -> Result<Self> {
        let cache = existing_cache()?;
        let newest = build(&cache, Release::V1_37.module())?;
        let kubernetes = match release {
            Release::V1_37 => newest.clone(),
            Release::V1_34 => build(&cache, release.module())?,
        };
        Ok(Self {
            etcd: newest.join("etcd"),
            kubernetes,
            kwok: build(&cache, "kwok")?.join("kwok"),
            metrics_server: build(&cache, "metrics-server")?.join("metrics-server"),
        })
    }

    /// The path of etcd.
    pub fn etcd(&self) -> &Path {
        &self.etcd
    }

    /// The path of a command of Kubernetes, for example `kube-apiserver` or `kubectl`.
    pub fn kubernetes(&self, command: &str) -> PathBuf {
        self.kubernetes.join(command)
    }

    /// The path of kwok.
    pub fn kwok(&self) -> &Path {
        &self.kwok
    }

    /// The path of metrics-server.
    pub fn metrics_server(&self) -> &Path {
        &self.metrics_server
    }
}

/// `$TFSERVE_SANDBOX_CACHE`, else a directory in the user's cache.
pub fn cache_directory() -> Result<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(directory) = set(CACHE_VARIABLE) {
        return Ok(directory);
    }
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("kubectl-tfserve-sandbox"))
        .ok_or_else(|| Error::Unexpected(format!("set {CACHE_VARIABLE}: there is no home directory")))
}

/// The directory with kubelet and kube-proxy, of the newest release.
pub(crate) fn node() -> Result<PathBuf> {
    build(&existing_cache()?, "node")
}

/// The directory with containerd, its shim, `ctr` and the program that holds a pod's namespaces.
pub(crate) fn containerd() -> Result<PathBuf> {
    build(&existing_cache()?, "containerd")
}

fn existing_cache() -> Result<PathBuf> {
    let cache = cache_directory()?;
    fs::create_dir_all(&cache).context(format!("cannot create {}", cache.display()))?;
    Ok(cache)
}

/// What to build of a module: its tools, and a command of ours that lies with it.
fn packages(source: &Path) -> Vec<&'static str> {
    if source.join("pause").is_dir() {
        // File systems whose drivers need C.
        return vec!["-tags", "no_btrfs,no_zfs,no_devmapper", "tool", "./pause"];
    }
    vec!["tool"]
}

/// The directory with the binaries of a module, built if it is not there.
fn build(cache: &Path, module: &str) -> Result<PathBuf> {
    let source = Path::new(MODULES).join(module);
    let linker = linker_flags(&source)?;
    let directory = cache.join(format!("{module}-{:016x}", key(&source, &linker)?));
    if directory.is_dir() {
        return Ok(directory);
    }
    let lock = cache.join(format!("{module}.lock"));
    let lock = File::create(&lock).context(format!("cannot create {}", lock.display()))?;
    lock.lock().context("cannot lock the cache of components")?;
    // Another process may have built it while this one waited.
    if directory.is_dir() {
        return Ok(directory);
    }
    let unfinished = tempfile::Builder::new()
        .prefix(".building-")
        .tempdir_in(cache)
        .context("cannot create a directory to build in")?;
    compile(module, &source, &linker, unfinished.path())?;
    // The root of etcd's module is its command, which Go names after the module.
    for name in ["server", "v3"] {
        let binary = unfinished.path().join(name);
        if binary.is_file() {
            let etcd = unfinished.path().join("etcd");
            fs::rename(&binary, etcd).context("cannot rename the binary of etcd")?;
        }
    }
    fs::rename(unfinished.path(), &directory).context(format!("cannot create {}", directory.display()))?;
    Ok(directory)
}

/// The command that compiles in `source` with the toolchain that its go.mod asks for.
fn go(source: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(source)
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "auto")
        .stdin(Stdio::null());
    command
}

fn go_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::GoNotFound,
        _ => Error::Io {
            what: "cannot run `go`".to_owned(),
            source: error,
        },
    }
}

/// Changes whenever the pins, the flags or the compiler change.
fn key(source: &Path, linker: &str) -> Result<u64> {
    let compiler = go(source)
        .args(["env", "GOVERSION", "GOARCH"])
        .output()
        .map_err(go_error)?;
    let mut hash = Fnv::default();
    for file in ["go.mod", "go.sum"] {
        let path = source.join(file);
        hash.write(&fs::read(&path).context(format!("cannot read {}", path.display()))?);
    }
    hash.write(linker.as_bytes());
    hash.write(&compiler.stdout);
    Ok(hash.value())
}

/// FNV-1a: stable between releases of Rust, unlike the standard library's hasher.
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(crate) fn value(&self) -> u64 {
        self.0
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// Strips the binaries and lets Kubernetes say its true version.
fn linker_flags(source: &Path) -> Result<String> {
    let path = source.join("go.mod");
    let text = fs::read_to_string(&path).context(format!("cannot read {}", path.display()))?;
    let mut flags = vec!["-s -w".to_owned()];
    if let Some(version) = required(&text, "k8s.io/kubernetes") {
        let mut numbers = version.trim_start_matches('v').split('.');
        let package = "k8s.io/component-base/version";
        for (name, value) in [
            ("gitVersion", Some(version)),
            ("gitMajor", numbers.next()),
            ("gitMinor", numbers.next()),
        ] {
            flags.push(format!("-X {package}.{name}={}", value.unwrap_or_default()));
        }
    }
    if let Some(version) = required(&text, "sigs.k8s.io/metrics-server") {
        flags.push(format!("-X k8s.io/client-go/pkg/version.gitVersion={version}"));
    }
    Ok(flags.join(" "))
}

/// The version of a module that a go.mod requires.
fn required<'a>(pins: &'a str, module: &str) -> Option<&'a str> {
    pins.lines().find_map(|line| {
        let mut words = line.trim().trim_start_matches("require ").split_whitespace();
        (words.next() == Some(module)).then(|| words.next().unwrap_or_default())
    })
}

fn compile(module: &str, source: &Path, linker: &str, into: &Path) -> Result<()> {
    let started = Instant::now();
    anstream::eprintln!("building {module} from source: once, some minutes");
    let mut output = into.as_os_str().to_owned();
    output.push("/");
    let mut child = go(source)
        .args(["build", "-v", "-trimpath", "-ldflags", linker, "-o"])
        .arg(&output)
        .args(packages(source))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(go_error)?;
    let bar = ProgressBar::new_spinner();
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {prefix} {elapsed}  {pos} packages  {wide_msg}")
    {
        bar.set_style(style);
    }
    bar.set_prefix(module.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut said = Vec::new();
    let mut last_line = Instant::now();
    if let Some(errors) = child.stderr.take() {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            bar.inc(1);
            bar.set_message(line.clone());
            if bar.is_hidden() && last_line.elapsed() > Duration::from_secs(30) {
                last_line = Instant::now();
                let seconds = started.elapsed().as_secs();
                anstream::eprintln!("building {module}: {seconds} s, {} packages", bar.position());
            }
            said.push(line);
        }
    }
    let status = child.wait().context("cannot wait for `go`")?;
    bar.finish_and_clear();
    if !status.success() {
        let output = said[said.len().saturating_sub(20)..].join("\n");
        return Err(Error::Build {
            module: module.to_owned(),
            status,
            output,
        });
    }
    anstream::eprintln!("built {module} in {} s", started.elapsed().as_secs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Release;

    #[test]
    fn a_release_is_named_by_its_minor_or_by_what_is_pinned() {
        for name in ["1.34", "v1.34", "1.34.4", "v1.34.4"] {
            assert_eq!(name.parse::<Release>().ok(), Some(Release::V1_34), "{name}");
        }
        for name in ["", "1.37", " v1.37.2 "] {
            assert_eq!(name.parse::<Release>().ok(), Some(Release::V1_37), "{name}");
        }
        for name in ["1.34.0", "1.3", "1.36", "latest"] {
            assert!(name.parse::<Release>().is_err(), "{name}");
        }
    }
}
