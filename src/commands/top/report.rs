//! Usage, request and the HPA's view, joined pod by pod.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cluster::Workload;
use crate::diagnosis::{self, Verdict};
use crate::facts::{
    API_VERSION, Container, Fact, Facts, HpaFacts, MetricSpec, MetricTarget, ObjectReference, Pod,
    PodMetrics, Quantity, QuantityFormat,
};
use crate::hpa::replicas::{Controller, Counted, PodShare, Recommendation, recommend};

/// What `top` shows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    api_version: &'static str,
    kind: &'static str,
    observed_at: DateTime<Utc>,
    /// One entry an HPA or workload.
    pub(super) items: Vec<TargetUsage>,
}

/// One HPA, or one workload without.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TargetUsage {
    pub(super) namespace: String,
    /// The HPA's name; none where no HPA scales the target.
    pub(super) hpa: Option<String>,
    pub(super) target: ObjectReference,
    pub(super) min_replicas: Option<i32>,
    pub(super) max_replicas: Option<i32>,
    pub(super) current_replicas: Option<i32>,
    /// What the controller will decide next, where that is known.
    pub(super) desired_replicas: Option<i32>,
    /// Current and target value of each metric, for example `cpu 426%/60%`.
    pub(super) metrics: Vec<String>,
    pub(super) verdict: Option<Verdict>,
    pub(super) summary: Option<String>,
    /// The controller's next decision in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<String>,
    /// How far the metric that wants the most is to its target: 100 is on target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) percent_of_target: Option<i64>,
    /// Until when a stabilization window holds the replicas at the latest, if usage stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stabilized_until: Option<DateTime<Utc>>,
    /// Why something is not shown.
    pub(super) notes: Vec<String>,
    pub(super) pods: Vec<PodUsage>,
}

/// One pod and one resource.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodUsage {
    pub(super) name: String,
    pub(super) resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container: Option<String>,
    pub(super) usage: Option<String>,
    pub(super) request: Option<String>,
    /// The pod's condition `Ready`.
    pub(super) ready: bool,
    /// When the usage was measured.
    pub(super) sampled_at: Option<DateTime<Utc>>,
    pub(super) percent_of_request: Option<i64>,
    /// How far the pod is to what the HPA aims at: 100 is on target.
    pub(super) percent_of_target: Option<i64>,
    /// `counted`, `unready`, `missing` or `ignored`; none where no HPA looks at this resource.
    pub(super) counted: Option<&'static str>,
    pub(super) why: String,
}

impl Report {
    /// The HPAs of the facts.
    pub(super) fn of_hpas(facts: &Facts) -> Self {
        let explanations = diagnosis::diagnose(facts);
        let controller = Controller::defaults(facts.cluster.version.known().map(String::as_str));
        let items = facts.hpas.iter().map(|entry| {
            let recommendation = recommend(entry, &controller, facts.observed_at);
            let mut usage = of_hpa(entry, recommendation.as_ref());
            let explained = explanations
                .items
                .iter()
                .find(|item| item.namespace == entry.hpa.namespace && item.name == entry.hpa.name);
            usage.verdict = explained.map(|item| item.verdict);
            usage.summary = explained.map(|item| item.summary.clone());
            usage
        });
        Self::new(facts.observed_at, items.collect())
    }

    /// A workload that no HPA scales.
    pub(super) fn of_workload(namespace: &str, workload: &Workload) -> Self {
        let target = workload.target.known();
        let metrics = ["cpu", "memory"].map(|name| MetricSpec {
            type_: "Resource".to_owned(),
            name: name.to_owned(),
            container: None,
            object: None,
            selector: None,
            target: MetricTarget::None,
        });
        let item = TargetUsage {
            namespace: namespace.to_owned(),
            hpa: None,
            target: ObjectReference {
                api_version: target
                    .map(|target| target.api_version.clone())
                    .unwrap_or_default(),
                kind: target.map(|target| target.kind.clone()).unwrap_or_default(),
                name: target.map(|target| target.name.clone()).unwrap_or_default(),
            },
            min_replicas: None,
            max_replicas: None,
            current_replicas: workload.scale.known().map(|scale| scale.spec_replicas),
            desired_replicas: None,
            metrics: Vec::new(),
            verdict: None,
            summary: None,
            decision: None,
            percent_of_target: None,
            stabilized_until: None,
            notes: notes(&workload.pods, &workload.pod_metrics),
            pods: rows(&metrics, &workload.pods, &workload.pod_metrics, None),
        };
        Self::new(Utc::now(), vec![item])
    }

    /// When the cluster was read.
    pub(super) fn observed_at(&self) -> DateTime<Utc> {
        self.observed_at
    }

    fn new(observed_at: DateTime<Utc>, items: Vec<TargetUsage>) -> Self {
        Self {
            api_version: API_VERSION,
            kind: "PodUsageList",
            observed_at,
            items,
        }
    }
}

