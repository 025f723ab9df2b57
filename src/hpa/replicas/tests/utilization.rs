use super::super::fixtures::{ago, controller, cpu_facts, never_ready, now, pod, pods, quantities, sample};
use super::super::{Controller, recommend};
use super::{first, proposed, run, run_on};
use crate::facts::{Behavior, Fact, HpaFacts, Quantity, ScalingRules};

fn expect(facts: &HpaFacts, replicas: i32, shown: &str) {
    assert_eq!(proposed(facts), (Some(replicas), shown.to_owned()));
}

#[test]
fn all_pods_count() {
    expect(&cpu_facts(3, 30, &[300, 500, 700]), 5, "50%");
    expect(&cpu_facts(5, 50, &[100, 300, 500, 250, 250]), 3, "28%");
}

#[test]
fn unready_pods_are_left_out() {
    let mut facts = cpu_facts(3, 30, &[300, 500, 700]);
    never_ready(&mut pods(&mut facts)[0]);
    expect(&facts, 4, "60%");

    let mut facts = cpu_facts(5, 50, &[100, 300, 500, 250, 250]);
    never_ready(&mut pods(&mut facts)[3]);
    never_ready(&mut pods(&mut facts)[4]);
    expect(&facts, 2, "30%");
}

#[test]
fn a_young_pod_is_left_out_until_it_has_a_sample_since_it_was_ready() {
    let mut facts = cpu_facts(3, 30, &[300, 500, 700]);
    let young = &mut pods(&mut facts)[0];
    young.start_time = Some(ago(60));
    young.conditions[0].last_transition_time = Some(ago(30));
    expect(&facts, 4, "60%");
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

#[test]
fn failed_and_terminating_pods_do_not_count() {
    for failed in [true, false] {
        let mut facts = cpu_facts(4, 30, &[500, 700]);
        for pod in &mut pods(&mut facts)[2..] {
            if failed {
                pod.phase = "Failed".to_owned();
            } else {
                pod.deleted_at = Some(now());
            }
        }
        let proposal = first(&facts);
        assert_eq!(
            (proposal.proposal, proposal.current.as_deref()),
            (Some(4), Some("60%"))
        );
    }
}

#[test]
fn pending_pods_do_not_stop_shrinking() {
    let mut facts = cpu_facts(5, 50, &[100]);
    for pod in &mut pods(&mut facts)[1..] {
        pod.phase = "Pending".to_owned();
    }
    expect(&facts, 1, "10%");
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
fn each_direction_can_have_its_own_tolerance() {
    for (up, down, level, replicas) in [
        (Some("2"), None, 1900, 3),
        (Some("80m"), None, 1090, 4),
        (None, Some("360m"), 650, 3),
        (None, Some("340m"), 650, 2),
    ] {
        let mut facts = cpu_facts(3, 100, &[level, level, level]);
        let rules = |tolerance: Option<&str>| ScalingRules {
            tolerance: tolerance.map(Quantity::from),
            ..ScalingRules::default()
        };
        facts.hpa.behavior = Some(Behavior {
            scale_up: Some(rules(up)),
            scale_down: Some(rules(down)),
        });
        assert_eq!(first(&facts).proposal, Some(replicas), "{level}");
    }
}

#[test]
fn the_edge_of_the_tolerance_moved_with_1_33() {
    for (level, target) in [(660, 60), (550, 50), (880, 80), (1100, 100)] {
        let facts = cpu_facts(3, target, &[level, level, level]);
        assert_eq!(run_on(33, &facts).desired_replicas, Some(3), "{level}");
        assert_eq!(run_on(32, &facts).desired_replicas, Some(4), "{level}");
    }
}

#[test]
fn samples_of_unknown_pods_do_not_count() {
    let mut facts = cpu_facts(4, 24, &[1000, 2000, 1000, 1000]);
    if let Fact::Known(samples) = &mut facts.pod_metrics {
        samples.push(sample(90, "cpu", 50_000));
    }
    expect(&facts, 21, "125%");
}

#[test]
fn pods_without_a_sample_damp_both_directions() {
    expect(&cpu_facts(4, 100, &[400, 95]), 3, "24%");
    expect(&cpu_facts(2, 100, &[1000]), 2, "100%");
    expect(&cpu_facts(2, 100, &[1900]), 2, "190%");
    expect(&cpu_facts(2, 100, &[600]), 2, "60%");
}

#[test]
fn unready_pods_and_pods_without_a_sample_damp_together() {
    for (level, replicas) in [(450, 3), (2000, 4)] {
        let mut facts = cpu_facts(3, 50, &[100, level]);
        never_ready(&mut pods(&mut facts)[0]);
        assert_eq!(first(&facts).proposal, Some(replicas), "{level}");
    }
    let mut facts = cpu_facts(4, 50, &[100, 100, 100]);
    never_ready(&mut pods(&mut facts)[0]);
    assert_eq!(first(&facts).proposal, Some(3));
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
fn a_surge_pod_without_a_sample_does_not_grow_the_target() {
    let mut facts = cpu_facts(2, 50, &[100, 100]);
    pods(&mut facts).push(pod(2));
    expect(&facts, 2, "10%");
}

#[test]
fn floats_are_multiplied_in_the_order_of_the_controller() {
    for (target, percent, ready, replicas) in [
        (60, 124, 15, 32),
        (60, 248, 15, 63),
        (70, 145, 14, 30),
        (70, 290, 7, 30),
        (75, 155, 15, 32),
        (90, 186, 15, 32),
    ] {
        let levels = vec![percent * 10; usize::try_from(ready).unwrap()];
        let facts = cpu_facts(ready, target, &levels);
        assert_eq!(
            first(&facts).proposal,
            Some(replicas),
            "{percent}% of {target}% × {ready}"
        );
    }
}

#[test]
fn the_percentage_is_cut_off_before_the_ratio() {
    expect(&cpu_facts(3, 60, &[669, 669, 669]), 3, "66%");
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
