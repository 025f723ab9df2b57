//! Nothing of a sandbox is left, however it ends.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The binary under test with a record of its own; components are shared with everybody.
fn sandbox(cache: &Path, command: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tfserve-sandbox"))
        .arg(command)
        .env("TFSERVE_SANDBOX_RECORD", cache)
        .output()
        .expect("tfserve-sandbox")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn record(directory: &Path) -> (u32, PathBuf, Vec<u32>) {
    let record = std::fs::read(directory.join("up.json")).expect("a record");
    let record: serde_json::Value = serde_json::from_slice(&record).expect("JSON");
    let id = |value: &serde_json::Value| {
        value
            .as_u64()
            .and_then(|id| u32::try_from(id).ok())
            .expect("a pid")
    };
    let components = record["components"].as_array().expect("components");
    let directory = PathBuf::from(record["directory"].as_str().expect("a directory"));
    (
        id(&record["pid"]),
        directory,
        components.iter().map(|component| id(&component["pid"])).collect(),
    )
}

/// Whether a process runs, in its own right or as a zombie that nobody waited for.
fn runs(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn wait_until_gone(directory: &Path, ids: &[u32]) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while directory.exists() || ids.iter().any(|id| runs(*id)) {
        assert!(
            Instant::now() < deadline,
            "{} or one of {ids:?} is left",
            directory.display()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn nothing_is_left_after_down_and_after_sigkill() {
    let home = tempfile::tempdir().expect("a directory");
    let home = home.path();
    assert!(!sandbox(home, "status").status.success());

    let up = sandbox(home, "up");
    assert!(up.status.success(), "{}", text(&up.stderr));
    assert!(
        text(&up.stdout).starts_with("export KUBECONFIG=/"),
        "{}",
        text(&up.stdout)
    );
    let again = sandbox(home, "up");
    assert!(
        text(&again.stderr).contains("already runs"),
        "{}",
        text(&again.stderr)
    );
    assert_eq!(text(&up.stdout), text(&again.stdout));
    let status = text(&sandbox(home, "status").stdout);
    assert!(
        status.contains("kube-apiserver") && status.contains("https://127.0.0.1:"),
        "{status}"
    );
    let (_, directory, components) = record(home);
    let down = sandbox(home, "down");
    assert!(down.status.success(), "{}", text(&down.stderr));
    wait_until_gone(&directory, &components);

    let up = sandbox(home, "up");
    assert!(up.status.success(), "{}", text(&up.stderr));
    let (holder, directory, components) = record(home);
    assert_eq!(components.len(), 5);
    assert!(components.iter().all(|id| runs(*id)));
    let holder = rustix::process::Pid::from_raw(i32::try_from(holder).expect("a pid")).expect("a pid");
    rustix::process::kill_process(holder, rustix::process::Signal::KILL).expect("a signal");
    wait_until_gone(&directory, &components);
    assert!(text(&sandbox(home, "down").stderr).contains("no sandbox runs"));
}