fn of_hpa(facts: &HpaFacts, recommendation: Option<&Recommendation>) -> TargetUsage {
    let hpa = &facts.hpa;
    TargetUsage {
        namespace: hpa.namespace.clone(),
        hpa: Some(hpa.name.clone()),
        target: hpa.target.clone(),
        min_replicas: Some(hpa.effective_min_replicas()),
        max_replicas: Some(hpa.max_replicas),
        current_replicas: facts.scale.known().map(|scale| scale.spec_replicas),
        desired_replicas: recommendation.and_then(|recommendation| recommendation.desired_replicas),
        metrics: recommendation
            .into_iter()
            .flat_map(|recommendation| &recommendation.metrics)
            .map(metric)
            .collect(),
        verdict: None,
        summary: None,
        decision: recommendation.map(|recommendation| recommendation.sentence.clone()),
        percent_of_target: recommendation.and_then(percent_of_target),
        stabilized_until: recommendation
            .and_then(|recommendation| recommendation.stabilization.as_ref())
            .and_then(|held| held.not_after),
        notes: notes(&facts.pods, &facts.pod_metrics),
        pods: rows(&hpa.metrics, &facts.pods, &facts.pod_metrics, recommendation),
    }
}

fn percent_of_target(recommendation: &Recommendation) -> Option<i64> {
    let ratios = recommendation.metrics.iter().filter_map(|metric| metric.ratio);
    let highest = ratios.max_by(f64::total_cmp)?;
    // Whole percents, as they are shown.
    format!("{:.0}", highest * 100.0).parse().ok()
}

fn metric(metric: &crate::hpa::replicas::MetricProposal) -> String {
    let current = metric.current.as_deref().unwrap_or("<unknown>");
    format!("{} {current}/{}", metric.name, metric.target)
}

fn notes(pods: &Fact<Vec<Pod>>, metrics: &Fact<Vec<PodMetrics>>) -> Vec<String> {
    let note = match (pods, metrics) {
        (Fact::NotReadable(reason), _) => format!("{} cannot be read: {}", reason.what, reason.why),
        (Fact::Known(_), Fact::Absent) => {
            "nothing serves metrics.k8s.io, so there is no usage; `explain-hpa` tells what to do".to_owned()
        }
        (Fact::Known(_), Fact::NotReadable(reason)) => format!("usage cannot be read: {}", reason.why),
        (Fact::Absent, _) | (Fact::Known(_), Fact::Known(_)) => return Vec::new(),
    };
    vec![note]
}

/// One row a pod and resource metric, in the metrics' order.
fn rows(
    metrics: &[MetricSpec],
    pods: &Fact<Vec<Pod>>,
    samples: &Fact<Vec<PodMetrics>>,
    recommendation: Option<&Recommendation>,
) -> Vec<PodUsage> {
    let mut pods: Vec<&Pod> = pods.known().into_iter().flatten().collect();
    pods.sort_by(|left, right| left.name.cmp(&right.name));
    let samples: BTreeMap<&str, &PodMetrics> = samples
        .known()
        .into_iter()
        .flatten()
        .map(|sample| (sample.name.as_str(), sample))
        .collect();
    let mut rows = Vec::new();
    for (index, metric) in metrics.iter().enumerate() {
        if !matches!(metric.type_.as_str(), "Resource" | "ContainerResource") {
            continue;
        }
        let proposal = recommendation.and_then(|recommendation| {
            recommendation
                .metrics
                .iter()
                .find(|proposal| proposal.index == index)
        });
        for pod in &pods {
            let share =
                proposal.and_then(|proposal| proposal.pods.iter().find(|share| share.name == pod.name));
            rows.push(row(metric, pod, samples.get(pod.name.as_str()).copied(), share));
        }
    }
    rows
}

fn row(metric: &MetricSpec, pod: &Pod, sample: Option<&PodMetrics>, share: Option<&PodShare>) -> PodUsage {
    let usage = sample.and_then(|sample| usage_milli(metric, sample));
    let request = request_milli(metric, pod);
    let percent = |part: Option<i64>, whole: Option<i64>| {
        let (part, whole) = (i128::from(part?), i128::from(whole?));
        (whole > 0).then(|| i64::try_from(part * 100 / whole).unwrap_or(i64::MAX))
    };
    let percent_of_request = percent(usage, request);
    let percent_of_target = match &metric.target {
        MetricTarget::AverageUtilization(target) => percent(percent_of_request, Some(i64::from(*target))),
        MetricTarget::AverageValue(target) => percent(usage, target.milli_value().ok()),
        MetricTarget::Value(_) | MetricTarget::None => None,
    };
    PodUsage {
        name: pod.name.clone(),
        resource: metric.name.clone(),
        container: metric.container.clone(),
        usage: usage.map(|milli| shown(&metric.name, milli)),
        request: request.map(|milli| shown(&metric.name, milli)),
        ready: pod
            .condition("Ready")
            .is_some_and(|condition| condition.status == "True"),
        sampled_at: sample.map(|sample| sample.timestamp),
        percent_of_request,
        percent_of_target,
        counted: share.map(|share| match share.counted {
            Counted::Yes => "counted",
            Counted::Unready => "unready",
            Counted::Missing => "missing",
            Counted::Ignored => "ignored",
        }),
        why: match share {
            Some(share) if share.counted == Counted::Yes => String::new(),
            Some(share) => share.why.clone(),
            None => state(pod),
        },
    }
}

