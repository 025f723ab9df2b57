//! Pieces of texts, and what only the log of kube-controller-manager has.

use super::{ALL, Entry, Kind, Releases, since};

const fn phrase(
    template: &'static str,
    releases: Releases,
    source: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        kind: Kind::Phrase,
        template,
        releases,
        source,
        meaning,
    }
}

const fn log(
    template: &'static str,
    releases: Releases,
    source: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        kind: Kind::Log,
        ..phrase(template, releases, source, meaning)
    }
}

const RECONCILE: &str = "horizontal.go: reconcileAutoscaler";
const GENERIC: &str = "horizontal.go: computeStatusForResourceMetricGeneric";

pub(super) const ENTRIES: &[Entry] = &[
    phrase(
        "Current number of replicas above Spec.MaxReplicas",
        ALL,
        RECONCILE,
        "why it rescaled: somebody set more than maxReplicas, or lowered maxReplicas; no metric was read",
    ),
    phrase(
        "Current number of replicas below Spec.MinReplicas",
        ALL,
        RECONCILE,
        "why it rescaled: somebody set fewer than minReplicas, or raised minReplicas; no metric was read",
    ),
    phrase(
        "%s above target",
        ALL,
        RECONCILE,
        "why it rescaled: the metric that asks for the most replicas",
    ),
    phrase(
        "All metrics below target",
        ALL,
        RECONCILE,
        "why it rescaled; without behavior it can stand beside a scale-up, by an older recommendation",
    ),
    phrase(
        "%s resource utilization (percentage of request)",
        ALL,
        GENERIC,
        "a Resource metric with averageUtilization; up to 1.26 a ContainerResource metric, too",
    ),
    phrase(
        "%s container resource utilization (percentage of request)",
        since(27),
        GENERIC,
        "a ContainerResource metric with averageUtilization",
    ),
    phrase(
        "%s resource",
        ALL,
        GENERIC,
        "a Resource or ContainerResource metric with averageValue",
    ),
    phrase(
        "pods metric %s",
        ALL,
        "horizontal.go: computeStatusForPodsMetric",
        "a Pods metric",
    ),
    phrase(
        "%s metric %s",
        ALL,
        "horizontal.go: computeStatusForObjectMetric",
        "an Object metric with a value: the kind of the object, the name of the metric",
    ),
    phrase(
        "external metric %s(%+v)",
        ALL,
        "horizontal.go: computeStatusForExternalMetric, computeStatusForObjectMetric",
        "an External metric, or an Object metric with averageValue",
    ),
    log(
        "invalid API version in scale target reference: %v",
        ALL,
        RECONCILE,
        "as the event FailedGetScale",
    ),
    log(
        "unable to determine resource for scale target reference: %v",
        ALL,
        RECONCILE,
        "as the event FailedGetScale",
    ),
    log(
        "failed to query scale subresource for %s: %v",
        ALL,
        RECONCILE,
        "as the event FailedGetScale",
    ),
    log(
        "failed to compute desired number of replicas based on listed metrics for %s: %v",
        ALL,
        RECONCILE,
        "as the event FailedComputeMetricsReplicas",
    ),
    log(
        "failed to rescale %s: %v",
        ALL,
        RECONCILE,
        "as the event FailedRescale",
    ),
    log(
        "failed to update status for %s: %v",
        ALL,
        "horizontal.go: updateStatus",
        "as the event FailedUpdateStatus",
    ),
    log(
        "error getting latest scale for %s during conflict retry: %v",
        since(34),
        RECONCILE,
        "the scale could not be read again after a conflict",
    ),
    log(
        "couldn't get key for object %+v: %v",
        ALL,
        "horizontal.go: updateHPA, enqueueHPA, deleteHPA",
        "an object in the controller's cache has no name",
    ),
    log(
        "Proposing desired replicas",
        since(36),
        RECONCILE,
        "what the metrics ask for",
    ),
    log(
        "Proposing desired replicas from zero",
        since(36),
        RECONCILE,
        "what the metrics ask for, at 0 replicas",
    ),
    log(
        "[down:%.1f%%, up:%.1f%%]",
        since(33),
        "replica_calculator.go: Tolerances.String",
        "the tolerances of an HPA",
    ),
];
