//! The arguments of every command that writes, in kubectl's spelling.

use clap::{Args, ValueEnum};

use crate::serving::MANAGER;

/// How far a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// Write
    None,
    /// Print what would be sent, and ask no cluster
    Client,
    /// Let the API server answer as if, and write nothing
    Server,
}

/// How objects are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ObjectFormat {
    /// A stream of documents for `kubectl apply -f -`
    Yaml,
    /// One object, or a List
    Json,
}

/// What every command that writes takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Apply options")]
pub struct ApplyArgs {
    /// How far the change goes
    #[arg(long, value_enum, value_name = "STRATEGY", default_value = "none")]
    pub dry_run: DryRun,
    /// Print the objects instead of a line for each
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<ObjectFormat>,
    /// The field manager of server-side apply
    #[arg(long, value_name = "NAME", default_value = MANAGER)]
    pub field_manager: String,
    /// Take over fields, and whole objects, that somebody else manages
    #[arg(long)]
    pub force_conflicts: bool,
}
