//! TFS712 load-not-shared
//!
//! ## What it detects
//! One pod of the target is far above the HPA's target and the others have next to nothing to do: the average hides it, and
//! more replicas would not help. Or the pods of one template do the work, beside those of another that get no requests: a
//! preview (blue/green), or a rollout that stands still.
//!
//! ## How it is proved
//! The cpu of every pod that counts, as a percentage of its own request or as it is, or the value that a `Pods` metric has for it: the greatest is half as much again as the target at
//! least, every other at most half of the target, and all of them have run for five minutes. Of two templates the pods of one
//! are above the target and its default tolerance, those of the other at a tenth of that, and half as many at least: that
//! they are not meant to be idle is *likely*.
//!
//! ## What it is not
//! A container that hides another in the same pod is TFS613; pods of somebody else in the average are TFS701. Right after a
//! scale-up the new pods are idle for a while.
//!
//! ## Fix
//! Connections that are kept open (gRPC, HTTP/2, keep-alive) stay with the pod that they were opened to, and a Service
//! balances connections, not requests. Balance requests in the client or in a proxy, or let the server end connections from
//! time to time. Where one pod works by design, as a leader does, no HPA can help it. Of two templates: end the rollout, or
//! keep the preview small.
//!
//! ## Source
//! `GetResourceUtilizationRatio` in `metrics/utilization.go`, Kubernetes v1.37: one sum of all usages by one sum of all
//! requests.

use std::collections::BTreeMap;

use crate::diagnosis::case::is_own;
use crate::diagnosis::foreign::{ROLLOUT, revision};
use crate::diagnosis::phrase::{amount, count, word};
use crate::diagnosis::rule::{Need, Rule, Stage, documentation};
use crate::diagnosis::{Case, Confidence, Finding, Severity};
use crate::facts::{MetricSpec, MetricTarget, Pod};
use crate::hpa::replicas::{Counted, MetricProposal};

pub(in crate::diagnosis) const RULE: Rule = Rule {
    code: "TFS712",
    name: "load-not-shared",
    stage: Stage::Others,
    source: documentation!("load_not_shared.rs"),
    explains: &["TFS601", "TFS602", "TFS603", "TFS606", "TFS614"],
    needs: &[Need::Pods, Need::PodMetrics],
    check,
};

/// A pod that is younger may not have its share yet.
const SETTLED_SECONDS: i64 = 300;

/// Above the default tolerance of a tenth.
const TOLERANCE: i64 = 10;

/// So much less than the others is nothing.
const IDLE: i64 = 10;

/// What the metric that decides says of each pod.
struct Seen<'a> {
    spec: &'a MetricSpec,
    /// In the unit of the loads.
    target: i64,
    /// Each pod and its load: a percentage of its request, or thousandths.
    pods: Vec<(&'a Pod, i64)>,
}

fn check(case: &Case<'_>) -> Option<Finding> {
    let metric = case.deciding_metric()?;
    let spec = case.facts.hpa.metrics.get(metric.index)?;
    let target = match &spec.target {
        MetricTarget::AverageUtilization(percent) => i64::from(*percent),
        MetricTarget::AverageValue(value) => value.milli_value().ok()?,
        MetricTarget::Value(_) | MetricTarget::None => return None,
    };
    // Memory is each pod's own, and no balancer shares it.
    if !(spec.name == "cpu" || spec.type_ == "Pods") {
        return None;
    }
    let mut pods = loads(case, metric, &spec.target)?;
    pods.sort_by_key(|(_, load)| std::cmp::Reverse(*load));
    let seen = Seen { spec, target, pods };
    of_one_template(case, &seen).or_else(|| one_pod(case, &seen))
}

impl Seen<'_> {
    fn shown(&self, load: i64) -> String {
        match &self.spec.target {
            MetricTarget::AverageUtilization(_) => format!("{load}%"),
            _ if self.spec.type_ == "Pods" && load % 1000 == 0 => (load / 1000).to_string(),
            _ => amount("cpu", load),
        }
    }

    fn of(&self) -> String {
        match &self.spec.target {
            MetricTarget::AverageUtilization(_) => "of its request".to_owned(),
            _ => format!("of {}", self.spec.name),
        }
    }

    fn source(&self) -> &'static str {
        if self.spec.type_ == "Pods" {
            "the metric's own API"
        } else {
            "LIST pods.metrics.k8s.io"
        }
    }
}

/// What the HPA does about the average.
fn average(case: &Case<'_>) -> Option<String> {
    let current = case.recommendation.map(|it| it.current_replicas);
    let wants_more = case.deciding_metric()?.proposal > current;
    let does = if wants_more {
        "it adds replicas"
    } else {
        "it adds no replica"
    };
    Some(format!(
        "the HPA sees the average, {}: {does}",
        case.current_of_target()?
    ))
}

fn beside_each_other(case: &Case<'_>, finding: Finding) -> Finding {
    finding.fix(
        "see the pods beside each other",
        format!(
            "kubectl tfserve top {} -n {}",
            word(&case.facts.hpa.name),
            case.namespace()
        ),
        "reads only",
    )
}

