//! The arguments of `autoscale`.

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct AutoscaleArgs {}
