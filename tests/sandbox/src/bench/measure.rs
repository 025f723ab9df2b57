//! One run of one command: its time, its requests, its memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tfserve_sandbox::Sandbox;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// From start to end.
    pub(super) time: Duration,
    /// Requests to the API server, as the command itself counts them.
    pub(super) requests: usize,
    /// The most memory that it held, in bytes.
    pub(super) peak_bytes: u64,
}

/// Runs it with its output thrown away; none where it fails.
pub(super) fn run(sandbox: &Sandbox, program: &Path, words: &str) -> Option<Measured> {
    let talk = tempfile::NamedTempFile::new().ok()?;
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(words.split_whitespace())
        .env("KUBECONFIG", sandbox.kubeconfig())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(talk.reopen().ok()?)
        .spawn()
        .ok()?;
    let mut peak_bytes = 0;
    let status = loop {
        // The kernel keeps the peak itself, until the process has ended.
        peak_bytes = peak(child.id()).unwrap_or(peak_bytes);
        if let Some(status) = child.try_wait().ok()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let time = started.elapsed();
    let said = std::fs::read_to_string(talk.path()).unwrap_or_default();
    if !status.success() {
        anstream::eprintln!("{said}");
        return None;
    }
    Some(Measured {
        time,
        requests: requests(&said),
        peak_bytes,
    })
}

fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Our own count, or the requests in the log of kubectl.
fn requests(said: &str) -> usize {
    let ours = said
        .lines()
        .find_map(|line| line.split_once(" API requests to ")?.0.parse().ok());
    ours.unwrap_or_else(|| said.matches("\"Response\"").count())
}
