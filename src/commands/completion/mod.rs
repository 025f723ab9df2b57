//! `completion`: kubectl completes what follows `kubectl tfserve` by asking an executable of its own.

mod answer;
mod install;
mod values;

pub(super) use answer::answer;

use crate::Error;
use crate::cli::{CompletionAction, CompletionArgs};
use crate::exit;

/// kubectl looks for an executable of this name on the PATH.
const SCRIPT_NAME: &str = "kubectl_complete-tfserve";

/// How a script of ours begins: it may be written again.
const MARK: &str = "#!/bin/sh\n# Written by `kubectl tfserve completion`";

/// The executable. krew installs one file for a plugin, and this is a second one (krew#812).
const SCRIPT: &str = "\
#!/bin/sh
# Written by `kubectl tfserve completion`: kubectl asks this file what can follow `kubectl tfserve`.
exec kubectl-tfserve __complete -- \"$@\"
";

/// Installs or prints the executable.
pub(super) fn run(args: &CompletionArgs) -> Result<u8, Error> {
    match &args.action {
        CompletionAction::Print => super::print::print(SCRIPT)?,
        CompletionAction::Install { dir } => {
            let (path, change) = install::install(dir.as_deref())?;
            super::print::print(&format!("{} {change}", path.display()))?;
            anstream::eprintln!(
                "kubectl now completes `kubectl tfserve` wherever it completes itself: see `kubectl completion --help`"
            );
        }
    }
    Ok(exit::OK)
}
