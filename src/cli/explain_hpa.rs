//! The arguments of `explain-hpa`.

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct ExplainHpaArgs {}
