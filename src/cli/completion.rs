//! The arguments of `completion`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The arguments.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  # Let kubectl complete what follows `kubectl tfserve`, in every shell in which it completes itself
  kubectl tfserve completion install

  # The same by hand, in a directory of the PATH
  kubectl tfserve completion print > ~/bin/kubectl_complete-tfserve
  chmod +x ~/bin/kubectl_complete-tfserve

kubectl looks for an executable of that name (1.26 and later) and asks it; its own completion must be on:
  source <(kubectl completion bash)   # likewise zsh; see kubectl completion -h")]
pub struct CompletionArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: CompletionAction,
}

/// What to do with the script.
#[derive(Debug, Clone, Subcommand)]
pub enum CompletionAction {
    /// Write `kubectl_complete-tfserve` beside the plugin
    #[command(after_help = "\
Examples:
  # Beside the plugin: in the directory of the PATH where kubectl finds it
  kubectl tfserve completion install

  # Where that directory belongs to somebody else
  kubectl tfserve completion install --dir ~/bin")]
    Install {
        /// The directory; kubectl looks in those of the PATH [default: the plugin's]
        #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
    /// Print `kubectl_complete-tfserve`
    #[command(after_help = "\
Examples:
  # Look at it before it is installed
  kubectl tfserve completion print

  # Put it where a package keeps its files
  kubectl tfserve completion print > /usr/local/bin/kubectl_complete-tfserve")]
    Print,
}

/// What kubectl asks while somebody types.
#[derive(Debug, Clone, Args)]
pub struct CompleteArgs {
    /// The words after `kubectl tfserve`; the last one is being typed
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    pub words: Vec<OsString>,
}
