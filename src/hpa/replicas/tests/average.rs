use super::super::fixtures::{
    ago, cpu_facts, hpa_facts, metric, metric_status, never_ready, now, pod, pods, sample,
};
use super::{first, proposed, run, run_on};
use crate::facts::{Fact, HpaFacts, MetricTarget, MetricValue, Quantity};

/// An average value of cpu for each pod; both containers of a pod use half of it.
fn cpu(replicas: i32, target: &str, levels: &[i64]) -> HpaFacts {
    let mut facts = cpu_facts(
        replicas,
        1,
        &levels.iter().map(|level| level / 2).collect::<Vec<_>>(),
    );
    facts.hpa.metrics[0].target = MetricTarget::AverageValue(Quantity::from(target));
    facts
}

/// A metric of the pods with this mean in the status.
fn pods_metric(replicas: i32, target: &str, mean: &str) -> HpaFacts {
    let target = MetricTarget::AverageValue(Quantity::from(target));
    let mut facts = hpa_facts(replicas, vec![metric("Pods", "qps", target)]);
    let mut status = metric_status("Pods", "qps");
    status.current = MetricValue {
        average_value: Some(Quantity::from(mean)),
        ..MetricValue::default()
    };
    facts.hpa.current_metrics = vec![status];
    facts
}

#[test]
fn the_mean_is_compared_with_the_target() {
    assert_eq!(
        proposed(&cpu(3, "15", &[20_000, 10_000, 30_000])),
        (Some(4), "20".to_owned())
    );
    assert_eq!(
        proposed(&cpu(3, "15", &[50_000, 15_000, 30_000])),
        (Some(7), "31666m".to_owned())
    );
    assert_eq!(first(&cpu(5, "20", &[12_000; 5])).proposal, Some(3));
    assert_eq!(first(&cpu(3, "20", &[20_000, 21_000, 21_000])).proposal, Some(3));
}

#[test]
fn pods_without_a_sample_count_as_the_target_when_shrinking() {
    let mut facts = cpu(2, "17", &[10_000, 10_000]);
    pods(&mut facts).push(pod(2));
    assert_eq!(first(&facts).proposal, Some(2));
    assert_eq!(first(&facts).multiplier, Some(3));
}

#[test]
fn exactly_on_target_pods_without_a_sample_are_left_alone_since_1_28() {
    let facts = cpu(5, "20", &[19_000, 20_000, 21_000]);
    assert_eq!(run_on(28, &facts).metrics[0].proposal, Some(5));
    assert_eq!(run_on(27, &facts).metrics[0].proposal, Some(3));
}

#[test]
fn cpu_readiness_matters_and_memory_readiness_does_not() {
    let mut facts = cpu(3, "15", &[50_000, 10_000, 30_000]);
    never_ready(&mut pods(&mut facts)[2]);
    assert_eq!(first(&facts).current.as_deref(), Some("30"));

    let target = MetricTarget::AverageValue(Quantity::from("100Mi"));
    let mut facts = hpa_facts(3, vec![metric("Resource", "memory", target)]);
    facts.pod_metrics = Fact::Known(
        (0..3)
            .map(|index| sample(index, "memory", 104_857_600_000))
            .collect(),
    );
    never_ready(&mut pods(&mut facts)[2]);
    assert_eq!(proposed(&facts), (Some(6), "200Mi".to_owned()));
    assert_eq!(
        run_on(33, &facts).metrics[0].current.as_deref(),
        Some("209715200")
    );
}

#[test]
fn the_mean_of_a_pods_metric_comes_from_the_status() {
    assert_eq!(proposed(&pods_metric(3, "15", "20")), (Some(4), "20".to_owned()));
    assert_eq!(first(&pods_metric(3, "15", "31666m")).proposal, Some(7));
    assert_eq!(first(&pods_metric(5, "20", "12")).proposal, Some(3));
}

#[test]
fn pending_pods_damp_a_pods_metric() {
    let mut facts = pods_metric(3, "15", "30");
    pods(&mut facts)[2].phase = "Pending".to_owned();
    // Two pods at twice the target; with the third at nothing, 4 of 3 pods.
    assert_eq!(first(&facts).proposal, Some(4));
    never_ready(&mut pods(&mut facts)[1]);
    assert_eq!(first(&facts).proposal, Some(4));
}

#[test]
fn a_metric_that_the_status_does_not_have_is_not_known() {
    let mut facts = pods_metric(3, "15", "20");
    facts.hpa.current_metrics.clear();
    let recommendation = run(&facts);
    assert!(recommendation.metrics[0].not_readable);
    assert_eq!(recommendation.desired_replicas, None);
    assert_eq!(
        recommendation.sentence,
        "no decision known: the value of Pods metric qps could not be read"
    );
}

#[test]
fn old_and_young_samples_are_all_the_same_to_a_pods_metric() {
    let mut facts = pods_metric(3, "15", "20");
    pods(&mut facts)[0].start_time = Some(ago(1));
    pods(&mut facts)[1].deleted_at = Some(now());
    assert_eq!(first(&facts).multiplier, Some(2));
}
