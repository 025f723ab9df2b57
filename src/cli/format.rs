//! Values that more than one command takes.

use std::time::Duration;

use clap::ValueEnum;

use crate::duration::parse_duration;

/// `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OutputFormat {
    /// For people
    #[default]
    Text,
    /// The contract tfserve.dev/v1
    Json,
    /// The same in YAML
    Yaml,
}

/// `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum FailOn {
    /// Exit 1 when an HPA does not work
    #[default]
    Error,
    /// Exit 1 also when an HPA cannot do what it wants
    Warning,
    /// Exit 0 whatever is found
    Never,
}

/// The shortest pause of `--watch`: it spares the API server.
const SHORTEST: Duration = Duration::from_millis(100);

/// How long `--watch` pauses.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let interval = parse_duration(text)?;
    if interval < SHORTEST {
        return Err(format!("an interval is at least {SHORTEST:?}"));
    }
    Ok(interval)
}
