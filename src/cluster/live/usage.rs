//! Usage, polled at its own resolution: metrics.k8s.io cannot be watched.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

use super::Change;
use crate::cluster::{Cluster, Error};
use crate::facts::PodMetrics;

/// metrics-server's `--metric-resolution`, until two samples tell another one.
const USUAL_RESOLUTION: Duration = Duration::from_secs(15);
/// No more often than this.
const SHORTEST: Duration = Duration::from_secs(5);
/// No less often than this.
const LONGEST: Duration = Duration::from_secs(60);

/// Polls for ever.
pub(super) async fn poll(
    cluster: Cluster,
    namespace: Option<String>,
    selector: Option<String>,
    sender: Sender<Change>,
) {
    let mut newest = None;
    let mut resolution = USUAL_RESOLUTION;
    loop {
        let answer = read(&cluster, namespace.as_deref(), selector.as_deref()).await;
        if let Ok(samples) = &answer {
            let now = samples.iter().map(|(_, sample)| sample.timestamp).max();
            resolution = learn(resolution, newest, now);
            newest = now.or(newest);
        }
        if sender.send(Change::Usage(answer)).await.is_err() {
            return;
        }
        sleep(resolution).await;
    }
}

async fn read(
    cluster: &Cluster,
    namespace: Option<&str>,
    selector: Option<&str>,
) -> Result<Vec<(String, PodMetrics)>, Error> {
    match (namespace, selector) {
        (Some(namespace), Some(_)) => {
            let samples = cluster.pod_metrics(namespace, selector).await?;
            Ok(samples
                .into_iter()
                .map(|sample| (namespace.to_owned(), sample))
                .collect())
        }
        _ => cluster.pod_metrics_of_namespaces(namespace).await,
    }
}

/// The step between the newest samples of two polls. No step: the poll came too early, and the next one may wait
/// as long as before.
fn learn(before: Duration, old: Option<DateTime<Utc>>, new: Option<DateTime<Utc>>) -> Duration {
    let step = match (old, new) {
        (Some(old), Some(new)) => (new - old).to_std().unwrap_or_default(),
        _ => Duration::ZERO,
    };
    if step.is_zero() {
        before
    } else {
        step.clamp(SHORTEST, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{TimeZone, Utc};

    use super::learn;

    #[test]
    fn the_step_of_the_samples_becomes_the_pause() {
        let at = |second| Utc.timestamp_opt(second, 0).single();
        let usual = Duration::from_secs(15);
        assert_eq!(learn(usual, None, at(100)), usual);
        assert_eq!(learn(usual, at(100), at(100)), usual);
        assert_eq!(learn(usual, at(100), at(130)), Duration::from_secs(30));
        assert_eq!(learn(usual, at(100), at(101)), Duration::from_secs(5));
        assert_eq!(learn(usual, at(100), at(1000)), Duration::from_secs(60));
    }
}
