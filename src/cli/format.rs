//! Values that more than one command takes.

use clap::ValueEnum;

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
