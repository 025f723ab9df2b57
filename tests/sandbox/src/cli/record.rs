//! What is written down about the cluster that `up` started.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tfserve_sandbox::{ComponentStatus, Error, Result, components, start_time};

/// How long a cluster may take to end.
const LIMIT: Duration = Duration::from_secs(20);

/// Where the record is kept instead of in the cache.
const DIRECTORY_VARIABLE: &str = "TFSERVE_SANDBOX_RECORD";

/// The directory of the record: one cluster a directory.
pub(super) fn directory() -> Result<PathBuf> {
    match std::env::var_os(DIRECTORY_VARIABLE).filter(|value| !value.is_empty()) {
        Some(directory) => Ok(directory.into()),
        None => components::cache_directory(),
    }
}

/// A running cluster.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// The process that holds it.
    pub(super) pid: u32,
    /// When that process began: an id alone may meanwhile be somebody else's.
    pub(super) started: u64,
    /// Its state directory.
    pub(super) directory: PathBuf,
    /// The administrator's kubeconfig.
    pub(super) kubeconfig: PathBuf,
    /// Where the pinned kubectl is.
    pub(super) kubectl_directory: PathBuf,
    /// The API server.
    pub(super) url: String,
    /// Its components.
    pub(super) components: Vec<ComponentStatus>,
}

impl Record {
    /// The file of the record.
    pub(super) fn path() -> Result<PathBuf> {
        Ok(directory()?.join("up.json"))
    }

    /// The log of the process that holds the cluster.
    pub(super) fn log() -> Result<PathBuf> {
        Ok(directory()?.join("up.log"))
    }

    /// The record, if its process still runs.
    pub(super) fn running() -> Result<Option<Self>> {
        let path = Self::path()?;
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(None);
        };
        let record: Self = serde_json::from_str(&text).map_err(|source| Error::Record { path, source })?;
        Ok(record.is_running().then_some(record))
    }

    /// Writes it in one step.
    pub(super) fn write(&self) -> Result<()> {
        let path = Self::path()?;
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::Unexpected(e.to_string()))?;
        let unfinished = path.with_extension("json.new");
        fs::write(&unfinished, text)
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(|source| Error::Io {
                what: format!("cannot write {}", path.display()),
                source,
            })
    }

    /// Forgets it.
    pub(super) fn remove() -> Result<()> {
        // It may be gone.
        let _ = fs::remove_file(Self::path()?);
        Ok(())
    }

    /// Ends the process and with it the cluster; waits until the state directory is gone.
    pub(super) fn end(&self) -> Result<()> {
        self.signal(Signal::TERM)?;
        if !wait_until(|| !self.is_running()) {
            self.signal(Signal::KILL)?;
        }
        if !wait_until(|| !self.is_running() && !exists(&self.directory)) {
            return Err(Error::Unexpected(format!(
                "{} is still there",
                self.directory.display()
            )));
        }
        Self::remove()
    }

    fn is_running(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        match id {
            Some(id) if self.is_running() => kill_process(id, signal).map_err(|error| Error::Io {
                what: format!("cannot end process {}", self.pid),
                source: error.into(),
            }),
            _ => Ok(()),
        }
    }
}

fn exists(path: &Path) -> bool {
    path.exists()
}

fn wait_until(done: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}
