//! The oracle: compiled from the pinned sources of the controller, asked through pipes.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer};

use crate::scenario::Scenario;
use crate::sequence::Decision;

/// What the controller's calculator says.
#[derive(Deserialize)]
pub(crate) struct Answer {
    pub(crate) replicas: i32,
    pub(crate) utilization: i32,
    /// As the status shows it.
    pub(crate) usage: String,
    pub(crate) error: Option<String>,
    /// What the controller writes, where limits are asked for.
    pub(crate) desired: i32,
    /// The reason of the condition `ScalingLimited`.
    pub(crate) reason: String,
    /// What it makes of a sequence of syncs.
    #[serde(default, deserialize_with = "none_is_empty")]
    pub(crate) decisions: Vec<Decision>,
}

/// Go writes `null` for a list that was never made.
fn none_is_empty<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Decision>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// A release whose controller is the oracle.
#[derive(Clone, Copy)]
pub(crate) enum Release {
    Newest,
    V1_34,
}

/// A built oracle.
pub(crate) struct Oracle {
    program: PathBuf,
    /// The release whose calculator it drives.
    pub(crate) version: &'static str,
}

/// The oracle of a release, compiled once; Go's build cache makes that a matter of seconds.
pub(crate) fn of(release: Release) -> &'static Oracle {
    static NEWEST: OnceLock<Oracle> = OnceLock::new();
    static V1_34: OnceLock<Oracle> = OnceLock::new();
    match release {
        Release::Newest => NEWEST.get_or_init(|| build("kubernetes-1.37", "v1.37.2")),
        Release::V1_34 => V1_34.get_or_init(|| build("kubernetes-1.34", "v1.34.4")),
    }
}

fn build(module: &str, version: &'static str) -> Oracle {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("parity-oracle-{module}"));
    let pins = project
        .join("tests/sandbox/components")
        .join(module)
        .join("go.mod");
    let status = Command::new("go")
        .current_dir(project.join("tests/parity/oracle"))
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "auto")
        .args(["build", "-trimpath", "-ldflags", "-s -w"])
        .arg(format!("-modfile={}", pins.display()))
        .arg("-o")
        .arg(&program)
        .arg(".")
        .status()
        .expect("`go` is installed: the oracle is built from the controller's own source");
    assert!(status.success(), "the oracle does not build");
    Oracle { program, version }
}

impl Oracle {
    /// Answers in the order of the scenarios.
    pub(crate) fn solve(&self, scenarios: &[Scenario]) -> Vec<Answer> {
        let mut child = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle starts");
        let mut input = BufWriter::new(child.stdin.take().expect("its input is a pipe"));
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let answers = std::thread::scope(|threads| {
            threads.spawn(move || {
                for scenario in scenarios {
                    serde_json::to_writer(&mut input, scenario).expect("the oracle reads");
                    input.write_all(b"\n").expect("the oracle reads");
                }
                input.flush().expect("the oracle reads");
            });
            output
                .lines()
                .map(|line| serde_json::from_str(&line.expect("the oracle answers")).expect("JSON"))
                .collect()
        });
        assert!(
            child.wait().expect("the oracle ends").success(),
            "the oracle failed"
        );
        answers
    }
}