/// Why a pod that no HPA judged might not serve: its phase or the reason of a container that waits.
fn state(pod: &Pod) -> String {
    let reason = pod
        .containers
        .iter()
        .find_map(|container| container.state_reason.clone());
    match (reason, pod.phase.as_str()) {
        (Some(reason), _) => reason,
        (None, "Running") => String::new(),
        (None, phase) => format!("phase {phase}"),
    }
}

fn usage_milli(metric: &MetricSpec, sample: &PodMetrics) -> Option<i64> {
    let wanted = sample.containers.iter().filter(|entry| {
        metric
            .container
            .as_ref()
            .is_none_or(|container| *container == entry.name)
    });
    sum(wanted.map(|entry| entry.usage.get(&metric.name)))
}

/// The request that the controller divides by: the pod's own, else the sum over the containers that count.
fn request_milli(metric: &MetricSpec, pod: &Pod) -> Option<i64> {
    let pod_level = pod
        .resources
        .as_ref()
        .and_then(|resources| resources.requests.get(&metric.name));
    if let (Some(request), None) = (pod_level, &metric.container) {
        return request.milli_value().ok();
    }
    let counts = |container: &&Container| {
        container.counts_for_requests()
            && metric
                .container
                .as_ref()
                .is_none_or(|name| *name == container.name)
    };
    sum(pod
        .containers
        .iter()
        .filter(counts)
        .map(|container| container.resources.requests.get(&metric.name)))
}

/// The sum; none where one part is missing or there is no part.
fn sum<'a>(parts: impl Iterator<Item = Option<&'a Quantity>>) -> Option<i64> {
    let mut total: Option<i64> = None;
    for part in parts {
        total = Some(
            total
                .unwrap_or_default()
                .saturating_add(part?.milli_value().ok()?),
        );
    }
    total
}

/// As `kubectl top` writes it: cpu in thousandths, memory in `Mi`, rounded up.
fn shown(resource: &str, milli: i64) -> String {
    const MEBIBYTE: i64 = 1 << 20;
    match resource {
        "cpu" => format!("{milli}m"),
        "memory" => {
            let bytes = milli / 1000;
            format!("{}Mi", bytes / MEBIBYTE + i64::from(bytes % MEBIBYTE > 0))
        }
        _ => Quantity::from_milli(milli, QuantityFormat::DecimalSi).to_string(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::{row, shown};
    use crate::facts::{MetricSpec, Pod, PodMetrics};

    fn metric(target: &serde_json::Value) -> MetricSpec {
        serde_json::from_value(serde_json::json!({"type": "Resource", "name": "cpu", "target": target}))
            .unwrap()
    }

    fn pod(requests: &[Option<&str>]) -> Pod {
        let containers: Vec<_> = requests
            .iter()
            .enumerate()
            .map(|(index, request)| {
                let requests = request.map_or(
                    serde_json::json!({}),
                    |request| serde_json::json!({"cpu": request}),
                );
                serde_json::json!({"name": format!("c{index}"), "resources": {"requests": requests}})
            })
            .collect();
        serde_json::from_value(serde_json::json!({"name": "p", "phase": "Running", "containers": containers}))
            .unwrap()
    }

    fn sample(usage: &str) -> PodMetrics {
        serde_json::from_value(serde_json::json!({
            "name": "p", "timestamp": "2026-01-02T03:04:05Z", "windowMillis": 15000,
            "containers": [{"name": "c0", "usage": {"cpu": usage}}],
        }))
        .unwrap()
    }

    #[test]
    fn usage_is_a_percentage_of_the_request_and_that_of_the_target() {
        let row = row(
            &metric(&serde_json::json!({"averageUtilization": 60})),
            &pod(&[Some("500m")]),
            Some(&sample("2130m")),
            None,
        );
        assert_eq!(
            (row.usage.as_deref(), row.request.as_deref()),
            (Some("2130m"), Some("500m"))
        );
        assert_eq!(
            (row.percent_of_request, row.percent_of_target),
            (Some(426), Some(710))
        );
    }

    #[test]
    fn one_container_without_a_request_leaves_no_percentage() {
        let row = row(
            &metric(&serde_json::json!({"averageUtilization": 60})),
            &pod(&[Some("500m"), None]),
            Some(&sample("1")),
            None,
        );
        assert_eq!(
            (row.request, row.percent_of_request, row.percent_of_target),
            (None, None, None)
        );
    }

    #[test]
    fn an_average_value_needs_no_request() {
        let row = row(
            &metric(&serde_json::json!({"averageValue": "2"})),
            &pod(&[None]),
            Some(&sample("500m")),
            None,
        );
        assert_eq!((row.percent_of_request, row.percent_of_target), (None, Some(25)));
    }

    #[test]
    fn memory_is_shown_in_mebibytes() {
        assert_eq!(shown("memory", 1_000_i64 * (1 << 20)), "1Mi");
        assert_eq!(shown("memory", 1_000_i64 * ((1 << 20) + 1)), "2Mi");
        assert_eq!(shown("cpu", 30), "30m");
    }
}
