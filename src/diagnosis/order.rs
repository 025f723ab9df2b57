//! Which finding is the cause, which merely follow from it, and how sure each is.

use super::case::refused;
use super::registry::RULES;
use super::rule::{Need, Rule, Stage};
use super::{Case, Confidence, Finding, Severity, Verdict, left_out};
use crate::facts::NotReadable;
use crate::hpa::message::{Message, MetricsApi};
use crate::hpa::symptoms::Symptom;

/// Asks every rule, and puts the causes first with their consequences under them.
pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut found = ask(case, |rule| rule.stage != Stage::Unknown);
    let explained = case.said.blocking().is_none_or(|symptom| {
        found
            .iter()
            .any(|(rule, finding)| accounts_for(rule, finding, symptom))
    });
    if !explained || case.set_aside.is_some() {
        found.extend(ask(case, |rule| rule.stage == Stage::Unknown));
    }
    arrange(case, found)
}

/// Asks some rules alone.
pub(super) fn some(case: &Case<'_>, codes: &[&str]) -> Vec<Finding> {
    arrange(case, ask(case, |rule| codes.contains(&rule.code)))
}

/// The fact that a proof needs, where it could not be read.
pub(super) fn unreadable<'a>(case: &Case<'a>, need: Need) -> Option<&'a NotReadable> {
    let (cluster, facts) = (case.cluster, case.facts);
    match need {
        Need::Target => refused(&facts.target),
        Need::Scale => refused(&facts.scale),
        Need::Pods => refused(&facts.pods),
        // Nobody misses the samples of pods where no metric is made of them.
        Need::PodMetrics => case
            .resource_metrics()
            .next()
            .and_then(|_| refused(&facts.pod_metrics)),
        Need::ApiService => refused(&cluster.resource_metrics_api),
        Need::MetricsServer => refused(&cluster.metrics_server),
        Need::MetricsServerLog => cluster
            .metrics_server
            .known()
            .and_then(|server| refused(&server.log)),
        Need::SameTarget => refused(&facts.same_target),
        Need::CustomMetrics => refused(&cluster.custom_metrics_api),
        Need::ExternalMetrics => refused(&cluster.external_metrics_api),
        Need::ServingLog => refused(&facts.serving_log),
        Need::ScaledObject => refused(&facts.scaled_object),
    }
}

/// Everything of an HPA and its cluster that could not be read.
pub(super) fn all_unreadable<'a>(case: &Case<'a>) -> Vec<&'a NotReadable> {
    let (cluster, facts) = (case.cluster, case.facts);
    let needs = [
        Need::ApiService,
        Need::MetricsServer,
        Need::MetricsServerLog,
        Need::Target,
        Need::Scale,
        Need::Pods,
        Need::PodMetrics,
        Need::SameTarget,
        Need::ServingLog,
        Need::ScaledObject,
    ];
    let needed = needs.into_iter().map(|need| unreadable(case, need));
    std::iter::once(refused(&cluster.version))
        .chain(needed)
        .chain([
            refused(&facts.events),
            refused(&facts.quotas),
            refused(&facts.missed_object),
            refused(&facts.nodes),
            refused(&facts.successor),
        ])
        .flatten()
        .chain(forbidden_values(case))
        .collect()
}

/// The values of metrics that the reader may not see. Any other failure is the metric's own: rules tell it.
fn forbidden_values<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a NotReadable> {
    let values = case.facts.metric_values.iter();
    values.filter_map(refused).filter(|reason| reason.needs.is_some())
}

fn ask(case: &Case<'_>, wanted: impl Fn(&Rule) -> bool) -> Vec<(&'static Rule, Finding)> {
    RULES
        .iter()
        .filter(|rule| wanted(rule))
        .filter_map(|rule| Some((rule, (rule.check)(case)?)))
        .map(|(rule, finding)| {
            let blind = rule.needs.iter().any(|need| unreadable(case, *need).is_some());
            let limit = if blind {
                Confidence::Likely
            } else {
                Confidence::Proven
            };
            let finding = finding.at_most(limit);
            (
                rule,
                if ADAPTER_RULES.contains(&rule.code) {
                    half_asked(case, finding)
                } else {
                    finding
                },
            )
        })
        .collect()
}

/// Of many HPAs the values of a few are asked for: the others are told by the controller's words alone.
fn half_asked(case: &Case<'_>, finding: Finding) -> Finding {
    match left_out::of_metrics(case).first() {
        Some(fact) => {
            let finding = finding.could_not_read(fact).at_most(Confidence::Likely);
            left_out::ask_alone(case, finding)
        }
        None => finding,
    }
}

/// The rules that speak of custom and external metrics.
const ADAPTER_RULES: &[&str] = &["TFS306", "TFS307", "TFS308", "TFS309", "TFS311", "TFS704"];