fn one_pod(case: &Case<'_>, seen: &Seen<'_>) -> Option<Finding> {
    let [(busy, most), (_, next), ..] = seen.pods[..] else {
        return None;
    };
    if most.saturating_mul(2) < seen.target.saturating_mul(3) || next.saturating_mul(2) > seen.target {
        return None;
    }
    let (most, next) = (seen.shown(most), seen.shown(next));
    let others = seen.pods.len() - 1;
    let finding = RULE
        .finding(
            Severity::Warning,
            format!(
                "One pod of {} does the work: {most} {}, the other {} at most {next}",
                case.target_label(),
                seen.of(),
                if others == 1 {
                    "one".to_owned()
                } else {
                    others.to_string()
                }
            ),
            format!("{}, and a new one gets as little", average(case)?),
        )
        .object("Pod", &busy.namespace, &busy.name)
        .saw(
            format!("Pod {}", busy.name),
            format!("{most}; {} at most {next}", count(others, "other")),
            seen.source(),
        );
    let finding = case.on_target(finding).advice(
        "balance requests, not connections: in the client (gRPC: round_robin and a headless Service) or a proxy",
        "a connection that is kept open stays with its pod",
    );
    Some(beside_each_other(case, finding))
}

/// The pods of one template.
struct Template<'a> {
    hash: &'a str,
    pods: usize,
    /// The least, the greatest and the mean load.
    least: i64,
    most: i64,
    mean: i64,
}

fn templates<'a>(seen: &Seen<'a>) -> Option<Vec<Template<'a>>> {
    let mut by_hash: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (pod, load) in &seen.pods {
        by_hash.entry(revision(pod)?).or_default().push(*load);
    }
    let mut found = by_hash
        .into_iter()
        .map(|(hash, loads)| {
            let number = i64::try_from(loads.len()).ok()?;
            Some(Template {
                hash,
                pods: loads.len(),
                least: *loads.iter().min()?,
                most: *loads.iter().max()?,
                mean: loads
                    .iter()
                    .copied()
                    .fold(0, i64::saturating_add)
                    .checked_div(number)?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    found.sort_by_key(|template| std::cmp::Reverse(template.mean));
    Some(found)
}

/// A preview, or a rollout that stands still: its pods are averaged in, and get no requests.
fn of_one_template(case: &Case<'_>, seen: &Seen<'_>) -> Option<Finding> {
    let templates = templates(seen)?;
    let (busy, idle) = templates.split_first()?;
    let above = busy.mean.saturating_mul(100) > seen.target.saturating_mul(100 + TOLERANCE);
    let nothing = |template: &Template<'_>| template.most.saturating_mul(IDLE) <= busy.mean;
    let number: usize = idle.iter().map(|template| template.pods).sum();
    // A canary is meant to have little traffic, and few pods.
    let many = number.saturating_mul(2) >= busy.pods;
    if idle.is_empty() || !above || !many || !idle.iter().all(nothing) {
        return None;
    }
    let most = idle.iter().map(|template| template.most).max()?;
    let label = case.target_label();
    let mut finding = RULE.finding(
        Severity::Warning,
        format!(
            "The pods of one template of {label} do the work, at {} {} each; {} of another get none, {} at most",
            seen.shown(busy.mean),
            seen.of(),
            number,
            seen.shown(most)
        ),
        format!("{}, with the idle ones in it", average(case)?),
    )
    .at_most(Confidence::Likely);
    for template in &templates {
        finding = finding.saw(
            format!("{} of template {}", count(template.pods, "pod"), template.hash),
            if template.least == template.most {
                seen.shown(template.most)
            } else {
                format!("{} to {}", seen.shown(template.least), seen.shown(template.most))
            },
            seen.source(),
        );
    }
    let finding = case.on_target(finding);
    Some(if case.facts.hpa.target.kind == ROLLOUT {
        finding
            .advice(
                "promote the Rollout, or abort it",
                "the pods of the other template go then; until then the HPA reads both",
            )
            .advice(
                "keep a preview small with `previewReplicaCount` of `strategy.blueGreen`",
                "changes the Rollout alone; the preview grows to its size before it is promoted",
            )
    } else {
        finding.fix(
            "see what the rollout waits for",
            format!("kubectl rollout status {} --watch=false", case.target_arguments()),
            "reads only; when it is over the pods of the other template are gone",
        )
    })
}

/// The pods that count, each with its usage in the unit of the target: as a percentage of its request, or in thousandths;
/// none where one of them is young or somebody else's.
fn loads<'a>(case: &Case<'a>, metric: &MetricProposal, target: &MetricTarget) -> Option<Vec<(&'a Pod, i64)>> {
    let counted = metric.pods.iter().filter(|share| share.counted == Counted::Yes);
    counted
        .map(|share| {
            let pod = case.pods().iter().find(|pod| pod.name == share.name)?;
            let usage = share.usage_milli?;
            let load = match target {
                MetricTarget::AverageUtilization(_) => {
                    let request = share.request_milli.filter(|request| *request > 0)?;
                    usage.saturating_mul(100) / request
                }
                _ => usage,
            };
            let settled = is_own(pod) && case.age(pod)? >= SETTLED_SECONDS;
            settled.then_some((pod, load))
        })
        .collect()
}
