//! The clients: what is started, and where it comes from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use tfserve_sandbox::{Result, locust, oha};

/// Each request's body.
pub(super) const BODY: &str = r#"{"instances": [[1.0]]}"#;
/// Where it is sent.
pub(super) const PATH: &str = "/v1/models/m:predict";

/// What every client is told.
pub(super) struct Load<'a> {
    pub(super) host: &'a str,
    pub(super) users: u32,
    pub(super) seconds: u32,
    /// A directory for their files.
    pub(super) files: &'a Path,
}

/// One client.
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// Or why it is missing.
    pub(super) command: std::result::Result<Command, String>,
}

/// All of them, ours first.
pub(super) fn all(plugin: &Path, load: &Load<'_>) -> std::io::Result<Vec<Tool>> {
    Ok(vec![
        Tool {
            name: "kubectl tfserve load",
            command: Ok(ours(plugin, load)?),
        },
        Tool {
            name: "oha",
            command: found(oha()).map(|program| oha_of(&program, load)),
        },
        Tool {
            name: "wrk",
            command: on_path("wrk")
                .ok_or_else(|| "not on PATH: apt-get install wrk".to_owned())
                .and_then(|program| wrk(&program, load).map_err(|error| error.to_string())),
        },
        Tool {
            name: "Locust, FastHttpUser",
            command: found(locust())
                .and_then(|program| locust_of(&program, load).map_err(|error| error.to_string())),
        },
    ])
}

fn found(program: Result<PathBuf>) -> std::result::Result<PathBuf, String> {
    program.map_err(|error| error.to_string())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path: OsString = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

fn ours(plugin: &Path, load: &Load<'_>) -> std::io::Result<Command> {
    let body = load.files.join("request.json");
    std::fs::write(&body, BODY)?;
    let mut command = Command::new(plugin);
    command
        .args(["load", "--url", &format!("http://{}{PATH}", load.host), "-f"])
        .arg(body)
        .args(["--users", &load.users.to_string()])
        .args(["--step-every", &format!("{}s", load.seconds)]);
    Ok(command)
}

fn oha_of(program: &Path, load: &Load<'_>) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--no-tui", "-c", &load.users.to_string()])
        .args(["-z", &format!("{}s", load.seconds)])
        .args(["-m", "POST", "-T", "application/json", "-d", BODY])
        .arg(format!("http://{}{PATH}", load.host));
    command
}

fn wrk(program: &Path, load: &Load<'_>) -> std::io::Result<Command> {
    let script = load.files.join("post.lua");
    // Of this level, Lua's brackets may hold those of the body.
    let text = format!(
        "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [=[{BODY}]=]\n"
    );
    std::fs::write(&script, text)?;
    let mut command = Command::new(program);
    command
        .args([
            "-t1",
            &format!("-c{}", load.users),
            &format!("-d{}s", load.seconds),
            "-s",
        ])
        .arg(script)
        .arg(format!("http://{}{PATH}", load.host));
    Ok(command)
}

fn locust_of(program: &Path, load: &Load<'_>) -> std::io::Result<Command> {
    let file = load.files.join("locustfile.py");
    std::fs::write(
        &file,
        format!(
            "from locust import FastHttpUser, constant, task\n\n\n\
             class User(FastHttpUser):\n    wait_time = constant(0)\n\n    @task\n    def ask(self):\n        \
             self.client.post(\"{PATH}\", data=b'{BODY}', headers={{\"content-type\": \"application/json\"}})\n"
        ),
    )?;
    let users = load.users.to_string();
    let mut command = Command::new(program);
    command
        .arg("-f")
        .arg(file)
        .args([
            "--headless",
            "--only-summary",
            "--users",
            &users,
            "--spawn-rate",
            &users,
        ])
        .args(["--run-time", &format!("{}s", load.seconds)])
        .args(["--host", &format!("http://{}", load.host)]);
    Ok(command)
}
