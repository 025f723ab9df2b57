//! The process that holds a cluster for `up`.

use std::process::ExitCode;

use tfserve_sandbox::{Error, Result, Sandbox, start_time};
use tokio::signal::unix::{SignalKind, signal};

use super::record::Record;
use super::up::Arguments;

/// Starts a cluster, writes it down and holds it until SIGTERM or SIGINT.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let failed = |source| Error::Io {
        what: "cannot wait for signals".to_owned(),
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let (mut terminate, mut interrupt, _hang_up) = {
        let _inside = runtime.enter();
        // A terminal that is closed is not the end of the cluster.
        (
            signal(SignalKind::terminate()).map_err(failed)?,
            signal(SignalKind::interrupt()).map_err(failed)?,
            signal(SignalKind::hangup()).map_err(failed)?,
        )
    };
    let sandbox = Sandbox::start(&arguments.options())?;
    let pid = std::process::id();
    let record = Record {
        pid,
        started: start_time(pid).unwrap_or_default(),
        directory: sandbox.directory().to_owned(),
        kubeconfig: sandbox.kubeconfig().to_owned(),
        kubectl_directory: sandbox.kubectl_directory(),
        url: sandbox.url().to_owned(),
        components: sandbox.status(),
    };
    record.write()?;
    runtime.block_on(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    Record::remove()?;
    drop(sandbox);
    Ok(ExitCode::SUCCESS)
}
