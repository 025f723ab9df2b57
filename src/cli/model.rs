//! Which model, and which part of it: the arguments of every command that asks one.

use clap::Args;

/// The model.
#[derive(Debug, Clone, Args)]
pub struct ModelArgs {
    /// The model's name in the REST API [default: the one that the pods serve, else NAME]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// The model's version [default: the newest]
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<u64>,
    /// The version that has this label
    #[arg(long, value_name = "LABEL", conflicts_with = "version")]
    pub label: Option<String>,
    /// The signature
    #[arg(
        long,
        value_name = "NAME",
        help = "The signature; it must not be in the request too [default: serving_default]"
    )]
    pub signature: Option<String>,
}
