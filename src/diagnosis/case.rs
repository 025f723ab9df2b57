//! What rules ask of a case again and again.

use super::phrase::{self, word};
use super::{Case, Finding, template_change};
use crate::facts::{
    ApiService, Fact, MetricSpec, MetricTarget, NotReadable, Pod, PodMetrics, Scale, ScaleTarget,
    ScalingRules,
};
use crate::hpa::message::Message;
use crate::hpa::replicas::{Counted, MetricProposal, PodShare};

/// Metrics-server needs two samples of a container; with its default resolution of 15 s, a container that
/// is younger than this may not have them yet, and nothing is wrong.
pub(super) const FIRST_SAMPLES_SECONDS: i64 = 60;

impl<'a> Case<'a> {
    /// The metrics that come from metrics.k8s.io.
    pub(super) fn resource_metrics(&self) -> impl Iterator<Item = &'a MetricSpec> + use<'a> {
        let metrics = self.facts.hpa.metrics.iter();
        metrics.filter(|metric| matches!(metric.type_.as_str(), "Resource" | "ContainerResource"))
    }

    /// The metrics that are a percentage of requests.
    pub(super) fn utilization_metrics(&self) -> impl Iterator<Item = &'a MetricSpec> + use<'a> {
        self.resource_metrics()
            .filter(|metric| matches!(metric.target, MetricTarget::AverageUtilization(_)))
    }

    /// The resources of the resource metrics, each once: `cpu`, `cpu and memory`.
    pub(super) fn resources(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = self
            .resource_metrics()
            .map(|metric| metric.name.as_str())
            .collect();
        names.dedup();
        names
    }

    /// The pods that match the selector, where they were read.
    pub(super) fn pods(&self) -> &'a [Pod] {
        self.facts.pods.known().map_or(&[], Vec::as_slice)
    }

    /// The pods of the scale target.
    pub(super) fn own_pods(&self) -> impl Iterator<Item = &'a Pod> + use<'a> {
        let own = self.owns();
        self.pods().iter().filter(move |pod| own(pod))
    }

    /// The pods that match the selector and belong to somebody else.
    pub(super) fn foreign_pods(&self) -> impl Iterator<Item = &'a Pod> + use<'a> {
        let own = self.owns();
        self.pods().iter().filter(move |pod| !own(pod))
    }

    /// Whether a pod is the target's. The pods without an owner are taken for those of a custom kind that owns none: its
    /// operator need not set an owner.
    pub(super) fn owns(&self) -> impl Fn(&Pod) -> bool + use<> {
        let custom = !template_change::is_known_to_kubectl(self);
        let unowned = custom && !self.pods().iter().any(is_own);
        move |pod| is_own(pod) || unowned && pod.owner.is_none()
    }

    /// The sample of a pod.
    pub(super) fn sample(&self, pod: &Pod) -> Option<&'a PodMetrics> {
        let samples = self.facts.pod_metrics.known()?;
        samples.iter().find(|sample| sample.name == pod.name)
    }

    /// The scale target, where it was read.
    pub(super) fn target(&self) -> Option<&'a ScaleTarget> {
        self.facts.target.known()
    }

    /// The scale, where it was read.
    pub(super) fn scale(&self) -> Option<&'a Scale> {
        self.facts.scale.known()
    }

    /// `Deployment/web`.
    pub(super) fn target_label(&self) -> String {
        let target = &self.facts.hpa.target;
        format!("{}/{}", target.kind, target.name)
    }

    /// `deployment web -n shop`: the scale target as kubectl's arguments name it.
    pub(super) fn target_arguments(&self) -> String {
        let target = &self.facts.hpa.target;
        let kind = target.kind.to_lowercase();
        format!("{} {} -n {}", word(&kind), word(&target.name), self.namespace())
    }

    /// `deployment.apps`: the kind of the scale target with its group, as kubectl takes it.
    pub(super) fn target_resource(&self) -> String {
        let target = &self.facts.hpa.target;
        let kind = target.kind.to_lowercase();
        match target.api_version.split_once('/') {
            Some((group, _)) => format!("{kind}.{group}"),
            None => kind,
        }
    }

    /// `kubectl scale`, to as many replicas as an HPA goes on from.
    pub(super) fn scale_up(&self) -> String {
        let replicas = self.facts.hpa.effective_min_replicas().max(1);
        format!("kubectl scale {} --replicas={replicas}", self.target_arguments())
    }

    /// The namespace as a word of a command.
    pub(super) fn namespace(&self) -> String {
        word(&self.facts.hpa.namespace)
    }

    /// That nobody wrote the metric, for the proof: who reads of cpu may never have asked for it.
    pub(super) fn with_default_metric(&self, finding: Finding) -> Finding {
        if !self.facts.hpa.metrics_defaulted {
            return finding;
        }
        finding.saw(
            "spec.metrics",
            "cpu 80%, the API's default: nobody wrote a metric",
            "managedFields and last-applied-configuration",
        )
    }

    /// Names the scale target in a finding.
    pub(super) fn on_target(&self, finding: Finding) -> Finding {
        let target = &self.facts.hpa.target;
        finding.object(&target.kind, &self.facts.hpa.namespace, &target.name)
    }

    /// Names the HPA in a finding.
    pub(super) fn on_hpa(&self, finding: Finding) -> Finding {
        let hpa = &self.facts.hpa;
        finding.object("HorizontalPodAutoscaler", &hpa.namespace, &hpa.name)
    }

    /// `kubectl patch hpa …` with a JSON merge patch of the spec.
    pub(super) fn patch_hpa(&self, spec: &str) -> String {
        let name = word(&self.facts.hpa.name);
        let patch = word(&format!(r#"{{"spec":{spec}}}"#));
        format!(
            "kubectl patch hpa {name} -n {} --type=merge -p {patch}",
            self.namespace()
        )
    }

    /// `kubectl patch hpa …` with a JSON patch of the whole HPA.
    pub(super) fn patch_hpa_json(&self, patch: &str) -> String {
        format!(
            "kubectl patch hpa {} -n {} --type=json -p {}",
            word(&self.facts.hpa.name),
            self.namespace(),
            word(patch)
        )
    }

    /// The patch that lets a `ContainerResource` metric read another container.
    pub(super) fn read_container(&self, index: usize, container: &str) -> String {
        self.patch_hpa_json(&format!(
            r#"[{{"op":"replace","path":"/spec/metrics/{index}/containerResource/container","value":"{container}"}}]"#
        ))
    }

    /// What the controller says that stops the HPA.
    pub(super) fn blocked_by(&self) -> Option<&'a Message> {
        self.said.blocking().map(|symptom| &symptom.message)
    }

    /// The text of the condition that stops the HPA, for the proof.
    pub(super) fn with_condition(&self, finding: Finding) -> Finding {
        match self.said.blocking() {
            Some(symptom) => finding.saw(
                format!("condition {}", symptom.condition.type_),
                format!(
                    "{}: {}",
                    symptom.condition.reason,
                    innermost(&symptom.condition.message)
                ),
                "status.conditions",
            ),
            None => finding,
        }
    }

    /// Whether the resource metrics API is registered and says that it is available.
    pub(super) fn resource_metrics_api_available(&self) -> bool {
        self.cluster
            .resource_metrics_api
            .known()
            .is_some_and(is_available)
    }

    /// The metric whose proposal decides: the one with the greatest.
    pub(super) fn deciding_metric(&self) -> Option<&'a MetricProposal> {
        let metrics = self.recommendation?.metrics.iter();
        metrics
            .filter(|metric| metric.proposal.is_some())
            .max_by_key(|metric| metric.proposal)
    }

    /// `426% of 60%` for the metric that decides.
    pub(super) fn current_of_target(&self) -> Option<String> {
        let metric = self.deciding_metric()?;
        let usage = format!("{} of {}", metric.current.as_deref()?, metric.target);
        // Among several metrics it matters which one it is.
        if self.facts.hpa.metrics.len() > 1 {
            return Some(format!("{} {usage}", metric.name));
        }
        Some(usage)
    }

    /// The pods that are counted in some way, in any resource metric, each once.
    pub(super) fn shares(&self, counted: Counted) -> Vec<&'a PodShare> {
        let mut found: Vec<&PodShare> = Vec::new();
        let metrics = self
            .recommendation
            .map_or(&[][..], |recommendation| &recommendation.metrics);
        for share in metrics.iter().flat_map(|metric| &metric.pods) {
            if share.counted == counted && !found.iter().any(|seen| seen.name == share.name) {
                found.push(share);
            }
        }
        found
    }

    /// `spec.behavior.scaleUp` or `.scaleDown`.
    pub(super) fn scaling_rules(&self, up: bool) -> Option<&'a ScalingRules> {
        let behavior = self.facts.hpa.behavior.as_ref()?;
        if up {
            behavior.scale_up.as_ref()
        } else {
            behavior.scale_down.as_ref()
        }
    }

    /// How long a pod has been running, in seconds.
    pub(super) fn age(&self, pod: &Pod) -> Option<i64> {
        pod.start_time.map(|start| phrase::seconds_since(start, self.now))
    }
}

