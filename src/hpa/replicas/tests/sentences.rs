use super::super::Controller;
use super::super::fixtures::{condition, cpu_facts, never_ready, pods, utilization};
use super::run;
use crate::facts::{Fact, HpaFacts, NotReadable};

fn says(facts: &HpaFacts, sentence: &str) {
    assert_eq!(run(facts).sentence, sentence);
}

#[test]
fn growth_is_told_with_its_numbers() {
    let mut facts = cpu_facts(1, 60, &[4260]);
    facts.hpa.max_replicas = 4;
    says(
        &facts,
        "426% of 60% × 1 pod = 7.1, rounded up to 8, limited to 4 by maxReplicas",
    );
    facts.hpa.max_replicas = 40;
    says(
        &facts,
        "426% of 60% × 1 pod = 7.1, rounded up to 8, limited to 4 by the built-in rate of max(2 × current, 4)",
    );
    says(&cpu_facts(2, 60, &[1200, 1200]), "120% of 60% × 2 pods = 4");
}

#[test]
fn rest_is_told_in_a_few_words() {
    says(&cpu_facts(1, 60, &[0]), "0% of 60%: at the minimum of 1");
    says(
        &cpu_facts(3, 60, &[640; 3]),
        "64% of 60% is within the tolerance of 10%: stays at 3",
    );
    says(&cpu_facts(3, 60, &[600; 3]), "60% of 60%: stays at 3");
}

#[test]
fn damping_is_named() {
    says(
        &cpu_facts(2, 60, &[900]),
        "90% of 60%, but 0.75 times the target with 1 pod without a sample counted as 0: stays at 2",
    );
    let mut facts = cpu_facts(4, 50, &[2000, 2000, 0]);
    never_ready(&mut pods(&mut facts)[2]);
    says(
        &facts,
        "200% of 50%, but 2.00 times the target with 1 pod without a sample counted as 0 and 1 pod not ready counted as 0: 2.00 × 4 pods = 8",
    );
}

#[test]
fn a_held_scale_down_tells_until_when() {
    let mut facts = cpu_facts(3, 60, &[200; 3]);
    facts.hpa.conditions = vec![
        condition("AbleToScale", "True", "ScaleDownStabilized"),
        condition("ScalingActive", "True", "ValidMetricFound"),
    ];
    facts.hpa.status_changed_at = Some(super::super::fixtures::ago(100));
    let mut status = super::super::fixtures::metric_status("Resource", "cpu");
    status.current.average_utilization = Some(20);
    facts.hpa.current_metrics = vec![status];
    says(
        &facts,
        "20% of 60% × 3 pods = 1, held at 3 by the stabilization window of 300 s (the controller's default) until 08:03:20 UTC at the latest if usage stays as it is",
    );
}

#[test]
fn several_metrics_are_told_apart() {
    let mut facts = cpu_facts(2, 60, &[1200, 1200]);
    facts.hpa.metrics.push(utilization("cpu", 90));
    says(&facts, "cpu 120% of 60% × 2 pods = 4, the most of 2 metrics");
}

#[test]
fn where_nothing_is_decided_the_reason_is_told() {
    let mut facts = cpu_facts(2, 60, &[100, 100]);
    facts.hpa.metrics.push(utilization("memory", 60));
    says(
        &facts,
        "no decision: Resource metric cpu wants 1, but scaling down needs every metric and Resource metric memory failed: failed to get memory utilization: did not receive metrics for targeted pods (pods might be unready)",
    );
    facts.pod_metrics = Fact::Known(Vec::new());
    says(
        &facts,
        "no decision: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API",
    );
    facts.pod_metrics = Fact::NotReadable(NotReadable {
        what: "pod metrics".to_owned(),
        why: "503".to_owned(),
        needs: None,
    });
    says(
        &facts,
        "no decision known: the value of Resource metric cpu could not be read",
    );
    facts.same_target = Fact::Known(vec!["other".to_owned()]);
    says(&facts, "no decision: another HPA has the same target");
}

#[test]
fn the_release_is_read_from_the_version() {
    for (version, minor) in [
        (Some("v1.37.2"), 37),
        (Some("v1.29.4-gke.1043002"), 29),
        (Some("1.30+"), 30),
        (Some("nonsense"), 37),
        (None, 37),
    ] {
        assert_eq!(Controller::defaults(version).minor, minor, "{version:?}");
    }
}
