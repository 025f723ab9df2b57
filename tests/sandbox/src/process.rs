//! Processes that cannot outlive their sandbox.
//!
//! Every component runs in one process group. Its leader is a `cat` that does nothing; beside it, in a
//! group of its own, a *sweeper* (a shell) reads from a pipe whose other end only this process holds.
//! When this process ends in any way, be it a drop, a panic, Ctrl-C or SIGKILL, the kernel closes the pipe;
//! the sweeper then kills the group and removes the state directory.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Context, Error, Result};

/// Kills group `$1`, runs script `$3` and removes directory `$2` as soon as its standard input ends: whoever sees that
/// the directory is gone knows that all is.
const SWEEPER: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
kill -s KILL -- "-$1" 2>/dev/null
eval "$3"
n=0
while [ -e "$2" ] && [ "$n" -lt 100 ]; do
    rm -rf -- "$2" 2>/dev/null || sleep 0.05
    n=$((n + 1))
done
"#;

/// The process group of a sandbox and the sweeper that ends it.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    id: i32,
    leader: Child,
    sweeper: Child,
}

impl ProcessGroup {
    /// Starts the leader and the sweeper; at the end the shell script `last` runs and `state` is removed.
    pub(crate) fn start(state: &Path, last: &str) -> Result<Self> {
        let leader = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start `cat` as the leader of the process group")?;
        let id = i32::try_from(leader.id()).map_err(|e| Error::Unexpected(format!("process id: {e}")))?;
        let sweeper = Command::new("sh")
            .args(["-c", SWEEPER, "tfserve-sandbox-sweeper", &id.to_string()])
            .arg(state)
            .arg(last)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start `sh` as the sweeper")?;
        Ok(Self { id, leader, sweeper })
    }

    /// The id of the group, to be given to [`CommandExt::process_group`].
    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// Starts `command` in the group, its output appended to `log`.
    pub(crate) fn spawn(&self, name: &str, command: &mut Command, log: &Path) -> Result<Process> {
        let output = open_log(log)?;
        let errors = output.try_clone().context("cannot duplicate a log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(self.id)
            .spawn()
            .context(format!("cannot start {name}"))?;
        Ok(Process {
            name: name.to_owned(),
            id: child.id(),
            log: log.to_owned(),
            child: Mutex::new(child),
        })
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        drop(self.sweeper.stdin.take());
        // The sweeper takes milliseconds; a machine that is out of breath gets ten seconds.
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.sweeper.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Nothing can be done about an error here: the pipes are closed in any case.
        let _ = self.leader.kill();
        let _ = self.leader.wait();
    }
}

/// A running component.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    id: u32,
    log: PathBuf,
    child: Mutex<Child>,
}

impl Process {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Where its output goes.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// An error with the end of its log if it ended.
    pub(crate) fn check(&self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => Err(Error::ComponentEnded {
                component: self.name.clone(),
                status: status.to_string(),
                log: tail(&self.log, 12),
            }),
        }
    }

    /// Sends `signal`; an ended process is an error.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let mut child = self.child();
        if let Ok(Some(status)) = child.try_wait() {
            return Err(Error::ComponentEnded {
                component: self.name.clone(),
                status: status.to_string(),
                log: tail(&self.log, 12),
            });
        }
        let id = i32::try_from(self.id).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| Error::Unexpected(format!("{} has no process id", self.name)))?;
        // The child is not yet waited for, so the id is its own.
        kill_process(id, signal)
            .map_err(std::io::Error::from)
            .context(format!("cannot send {signal:?} to {}", self.name))
    }

    /// Kills it and waits for its end.
    pub(crate) fn kill(&self) -> Result<()> {
        let mut child = self.child();
        child.kill().context(format!("cannot kill {}", self.name))?;
        child.wait().context(format!("cannot wait for {}", self.name))?;
        Ok(())
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a log to append to.
pub(crate) fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .context(format!("cannot open {}", path.display()))
}

/// The last `lines` lines of a file, empty when there is none.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// When a running process began, in clock ticks since boot: with its id it names a process for good.
///
/// A process that has ended and that nobody has waited for yet does not run.
pub fn start_time(id: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything; the 22nd field is the 20th after it.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let began = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(began)
}

/// Resident memory of a process in bytes.
pub fn resident_memory(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
