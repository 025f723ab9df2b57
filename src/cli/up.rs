//! The arguments of `up`.

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct UpArgs {}