/// Why a fact that was asked for could not be read. What was never asked for is not missing.
pub(super) fn refused<T>(fact: &Fact<T>) -> Option<&NotReadable> {
    let reason = fact.not_readable()?;
    let never_asked = Fact::<()>::default();
    (never_asked.not_readable() != Some(reason)).then_some(reason)
}

/// Whether the pod belongs to the scale target.
pub(super) fn is_own(pod: &Pod) -> bool {
    pod.is_own()
}

/// Whether the pod has ended or is about to: it counts for nothing but its requests.
pub(super) fn is_leftover(pod: &Pod) -> bool {
    pod.deleted_at.is_some() || matches!(pod.phase.as_str(), "Failed" | "Succeeded")
}

/// Whether the pod runs and stays.
pub(super) fn is_running(pod: &Pod) -> bool {
    pod.phase == "Running" && pod.deleted_at.is_none()
}

/// Whether the pod says that it is ready.
pub(super) fn is_ready(pod: &Pod) -> bool {
    pod.condition("Ready")
        .is_some_and(|condition| condition.status == "True")
}

/// Who owns the pod, in words.
pub(super) fn owner_label(pod: &Pod) -> String {
    match &pod.owner {
        Some(owner) => format!("{}/{}", owner.kind, owner.name),
        None => "nobody".to_owned(),
    }
}

/// Whether an `APIService` says that it is available.
pub(super) fn is_available(service: &ApiService) -> bool {
    service
        .available
        .as_ref()
        .is_some_and(|condition| condition.status == "True")
}

/// The innermost error of a chain `outer: inner`.
pub(crate) fn innermost(text: &str) -> &str {
    text.rsplit(": ").find(|part| part.contains(' ')).unwrap_or(text)
}

/// The reason why a container of the pod does not run, with its name.
pub(super) fn container_trouble(pod: &Pod) -> Option<(&str, &str)> {
    let troubles = pod.containers.iter().filter_map(|container| {
        let reason = container.state_reason.as_deref()?;
        let normal = matches!(reason, "ContainerCreating" | "PodInitializing" | "Completed");
        (!normal).then_some((container.name.as_str(), reason))
    });
    troubles.min_by_key(|(_, reason)| *reason == "Error")
}
