//! The arguments of `top`.

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct TopArgs {}
