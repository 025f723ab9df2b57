//! The oracle: built once into the sandbox's cache, then asked through pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::scenario::Scenario;

/// The release whose calculator the oracle drives.
pub const VERSION: &str = "v1.37.2";

/// What the controller's calculator says.
#[derive(Deserialize)]
pub struct Answer {
    pub replicas: i32,
    pub utilization: i32,
    pub error: Option<String>,
}

/// A built oracle.
pub struct Oracle(PathBuf);

/// Builds the oracle, or finds it in the cache.
pub fn build() -> Oracle {
    Oracle(PathBuf::from(std::env::var("ORACLE").unwrap()))
}

impl Oracle {
    /// Answers in the order of the scenarios.
    pub fn solve(&self, scenarios: &[Scenario]) -> Vec<Answer> {
        let mut child =
            Command::new(&self.0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
        let mut input = child.stdin.take().expect("its input is a pipe");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let answers = std::thread::scope(|threads| {
            threads.spawn(move || {
                for scenario in scenarios {
                    serde_json::to_writer(&mut input, scenario).expect("the oracle reads");
                    input.write_all(b"\n").expect("the oracle reads");
                }
            });
            output.lines().map(|line| serde_json::from_str(&line.expect("the oracle answers")).expect("JSON")).collect()
        });
        assert!(child.wait().expect("the oracle ends").success(), "the oracle failed");
        answers
    }
}
