//! What the metrics client makes of the answer of metrics.k8s.io (`metrics/client.go`).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::facts::{ContainerUsage, PodMetrics};

/// The usage of one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    /// Thousandths.
    pub(super) milli: i64,
    /// When it was taken.
    pub(super) timestamp: DateTime<Utc>,
    /// Over how long.
    pub(super) window: TimeDelta,
}

/// Samples by pod name.
pub(super) type Samples = BTreeMap<String, Sample>;

/// `getPodMetrics` and `getContainerMetrics`: a pod has a sample only when the container that is asked for,
/// or else every one of its containers, was measured.
pub(super) fn read(metrics: &[PodMetrics], resource: &str, container: Option<&str>) -> Samples {
    metrics
        .iter()
        .filter_map(|pod| {
            let milli = usage(&pod.containers, resource, container)?;
            let sample = Sample {
                milli,
                timestamp: pod.timestamp,
                window: TimeDelta::try_milliseconds(pod.window_millis).unwrap_or(TimeDelta::MIN),
            };
            Some((pod.name.clone(), sample))
        })
        .collect()
}

fn usage(containers: &[ContainerUsage], resource: &str, container: Option<&str>) -> Option<i64> {
    let of = |usage: &ContainerUsage| usage.usage.get(resource)?.controller_milli_value().ok();
    match container {
        Some(name) => of(containers.iter().find(|usage| usage.name == name)?),
        None if containers.is_empty() => None,
        None => containers
            .iter()
            .try_fold(0_i64, |sum, usage| Some(sum.wrapping_add(of(usage)?))),
    }
}
