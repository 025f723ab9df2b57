//! Stage and staleness for each way that a sync can take.

use chrono::DateTime;

use super::{Symptoms, SyncStage};
use crate::facts::{Condition, Event, Fact, HpaFacts};
use crate::hpa::replicas::fixtures::{hpa_facts, metric_status, utilization};

fn read(facts: &HpaFacts) -> Symptoms {
    super::read(facts, DateTime::UNIX_EPOCH)
}

fn with(conditions: &[(&str, &str, &str)]) -> HpaFacts {
    let mut facts = hpa_facts(3, vec![utilization("cpu", 60), utilization("memory", 80)]);
    facts.hpa.current_metrics = vec![
        metric_status("Resource", "cpu"),
        metric_status("Resource", "memory"),
    ];
    facts.hpa.conditions = conditions
        .iter()
        .map(|(type_, status, reason)| Condition {
            type_: (*type_).to_owned(),
            status: (*status).to_owned(),
            reason: (*reason).to_owned(),
            message: String::new(),
            last_transition_time: None,
        })
        .collect();
    facts
}

fn current(facts: &HpaFacts) -> Vec<String> {
    read(facts)
        .conditions
        .into_iter()
        .filter(|symptom| symptom.current)
        .map(|symptom| symptom.condition.reason)
        .collect()
}

const ACTIVE: (&str, &str, &str) = ("ScalingActive", "True", "ValidMetricFound");
const FAILED: (&str, &str, &str) = ("ScalingActive", "False", "FailedGetResourceMetric");
const LIMITED: (&str, &str, &str) = ("ScalingLimited", "True", "TooManyReplicas");

#[test]
fn no_condition_means_never_synced() {
    let said = read(&with(&[]));
    assert_eq!(said.stage, SyncStage::NeverSynced);
    assert_eq!(said.blocking(), None);
}

#[test]
fn an_unread_scale_makes_all_else_old_news() {
    let facts = with(&[ACTIVE, LIMITED, ("AbleToScale", "False", "FailedGetScale")]);
    let said = read(&facts);
    assert_eq!(said.stage, SyncStage::ScaleNotRead);
    assert_eq!(current(&facts), ["FailedGetScale"]);
    assert_eq!(
        said.blocking().map(|symptom| symptom.condition.reason.as_str()),
        Some("FailedGetScale")
    );
    assert_eq!(said.conditions[0].condition.type_, "AbleToScale");
}

#[test]
fn failed_metrics_make_the_limit_old_news() {
    let mut facts = with(&[("AbleToScale", "True", "SucceededGetScale"), FAILED, LIMITED]);
    facts.hpa.current_metrics[1].type_ = String::new();
    let said = read(&facts);
    assert_eq!(said.stage, SyncStage::Metrics);
    assert_eq!(current(&facts), ["SucceededGetScale", "FailedGetResourceMetric"]);
    assert_eq!(said.failed_metrics, [1]);
    assert!(said.current("ScalingLimited").is_none());
}

#[test]
fn the_only_metric_failed_even_where_old_numbers_are_kept() {
    let mut facts = with(&[("AbleToScale", "True", "SucceededGetScale"), FAILED]);
    facts.hpa.metrics.truncate(1);
    assert_eq!(read(&facts).failed_metrics, [0]);
}

#[test]
fn a_partial_failure_shows_behind_an_active_hpa() {
    let mut facts = with(&[("AbleToScale", "True", "ReadyForNewScale"), ACTIVE, LIMITED]);
    facts.hpa.current_metrics[0].type_ = String::new();
    let said = read(&facts);
    assert_eq!(said.stage, SyncStage::Complete);
    assert_eq!(said.failed_metrics, [0]);
    assert_eq!(said.blocking(), None);
}

#[test]
fn selector_and_disabled_stages() {
    for (reason, stage) in [
        ("InvalidSelector", SyncStage::Selector),
        ("AmbiguousSelector", SyncStage::Selector),
        ("ScalingDisabled", SyncStage::Disabled),
    ] {
        let facts = with(&[
            ("AbleToScale", "True", "SucceededGetScale"),
            ("ScalingActive", "False", reason),
            LIMITED,
        ]);
        let said = read(&facts);
        assert_eq!(said.stage, stage);
        assert_eq!(
            said.blocking().map(|symptom| symptom.condition.reason.as_str()),
            Some(reason)
        );
        assert_eq!(said.failed_metrics, Vec::<usize>::new());
    }
}

#[test]
fn an_unwritten_scale_blocks_after_the_metrics() {
    let facts = with(&[LIMITED, ("AbleToScale", "False", "FailedUpdateScale"), ACTIVE]);
    assert_eq!(read(&facts).stage, SyncStage::ScaleNotWritten);
    assert_eq!(
        current(&facts),
        ["ValidMetricFound", "FailedUpdateScale", "TooManyReplicas"]
    );
}

#[test]
fn replicas_out_of_range_are_set_right_without_metrics() {
    let mut facts = with(&[("AbleToScale", "True", "SucceededRescale"), FAILED, LIMITED]);
    facts.hpa.current_metrics.clear();
    let said = read(&facts);
    assert_eq!(said.stage, SyncStage::Complete);
    assert_eq!(current(&facts), ["SucceededRescale"]);
    assert_eq!(said.blocking(), None);
}

#[test]
fn a_valid_metric_beside_a_sync_that_stopped_at_the_scale_is_old_news() {
    let facts = with(&[("AbleToScale", "True", "SucceededGetScale"), ACTIVE]);
    assert_eq!(read(&facts).stage, SyncStage::Metrics);
    assert_eq!(current(&facts), ["SucceededGetScale"]);
}

#[test]
fn a_refused_status_makes_every_condition_old_news() {
    let mut facts = with(&[("AbleToScale", "True", "SucceededGetScale"), FAILED]);
    facts.hpa.status_changed_at = Some(DateTime::UNIX_EPOCH - chrono::TimeDelta::seconds(30));
    let event = |seconds: i64, message: &str| Event {
        type_: "Warning".to_owned(),
        reason: "FailedUpdateStatus".to_owned(),
        message: message.to_owned(),
        count: 1,
        first_seen: None,
        last_seen: Some(DateTime::UNIX_EPOCH - chrono::TimeDelta::seconds(seconds)),
    };
    let refused =
        "horizontalpodautoscalers.autoscaling \"web\" is forbidden: User \"x\" cannot update resource";
    facts.events = Fact::Known(vec![event(10, refused)]);
    assert_eq!(read(&facts).stage, SyncStage::StatusNotWritten);
    assert_eq!(read(&facts).blocking(), None);
    facts.events = Fact::Known(vec![event(40, refused)]);
    assert_eq!(
        read(&facts).stage,
        SyncStage::Metrics,
        "a status was written since"
    );
    facts.events = Fact::Known(vec![event(10, "Operation cannot be fulfilled on x")]);
    assert_eq!(
        read(&facts).stage,
        SyncStage::Metrics,
        "a conflict is tried again"
    );
    // With few events each one is written, so one that is old is of the past; of many, one is written in five minutes.
    facts.hpa.status_changed_at = Some(DateTime::UNIX_EPOCH - chrono::TimeDelta::seconds(600));
    facts.events = Fact::Known(vec![event(200, refused)]);
    assert_eq!(read(&facts).stage, SyncStage::Metrics, "it was refused once");
    facts.events = Fact::Known(vec![Event {
        count: 25,
        ..event(200, refused)
    }]);
    assert_eq!(read(&facts).stage, SyncStage::StatusNotWritten);
}
