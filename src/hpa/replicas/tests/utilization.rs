use super::super::fixtures::{controller, cpu_facts, never_ready, now, pods, quantities};
use super::super::{Controller, recommend};
use super::{first, proposed, run, run_on};
use crate::facts::HpaFacts;

fn expect(facts: &HpaFacts, replicas: i32, shown: &str) {
    assert_eq!(proposed(facts), (Some(replicas), shown.to_owned()));
}

#[test]
fn unready_pods_can_stop_growth() {
    let mut facts = cpu_facts(3, 30, &[400, 500, 700]);
    never_ready(&mut pods(&mut facts)[1]);
    never_ready(&mut pods(&mut facts)[2]);
    expect(&facts, 3, "40%");
    let proposal = first(&facts);
    assert_eq!(proposal.multiplier, Some(3));
    assert!(proposal.damped_ratio.unwrap() < 1.0);
}

/// Upstream's requests of 0.9, 1.0 and 1.1 cores for each container.
fn mixed(levels: &[i64]) -> HpaFacts {
    let mut facts = cpu_facts(3, 100, levels);
    for (pod, request) in pods(&mut facts).iter_mut().zip(["900m", "1", "1100m"]) {
        for container in &mut pod.containers {
            container.resources.requests = quantities(&[("cpu", request)]);
        }
    }
    facts
}

#[test]
fn inside_the_tolerance_nothing_changes() {
    expect(&mixed(&[1010, 1030, 1020]), 3, "102%");
    assert!(first(&mixed(&[1010, 1030, 1020])).within_tolerance);

    let strict = Controller {
        tolerance: 0.0,
        ..controller()
    };
    let facts = mixed(&[909, 1010, 1111]);
    let recommendation = recommend(&facts, &strict, now()).unwrap();
    assert_eq!(recommendation.desired_replicas, Some(4));
    assert_eq!(recommendation.metrics[0].current.as_deref(), Some("101%"));
}

#[test]
fn a_pod_without_a_sample_is_taken_for_the_target_where_that_is_more_than_its_request() {
    let facts = cpu_facts(4, 300, &[200, 100]);
    // Both known pods use 15 of 300 percent; the two others count as 300 percent of their request.
    assert_eq!(first(&facts).multiplier, Some(4));
    assert_eq!(run_on(26, &facts).metrics[0].proposal, Some(3));
    assert_eq!(run_on(25, &facts).metrics[0].proposal, Some(1));
}

#[test]
fn a_succeeded_pod_counts_as_one_without_a_sample() {
    let mut facts = cpu_facts(2, 50, &[100]);
    pods(&mut facts)[1].phase = "Succeeded".to_owned();
    expect(&facts, 2, "10%");
    assert_eq!(first(&facts).pods[1].why, "phase Succeeded, no sample");
}

#[test]
fn the_largest_proposal_wins_and_a_failure_blocks_only_shrinking() {
    let broken = super::super::fixtures::utilization("memory", 50);
    for (levels, desired) in [
        ([900, 900, 900], Some(6)),
        ([500, 500, 500], Some(3)),
        ([100, 100, 100], None),
    ] {
        let mut facts = cpu_facts(3, 50, &levels);
        facts.hpa.metrics.push(broken.clone());
        let recommendation = run(&facts);
        assert_eq!(recommendation.desired_replicas, desired, "{levels:?}");
        assert!(recommendation.metrics[1].error.is_some());
    }
}
