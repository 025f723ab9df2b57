//! What a sync would have written by now: the signs that nobody looks after an HPA whose conditions are from better days.
//!
//! The controller syncs an HPA every 15 s and writes its status whenever anything in it has changed. A status that is
//! old is right only as long as it still says what is the case.

use chrono::{DateTime, Utc};

use super::replicas::{self, Controller, MetricProposal};
use crate::facts::{ApiService, Fact, Hpa, HpaFacts};

/// A controller that runs has synced an HPA four times by then.
pub const PATIENCE_SECONDS: i64 = 60;

/// Something that the status says otherwise than the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// What was compared, for example `status.currentReplicas`.
    pub what: String,
    /// What the status says, and what is the case.
    pub says: String,
    /// Since when it is wrong, where that is known.
    pub since: Option<DateTime<Utc>>,
}

/// The signs; none where the status is not older than a few syncs, or where no sync would write it.
pub fn signs(
    facts: &HpaFacts,
    metrics_api: &Fact<ApiService>,
    controller: &Controller,
    now: DateTime<Utc>,
) -> Vec<Sign> {
    let hpa = &facts.hpa;
    let old = hpa
        .status_changed_at
        .is_some_and(|written| (now - written).num_seconds() >= PATIENCE_SECONDS);
    let reads_the_scale = hpa
        .condition("AbleToScale")
        .is_some_and(|able| able.reason != "FailedGetScale");
    if !old || !reads_the_scale {
        return Vec::new();
    }
    let recommendation = replicas::recommend(facts, controller, now);
    let metrics = recommendation.map_or_else(Vec::new, |it| it.metrics);
    replicas_differ(facts)
        .into_iter()
        .chain(metrics_api_gone(hpa, metrics_api))
        .chain(metrics.iter().filter_map(|metric| metric_differs(hpa, metric)))
        .collect()
}

/// `status.currentReplicas` is the scale's `spec.replicas` at the last sync.
fn replicas_differ(facts: &HpaFacts) -> Option<Sign> {
    let shown = facts.hpa.current_replicas?;
    let is = facts.scale.known()?.spec_replicas;
    let writers = facts.target.known().map(|target| target.replicas_writers.iter());
    let newest = writers
        .into_iter()
        .flatten()
        .filter_map(|writer| writer.time)
        .max();
    (shown != is).then(|| Sign {
        what: "status.currentReplicas".to_owned(),
        says: format!("{shown}, and spec.replicas of the target is {is}"),
        since: newest,
    })
}

/// A metrics API that does not answer makes every sync fail.
fn metrics_api_gone(hpa: &Hpa, api: &Fact<ApiService>) -> Option<Sign> {
    let available = api.known()?.available.as_ref()?;
    let active = hpa.condition("ScalingActive")?;
    let reads_it = !hpa.metrics.is_empty() && hpa.metrics.iter().all(|metric| is_of_pods(&metric.type_));
    (reads_it && available.status == "False" && active.status == "True").then(|| Sign {
        what: "condition ScalingActive".to_owned(),
        says: "True, and metrics.k8s.io is not available".to_owned(),
        since: available.last_transition_time,
    })
}

/// The status shows the undamped value of each metric, as the last sync read it.
fn metric_differs(hpa: &Hpa, metric: &MetricProposal) -> Option<Sign> {
    let is = metric.current.as_deref()?;
    if !is_of_pods(&metric.type_) || metric.proposal.is_none() {
        return None;
    }
    let shown = replicas::shown(hpa, metric)?;
    (shown != is).then(|| Sign {
        what: format!("status, {}", metric.name),
        says: format!("{shown}, and the pods use {is} now"),
        since: None,
    })
}

fn is_of_pods(type_: &str) -> bool {
    matches!(type_, "Resource" | "ContainerResource")
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE_SECONDS, signs};
    use crate::facts::{Fact, HpaFacts, MetricValue};
    use crate::hpa::replicas::Controller;
    use crate::hpa::replicas::fixtures::{ago, condition, cpu_facts, metric_status, now};

    /// Two pods at 50% of their request, whose status was written some seconds ago and shows a percentage.
    fn facts(age: i64, shown: i32) -> HpaFacts {
        let mut facts = cpu_facts(2, 60, &[500, 500]);
        facts.hpa.status_changed_at = Some(ago(age));
        facts.hpa.conditions = vec![
            condition("AbleToScale", "True", "ReadyForNewScale"),
            condition("ScalingActive", "True", "ValidMetricFound"),
        ];
        let mut status = metric_status("Resource", "cpu");
        status.current = MetricValue {
            average_utilization: Some(shown),
            ..MetricValue::default()
        };
        facts.hpa.current_metrics = vec![status];
        facts
    }

    fn found(facts: &HpaFacts) -> Vec<String> {
        let signs = signs(facts, &Fact::default(), &Controller::defaults(None), now());
        signs.into_iter().map(|sign| sign.says).collect()
    }

    #[test]
    fn an_old_status_that_is_right_shows_nothing() {
        assert!(found(&facts(3600, 50)).is_empty());
        assert!(found(&facts(PATIENCE_SECONDS - 1, 20)).is_empty());
    }

    #[test]
    fn an_old_status_that_is_wrong_shows_what() {
        assert_eq!(found(&facts(3600, 20)), ["20%, and the pods use 50% now"]);
        let mut scaled = facts(3600, 50);
        scaled.hpa.current_replicas = Some(5);
        assert_eq!(found(&scaled), ["5, and spec.replicas of the target is 2"]);
        // A sync that cannot read the scale leaves the numbers alone.
        scaled.hpa.conditions = vec![condition("AbleToScale", "False", "FailedGetScale")];
        assert!(found(&scaled).is_empty());
    }
}