/// Whether a finding tells why the controller reports a failure: it breaks the HPA, or makes it wait, at the
/// stage of the controller's work that the text belongs to.
fn accounts_for(rule: &Rule, finding: &Finding, symptom: &Symptom) -> bool {
    if symptom.condition.reason == "ScalingDisabled" {
        return rule.code == "TFS605";
    }
    let weighs = finding.severity == Severity::Error || finding.verdict == Verdict::Waiting;
    let stages: &[Stage] = match &symptom.message {
        Message::TargetNotFound { .. }
        | Message::KindUnknown { .. }
        | Message::InvalidApiVersion(_)
        | Message::NoScaleSubresource
        | Message::ReplicasFieldMissing(_)
        | Message::ScaleFailed(_) => &[Stage::Target],
        Message::InvalidSelector | Message::AmbiguousSelector { .. } | Message::ScaleNotConvertible => {
            &[Stage::Selector]
        }
        // An adapter is not the way of a resource metric: only what speaks of it accounts for its failure.
        Message::MetricsApiFailed {
            api: MetricsApi::Custom | MetricsApi::External,
            ..
        }
        | Message::NoMetricsReturned(MetricsApi::Custom | MetricsApi::External)
        | Message::DescribedKindUnknown(_) => {
            return weighs
                && (ADAPTER_RULES.contains(&rule.code)
                    || matches!(rule.stage, Stage::Pods | Stage::Serving));
        }
        Message::InvalidMetricSource | Message::UnknownMetricType(_) | Message::MetricTypeDisabled => {
            return weighs && rule.code == "TFS312";
        }
        Message::MetricsApiFailed {
            api: MetricsApi::Resource,
            ..
        }
        | Message::NoMetricsReturned(MetricsApi::Resource)
        | Message::MissingRequest { .. }
        | Message::MissingPodLevelRequest { .. }
        | Message::ContainerNotFound { .. }
        | Message::ContainerNotInMetrics { .. }
        | Message::NoMetricsForPods
        | Message::NoPodsBySelector
        | Message::NoMetricsMatchedPods => &[
            Stage::MetricsPipeline,
            Stage::Requests,
            Stage::Pods,
            Stage::Arithmetic,
            Stage::Others,
            Stage::Serving,
        ],
        _ => &[],
    };
    weighs && stages.contains(&rule.stage)
}

/// Errors before warnings before infos, what the controller speaks of before what it has not come to, and each in the
/// controller's order of work; what follows from something else goes under it.
fn arrange(case: &Case<'_>, mut found: Vec<(&'static Rule, Finding)>) -> Vec<Finding> {
    found.sort_by_key(|(rule, finding)| {
        (
            std::cmp::Reverse(finding.severity),
            !stopped(rule, finding),
            not_yet_reached(case, rule),
            WHERE_IT_STANDS.contains(&rule.code),
            rule.stage,
            rule.code,
        )
    });
    let keeping_back: Vec<bool> = found
        .iter()
        .map(|(rule, finding)| keeps_back(rule, finding))
        .collect();
    let roots: Vec<usize> = (0..found.len()).map(|index| root(&found, index)).collect();
    let mut arranged: Vec<(usize, Finding)> = Vec::new();
    let mut following: Vec<(usize, Finding)> = Vec::new();
    for (index, (_, finding)) in found.into_iter().enumerate() {
        let root = roots.get(index).copied().unwrap_or(index);
        if root == index {
            arranged.push((index, finding));
        } else {
            following.push((root, finding));
        }
    }
    for (at, finding) in following {
        if let Some((_, root)) = arranged.iter_mut().find(|(index, _)| *index == at) {
            // Where nobody looks after the HPA there is no next sync.
            if root.code == "TFS609" && finding.code == "TFS608" {
                continue;
            }
            root.consequences.push(finding);
        }
    }
    // Of what is equally bad, first what keeps back the replicas that the HPA has asked for already.
    arranged.sort_by_key(|(index, finding)| {
        let first = keeping_back.get(*index).copied().unwrap_or(false);
        (std::cmp::Reverse(finding.severity), !first)
    });
    arranged.into_iter().map(|(_, finding)| finding).collect()
}

/// What keeps pods from coming to run that the HPA has asked for: they are refused, find no node, or are not made.
const KEEPS_BACK: &[&str] = &["TFS702", "TFS503", "TFS711"];

/// Whether a finding tells of replicas that are missing while the HPA does its work: what else there is to warn of changes
/// what it asks for, and it does not get what it has asked for.
fn keeps_back(rule: &Rule, finding: &Finding) -> bool {
    finding.severity == Severity::Warning && KEEPS_BACK.contains(&rule.code)
}

/// Where nobody looks after the HPA, nothing else that is repaired helps it.
fn stopped(rule: &Rule, finding: &Finding) -> bool {
    rule.code == "TFS609" && finding.confidence == Confidence::Proven
}

/// Infos that say why an HPA stands where it stands: whatever else there is to say is more.
const WHERE_IT_STANDS: &[&str] = &["TFS601", "TFS603", "TFS614"];

/// From 1.26 on the controller asks for requests only when it has a sample that counts (`GetResourceReplicas`): while it
/// says that it has none, a request that is missing is the next fault, not this one.
fn not_yet_reached(case: &Case<'_>, rule: &Rule) -> bool {
    let no_samples = matches!(
        case.blocked_by(),
        Some(Message::NoMetricsForPods | Message::NoMetricsReturned(MetricsApi::Resource))
    );
    let by_requests = matches!(rule.code, "TFS401" | "TFS402" | "TFS403" | "TFS404" | "TFS405");
    no_samples && by_requests && case.controller.minor >= 26
}

/// Follows a finding to the one that explains it, in at most as many steps as there are findings.
fn root(found: &[(&'static Rule, Finding)], index: usize) -> usize {
    let mut current = index;
    for _ in 0..found.len() {
        let Some(cause) = explained_by(found, current) else {
            return current;
        };
        current = cause;
    }
    index
}

/// A lesser finding explains nothing that is worse than itself.
fn explained_by(found: &[(&'static Rule, Finding)], index: usize) -> Option<usize> {
    let (_, effect) = found.get(index)?;
    found
        .iter()
        .position(|(rule, cause)| rule.explains.contains(&effect.code) && cause.severity >= effect.severity)
}
