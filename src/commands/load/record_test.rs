//! What a record makes of what it is shown.

use super::{Record, Usage};
use crate::facts::{API_VERSION, ClusterFacts, Fact, Facts, HpaFacts, KIND};
use crate::hpa::replicas::fixtures::{ago, cpu_facts, event, never_ready, now, pods};

fn facts(hpa: &HpaFacts) -> Facts {
    Facts {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        observed_at: now(),
        cluster: ClusterFacts::default(),
        hpas: vec![hpa.clone()],
    }
}

fn hpa(replicas: i32, usage: &[i64]) -> HpaFacts {
    let mut hpa = cpu_facts(replicas, 60, usage);
    hpa.hpa.desired_replicas = replicas;
    hpa.events = Fact::Known(Vec::new());
    hpa
}

#[test]
fn samples_are_what_changed() {
    let before = hpa(1, &[500]);
    let mut record = Record::new(&before);
    record.take(0.0, &facts(&before));
    record.take(1.0, &facts(&before));
    let mut grown = hpa(3, &[500, 500, 500]);
    never_ready(&mut pods(&mut grown)[2]);
    record.take(2.0, &facts(&grown));
    assert_eq!(record.line(), "cpu 50%/60%  2 of 3 ready");
    assert_eq!(record.ready_pods(), ["pod-0", "pod-1"]);
    let scaling = record.finish(9.0, std::iter::empty());
    let seen: Vec<_> = scaling
        .samples
        .iter()
        .map(|it| (it.second, it.wanted, it.ready))
        .collect();
    assert_eq!(
        seen,
        [
            (0.0, Some(1), Some(1)),
            (2.0, Some(3), Some(2)),
            (9.0, Some(3), Some(2))
        ]
    );
    assert_eq!(
        (scaling.resource.as_deref(), scaling.target_percent),
        (Some("cpu"), Some(60))
    );
}

#[test]
fn events_of_the_past_are_not_the_loads() {
    let mut before = hpa(1, &[500]);
    before.events = Fact::Known(vec![event("SuccessfulRescale", "New size: 4", ago(500))]);
    let mut record = Record::new(&before);
    record.take(0.0, &facts(&before));
    let mut after = before.clone();
    let mut again = event("SuccessfulRescale", "New size: 4", ago(1));
    again.count = 2;
    let mut trouble = event("FailedGetResourceMetric", "no metrics returned", ago(1));
    "Warning".clone_into(&mut trouble.type_);
    after.events = Fact::Known(vec![again, trouble.clone()]);
    record.take(5.0, &facts(&after));
    trouble.count = 7;
    after.events = Fact::Known(vec![trouble]);
    record.take(6.0, &facts(&after));
    let scaling = record.finish(7.0, std::iter::empty());
    let seen: Vec<_> = scaling
        .events
        .iter()
        .map(|it| (it.second, it.reason.as_str()))
        .collect();
    assert_eq!(
        seen,
        [(5.0, "SuccessfulRescale"), (5.0, "FailedGetResourceMetric")],
        "what the controller repeats is said once"
    );
}

#[test]
fn the_newer_of_two_values_counts() {
    let mut usage = Usage::default();
    let mut shown = |status, samples| {
        usage.take(status, samples);
        usage.now
    };
    assert_eq!(shown(Some(5), Some(5)), Some(5));
    assert_eq!(shown(Some(5), Some(90)), Some(90), "the samples are ahead");
    assert_eq!(shown(Some(90), Some(90)), Some(90));
    assert_eq!(shown(Some(200), Some(90)), Some(200), "the controller is ahead");
    assert_eq!(
        shown(None, Some(90)),
        Some(90),
        "a failed sync leaves the samples"
    );
    assert_eq!(shown(None, None), None);
}

#[test]
fn an_hpa_that_is_gone_is_said() {
    let before = hpa(1, &[500]);
    let mut record = Record::new(&before);
    let mut gone = facts(&before);
    gone.hpas.clear();
    record.take(1.0, &gone);
    record.take(2.0, &gone);
    let scaling = record.finish(3.0, std::iter::empty());
    assert_eq!(scaling.notes[0], "the HPA was deleted while the load ran");
}
