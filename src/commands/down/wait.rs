//! Waits until what was removed is gone.

use std::time::Duration;

use tokio::time::Instant;

use crate::Error;
use crate::cli::DownArgs;
use crate::cluster::Cluster;
use crate::cluster::removal::{self, Item};
use crate::commands::progress::Progress;

/// How often it is looked.
const TICK: Duration = Duration::from_millis(500);

/// Waits until all of them are gone, the pods of Deployments too.
pub(super) async fn until_gone(
    cluster: &Cluster,
    args: &DownArgs,
    mut left: Vec<&Item>,
) -> Result<(), Error> {
    let deadline = Instant::now() + args.timeout;
    let mut progress = Progress::start();
    loop {
        let mut still = Vec::new();
        for item in left {
            if !removal::is_gone(cluster, item).await? {
                still.push(item);
            }
        }
        left = still;
        let Some(first) = left.first() else { return Ok(()) };
        let what = waiting(cluster, first).await;
        progress.say(&what);
        if Instant::now() >= deadline {
            drop(progress);
            return Err(Error::Incomplete(format!(
                "everything was told to go, and not all of it is gone within `--timeout`; still waiting for {what}; the same command continues"
            )));
        }
        tokio::time::sleep(TICK).await;
    }
}

/// What is waited for, and why it takes its time.
async fn waiting(cluster: &Cluster, item: &Item) -> String {
    let Some((_, grace)) = &item.pods else {
        return item.title();
    };
    // Without the right to see pods the Deployment itself still tells when they are gone.
    let pods = removal::pods_of(cluster, item).await.unwrap_or_default();
    if pods.is_empty() {
        return item.title();
    }
    format!(
        "pod {} of {}: the server ignores SIGTERM, so a pod takes its whole grace period of {grace} s",
        pods.join(", "),
        item.title()
    )
}
