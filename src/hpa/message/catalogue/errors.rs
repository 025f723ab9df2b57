//! Errors of the controller itself, and the words that it puts before others.

use super::{ALL, Entry, Kind, Releases, since, until};

const fn wrapper(
    template: &'static str,
    releases: Releases,
    source: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        kind: Kind::Wrapper,
        template,
        releases,
        source,
        meaning,
    }
}

const fn error(
    template: &'static str,
    releases: Releases,
    source: &'static str,
    meaning: &'static str,
) -> Entry {
    Entry {
        kind: Kind::Error,
        ..wrapper(template, releases, source, meaning)
    }
}

const METRICS: &str = "horizontal.go: computeReplicasForMetrics";
const METRIC: &str = "horizontal.go: computeReplicasForMetric";
const RESOURCE: &str = "horizontal.go: computeStatusForResourceMetricGeneric";
const OBJECT: &str = "horizontal.go: computeStatusForObjectMetric";
const EXTERNAL: &str = "horizontal.go: computeStatusForExternalMetric";
const RAW: &str = "replica_calculator.go: GetResourceReplicas, GetRawResourceReplicas";
const COUNTED: &str = "replica_calculator.go: GetResourceReplicas, calcPlainMetricReplicas";
const CONTAINERS: &str = "replica_calculator.go: calculatePodRequestsFromContainers";
const OBJECT_COUNT: &str = "replica_calculator.go: GetObjectMetricReplicas, GetObjectPerPodMetricReplicas";

