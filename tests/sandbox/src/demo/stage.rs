//! Prints what a person would type and see, and checks that it ends as the story says.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{PATIENCE, derailed};
use tfserve_sandbox::{Result, Sandbox};

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Where the story is played.
pub(super) struct Stage<'a> {
    started: Instant,
    sandbox: Option<&'a Sandbox>,
    path: OsString,
}

impl<'a> Stage<'a> {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            sandbox: None,
            path: OsString::new(),
        }
    }

    /// From now on commands run against the sandbox, with its kubectl and the plugin first on the path.
    pub(super) fn open(&mut self, sandbox: &'a Sandbox, plugin_directory: &Path) {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let directories = [plugin_directory.to_owned(), sandbox.kubectl_directory()];
        self.path = std::env::join_paths(directories.into_iter().chain(std::env::split_paths(&inherited)))
            .unwrap_or(inherited);
        self.sandbox = Some(sandbox);
    }

    pub(super) fn chapter(&self, title: &str, remark: &str) {
        let seconds = self.started.elapsed().as_secs();
        anstream::println!("\n{BOLD}── {title}{PLAIN} {DIM}({remark}; {seconds} s){PLAIN}\n");
    }

    pub(super) fn narrate(text: &str) {
        anstream::println!("{DIM}# {text}{PLAIN}\n");
    }

    /// The command ends with 0.
    pub(super) fn succeeds(&self, command: &str) -> Result<()> {
        self.run(command, 0)
    }

    /// The command ends with 1, the plugin's word for "a problem was found".
    pub(super) fn finds_a_problem(&self, command: &str) -> Result<()> {
        self.run(command, 1)
    }

    fn run(&self, command: &str, expected: i32) -> Result<()> {
        anstream::println!("{BOLD}$ {command}{PLAIN}");
        let sandbox = self
            .sandbox
            .ok_or_else(|| derailed("no cluster is running".to_owned()))?;
        // No argument of the story holds a space.
        let mut words = command.split_whitespace();
        let program = words.next().unwrap_or_default();
        let program = if program == "kubectl" {
            sandbox.kubectl_directory().join(program)
        } else {
            program.into()
        };
        let status = Command::new(&program)
            .args(words)
            .env("PATH", &self.path)
            .env("KUBECONFIG", sandbox.kubeconfig())
            .status()
            .map_err(|error| derailed(format!("cannot run `{command}`: {error}")))?;
        println!();
        if status.code() == Some(expected) {
            Ok(())
        } else {
            Err(derailed(format!(
                "`{command}` ended with {status}, the story expects exit code {expected}"
            )))
        }
    }

    /// Waits until something is so, visibly.
    pub(super) fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
        let spinner = ProgressBar::new_spinner().with_message(format!("waiting until {what}"));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            spinner.set_style(style);
        }
        spinner.enable_steady_tick(Duration::from_millis(120));
        let deadline = Instant::now() + PATIENCE;
        while !is_so()? {
            if Instant::now() > deadline {
                return Err(derailed(format!(
                    "waited {} s until {what}, in vain",
                    PATIENCE.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        spinner.finish_and_clear();
        Ok(())
    }
}
