use chrono::{DateTime, TimeDelta, Utc};

use super::super::fixtures::{ago, condition, controller, now, pod};
use super::super::group::group;
use super::super::samples::{Sample, Samples};
use super::super::{Counted, PodShare};
use crate::facts::{Condition, Pod};

fn classify(pod: Pod, sample: Option<(DateTime<Utc>, i64)>, cpu: bool) -> PodShare {
    let samples: Samples = sample
        .map(|(timestamp, window)| {
            let sample = Sample {
                milli: 1,
                timestamp,
                window: TimeDelta::seconds(window),
            };
            (pod.name.clone(), sample)
        })
        .into_iter()
        .collect();
    group(&[pod], &samples, cpu, &controller(), now())
        .shares
        .remove(0)
}

/// A cpu pod with a start, a `Ready` condition and a sample.
fn cpu(start: i64, ready: &str, transition: i64, sampled: i64, window: i64) -> Counted {
    let pod = Pod {
        start_time: Some(ago(start)),
        conditions: vec![Condition {
            last_transition_time: Some(ago(transition)),
            ..condition("Ready", ready, "")
        }],
        ..pod(0)
    };
    classify(pod, Some((ago(sampled), window)), true).counted
}

#[test]
fn only_cpu_asks_for_the_ready_condition() {
    let bare = || Pod {
        conditions: Vec::new(),
        ..pod(0)
    };
    assert_eq!(classify(bare(), Some((now(), 30)), false).counted, Counted::Yes);
    let share = classify(bare(), Some((now(), 30)), true);
    assert_eq!(
        (share.counted, share.why.as_str()),
        (Counted::Unready, "no condition Ready")
    );
    let unstarted = Pod {
        start_time: None,
        ..pod(0)
    };
    assert_eq!(classify(unstarted, Some((now(), 30)), true).why, "no start time");
}

#[test]
fn in_the_initialization_period_a_sample_must_begin_after_readiness() {
    assert_eq!(cpu(60, "True", 30, 0, 30), Counted::Yes);
    assert_eq!(cpu(60, "True", 30, 0, 60), Counted::Unready);
    assert_eq!(cpu(60, "False", 30, 0, 30), Counted::Unready);
    // A status that is neither is no `False`.
    assert_eq!(cpu(60, "Unknown", 30, 0, 30), Counted::Yes);
}

#[test]
fn the_phase_comes_before_the_sample() {
    for (phase, sample, counted) in [
        ("Pending", None, Counted::Unready),
        ("Pending", Some((now(), 30)), Counted::Unready),
        ("Failed", Some((now(), 30)), Counted::Ignored),
        ("Running", None, Counted::Missing),
        ("Succeeded", None, Counted::Missing),
    ] {
        let pod = Pod {
            phase: phase.to_owned(),
            ..pod(0)
        };
        assert_eq!(classify(pod, sample, true).counted, counted, "{phase}");
    }
    let terminating = Pod {
        deleted_at: Some(now()),
        phase: "Pending".to_owned(),
        ..pod(0)
    };
    assert_eq!(classify(terminating, None, true).counted, Counted::Ignored);
}

#[test]
fn the_reason_of_the_phase_is_told() {
    let mut waiting = Pod {
        phase: "Pending".to_owned(),
        ..pod(0)
    };
    waiting.containers[1].state_reason = Some("ImagePullBackOff".to_owned());
    assert_eq!(
        classify(waiting, None, true).why,
        "phase Pending: ImagePullBackOff"
    );
    let evicted = Pod {
        phase: "Failed".to_owned(),
        reason: Some("Evicted".to_owned()),
        ..pod(0)
    };
    assert_eq!(classify(evicted, None, true).why, "phase Failed: Evicted");
}