pub(super) const ENTRIES: &[Entry] = &[
    wrapper(
        "invalid metrics (%v invalid out of %v), first error is: %v",
        ALL,
        METRICS,
        "how many metrics have no value; the first of them follows",
    ),
    wrapper(
        "failed to get object metric value: %v",
        ALL,
        METRIC,
        "an Object metric",
    ),
    wrapper(
        "failed to get pods metric value: %v",
        ALL,
        METRIC,
        "a Pods metric",
    ),
    wrapper(
        "failed to get %s resource metric value: %v",
        since(25),
        METRIC,
        "a Resource metric, by the resource",
    ),
    wrapper(
        "failed to get %s container metric value: %v",
        since(25),
        METRIC,
        "a ContainerResource metric, by the container and not by the resource",
    ),
    wrapper(
        "failed to get %s external metric value: %v",
        since(25),
        METRIC,
        "an External metric",
    ),
    wrapper(
        "failed to get %s utilization: %v",
        ALL,
        RESOURCE,
        "a target of averageUtilization; up to 1.25 one of averageValue, too",
    ),
    wrapper(
        "failed to get %s usage: %v",
        since(26),
        RESOURCE,
        "a target of averageValue",
    ),
    wrapper(
        "failed to get %s object metric: %v",
        ALL,
        OBJECT,
        "an Object metric with averageValue; only in FailedComputeMetricsReplicas",
    ),
    wrapper(
        "failed to get %s external metric: %v",
        ALL,
        EXTERNAL,
        "an External metric with averageValue; only in FailedComputeMetricsReplicas",
    ),
    wrapper(
        "failed to get external metric %s: %v",
        ALL,
        EXTERNAL,
        "an External metric with a value; only in FailedComputeMetricsReplicas",
    ),
    wrapper(
        "unable to get metrics for resource %s: %v",
        ALL,
        RAW,
        "what the resource metrics API said",
    ),
    wrapper(
        "unable to get metric %s: %v",
        ALL,
        "replica_calculator.go: GetMetricReplicas",
        "what the custom metrics API said about the pods",
    ),
    wrapper(
        "unable to get metric %s: %v on %s %s/%s",
        until(36),
        OBJECT_COUNT,
        "what the custom metrics API said about an object; its arguments are out of order: the error comes last",
    ),
    wrapper(
        "unable to get metric %s on %s %s/%s: %v",
        since(37),
        OBJECT_COUNT,
        "what the custom metrics API said about an object",
    ),
    wrapper(
        "unable to calculate ready pods: %s",
        ALL,
        "replica_calculator.go: getUsageRatioReplicaCount",
        "an Object or External metric with a value needs the number of ready pods",
    ),
    wrapper(
        "unable to get external metric %s/%s/%+v: %s",
        ALL,
        "replica_calculator.go: GetExternalMetricReplicas, GetExternalPerPodMetricReplicas",
        "what the external metrics API said",
    ),
    wrapper(
        "failed to get container metrics: %v",
        until(32),
        "metrics/client.go: GetResourceMetric",
        "a ContainerResource metric",
    ),
    error(
        "container %s not present in metrics for pod %s/%s",
        until(32),
        "metrics/client.go: getContainerMetrics",
        "a sample lacks the container of a ContainerResource metric; from 1.33 on the pod just counts as missing",
    ),
    error(
        "unable to fetch metrics from resource metrics API: %v",
        ALL,
        "metrics/client.go: GetResourceMetric",
        "metrics.k8s.io answered with an error, or not at all",
    ),
    error(
        "no metrics returned from resource metrics API",
        ALL,
        "metrics/client.go: GetResourceMetric",
        "metrics.k8s.io answered with an empty list: no pods, or none that was measured yet",
    ),
    error(
        "unable to fetch metrics from custom metrics API: %v",
        ALL,
        "metrics/client.go: GetRawMetric, GetObjectMetric",
        "custom.metrics.k8s.io answered with an error, or not at all",
    ),
    error(
        "no metrics returned from custom metrics API",
        ALL,
        "metrics/client.go: GetRawMetric",
        "custom.metrics.k8s.io answered with an empty list",
    ),
    error(
        "unable to fetch metrics from external metrics API: %v",
        ALL,
        "metrics/client.go: GetExternalMetric",
        "external.metrics.k8s.io answered with an error, or not at all",
    ),
    error(
        "no metrics returned from external metrics API",
        ALL,
        "metrics/client.go: GetExternalMetric",
        "external.metrics.k8s.io answered with an empty list",
    ),
    error(
        "unable to get pods while calculating replica count: %v",
        ALL,
        COUNTED,
        "the controller's own cache of pods failed",
    ),
    error(
        "no pods returned by selector while calculating replica count",
        ALL,
        COUNTED,
        "no pod matches the selector of the scale",
    ),
    error(
        "did not receive metrics for any ready pods",
        until(26),
        COUNTED,
        "no pod is both ready and measured",
    ),
    error(
        "did not receive metrics for targeted pods (pods might be unready)",
        since(27),
        COUNTED,
        "no pod is both ready and measured",
    ),
    error(
        "missing request for %s",
        until(25),
        "replica_calculator.go: calculatePodRequests",
        "a container of a selected pod has no request; neither is named",
    ),
    error(
        "missing request for %s in container %s of Pod %s",
        since(26),
        CONTAINERS,
        "a container of a selected pod has no request; the first that was met is named",
    ),
    error(
        "missing pod-level request for %s in Pod %s",
        since(34),
        "replica_calculator.go: calculatePodLevelRequests",
        "a pod with pod-level requests has none for this resource",
    ),
    error(
        "container %s not found in Pod %s",
        since(35),
        CONTAINERS,
        "a pod lacks the container of a ContainerResource metric",
    ),
    error(
        "no metrics returned matched known pods",
        ALL,
        "metrics/utilization.go: GetResourceUtilizationRatio",
        "no sample belongs to a pod that still exists, or all requests are 0",
    ),
    error(
        "invalid resource metric source: neither a utilization target nor a value target was set",
        until(24),
        RESOURCE,
        "the metric has no target",
    ),
    error(
        "invalid resource metric source: neither an average utilization target nor an average value target was set",
        Releases { first: 25, last: 25 },
        RESOURCE,
        "the metric has no target",
    ),
    error(
        "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
        since(26),
        RESOURCE,
        "the metric has no target",
    ),
    error(
        "invalid object metric source: neither a value target nor an average value target was set",
        ALL,
        OBJECT,
        "the metric has no target",
    ),
    error(
        "invalid external metric source: neither a value target nor an average value target was set",
        ALL,
        EXTERNAL,
        "the metric has no target",
    ),
    error(
        "unknown metric source type %q",
        ALL,
        METRIC,
        "the metric is of a type that this release does not know",
    ),
    error(
        "ContainerResource metric type is not supported: disabled by the feature gate",
        Releases { first: 27, last: 29 },
        METRIC,
        "the feature gate HPAContainerMetrics is off; the condition then is empty",
    ),
    error(
        "HPA %s/%s was deleted during reconciliation",
        since(37),
        "horizontal.go: validateAndParseSelector",
        "harmless, unless the HPA is still there",
    ),
    error(
        "unrecognized resource",
        ALL,
        "horizontal.go: scaleForResourceMappings",
        "the REST mapper knows no resource for the target",
    ),
];
