//! The events about an HPA. Their component is `horizontal-pod-autoscaler`.

use super::{ALL, Entry, Kind, Releases, since};

const fn event(
    type_: &'static str,
    reason: &'static str,
    template: &'static str,
    releases: Releases,
    function: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        kind: Kind::Event { reason, type_ },
        template,
        releases,
        source: function,
        meaning,
    }
}

const WARNING: &str = "Warning";
const RECONCILE: &str = "horizontal.go: reconcileAutoscaler";
const SELECTOR: &str = "horizontal.go: validateAndParseSelector";
const UNABLE: &str = "horizontal.go: getUnableComputeReplicaCountCondition";
/// The event is the text of an error, as it is.
const BARE: &str = "%v";

pub(super) const ENTRIES: &[Entry] = &[
    event(
        WARNING,
        "FailedGetScale",
        BARE,
        ALL,
        RECONCILE,
        "the target, or its scale subresource, could not be read",
    ),
    event(
        WARNING,
        "SelectorRequired",
        "selector is required",
        ALL,
        SELECTOR,
        "status.selector of the scale is empty; the condition's reason is InvalidSelector",
    ),
    event(
        WARNING,
        "InvalidSelector",
        "couldn't convert selector into a corresponding internal selector object: %v",
        ALL,
        SELECTOR,
        "status.selector of the scale is not a label selector in its serialized form",
    ),
    event(
        WARNING,
        "AmbiguousSelector",
        "pods by selector %v are controlled by multiple HPAs: %v",
        Releases { first: 26, last: 36 },
        SELECTOR,
        "another HPA selects one of the same pods: neither scales",
    ),
    event(
        WARNING,
        "AmbiguousSelector",
        "pods by selector %v are controlled by more than one HPA (e.g. %v)",
        since(37),
        SELECTOR,
        "another HPA selects one of the same pods: neither scales; two of the HPAs are named",
    ),
    event(
        WARNING,
        "FailedGetObjectMetric",
        BARE,
        ALL,
        UNABLE,
        "an Object metric has no value",
    ),
    event(
        WARNING,
        "FailedGetPodsMetric",
        BARE,
        ALL,
        UNABLE,
        "a Pods metric has no value",
    ),
    event(
        WARNING,
        "FailedGetResourceMetric",
        BARE,
        ALL,
        UNABLE,
        "a Resource metric has no value",
    ),
    event(
        WARNING,
        "FailedGetContainerResourceMetric",
        BARE,
        ALL,
        UNABLE,
        "a ContainerResource metric has no value",
    ),
    event(
        WARNING,
        "FailedGetExternalMetric",
        BARE,
        ALL,
        UNABLE,
        "an External metric has no value",
    ),
    event(
        WARNING,
        "InvalidMetricSourceType",
        BARE,
        ALL,
        UNABLE,
        "spec.metrics has a type that this release does not know",
    ),
    event(
        WARNING,
        "FailedComputeMetricsReplicas",
        BARE,
        ALL,
        RECONCILE,
        "never a cause by itself: it repeats the first error of the sync",
    ),
    event(
        WARNING,
        "FailedRescale",
        "New size: %d; reason: %s; error: %v",
        ALL,
        RECONCILE,
        "the new number of replicas was refused; the condition's reason is FailedUpdateScale",
    ),
    event(
        "Normal",
        "SuccessfulRescale",
        "New size: %d; reason: %s",
        ALL,
        RECONCILE,
        "a new number of replicas was written; the reason may be empty",
    ),
    event(
        WARNING,
        "FailedUpdateStatus",
        BARE,
        ALL,
        "horizontal.go: updateStatus",
        "the HPA's status could not be written: where that lasts, its conditions are frozen",
    ),
];
