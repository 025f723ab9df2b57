//! A process's output in the format of container runtimes, which `kubectl logs` reads through kwok.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The log of one container and of the one before it.
#[derive(Clone, Debug)]
pub(super) struct ContainerLog {
    current: PathBuf,
    previous: PathBuf,
}

impl ContainerLog {
    /// Logs in a directory.
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            current: directory.join("current.log"),
            previous: directory.join("previous.log"),
        }
    }

    /// The log of the running container.
    pub(super) fn current(&self) -> &Path {
        &self.current
    }

    /// The log of the container before it.
    pub(super) fn previous(&self) -> &Path {
        &self.previous
    }

    /// Begins a new log; the last one becomes the previous.
    pub(super) fn begin(&self) -> std::io::Result<LogFile> {
        if self.current.exists() {
            std::fs::rename(&self.current, &self.previous)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&self.current)?;
        Ok(LogFile(Arc::new(Mutex::new(file))))
    }
}

/// An open log that both streams of a process write to.
#[derive(Clone, Debug)]
pub(super) struct LogFile(Arc<Mutex<File>>);

impl LogFile {
    /// Copies a stream line by line until it ends.
    pub(super) async fn copy(self, stream: &'static str, from: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let time = Utc::now().to_rfc3339_opts(SecondsFormat::Nanos, true);
            let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // A log that cannot be written must not end the process it tells of.
            let _ = writeln!(file, "{time} {stream} F {line}");
        }
    }
}
