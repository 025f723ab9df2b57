//! From what the metrics want to what is decided: bounds, rates and policies.

use super::super::super::Limit;
use super::super::super::fixtures::{cpu_facts, hpa_facts};
use super::super::limits::{behavior, policy, wanting};
use super::super::zero::asleep;
use super::End::Decides;
use super::given::{after, at_rate, beside_a_failure, bounded, requesting, selecting, with};
use super::{Row, row};
use crate::facts::ScalingPolicyType::{Percent, Pods};
use crate::facts::{Behavior, Fact, SelectPolicy};

pub(super) fn controller_rows() -> Vec<Row> {
    let hot = || requesting(cpu_facts(3, 10, &[100, 200, 300]), &["100m"; 3]);
    let fast = |maximum| {
        with(bounded(hot(), 1, maximum), |facts| {
            facts.hpa.behavior = Some(behavior(&[policy(Percent, 700, 60)], SelectPolicy::Max));
        })
    };
    let zero = |facts| with(facts, |facts| facts.hpa.conditions.clear());
    let raised = |facts| with(facts, |facts| facts.hpa.min_replicas = Some(2));
    let mismatch = with(cpu_facts(4, 50, &[500; 4]), |facts| {
        if let Fact::Known(scale) = &mut facts.scale {
            scale.status_replicas = 5;
        }
    });
    let shared = |facts| {
        with(facts, |facts| {
            facts.same_target = Fact::Known(vec!["other".to_owned()]);
        })
    };
    let five_idle = with(asleep("0", "1"), |facts| {
        facts.scale = hpa_facts(5, Vec::new()).scale;
        facts.pods = hpa_facts(5, Vec::new()).pods;
        facts.hpa.behavior = Some(behavior(&[policy(Percent, 100, 60)], SelectPolicy::Max));
    });
    vec![
        row(
            "61",
            bounded(wanting(3, 30), 2, 6),
            Decides(Some(6), Some(Limit::MaxReplicas)),
        ),
        row("62a", fast(100), Decides(Some(24), Some(Limit::ScaleUpPolicy))),
        row("62b", fast(20), Decides(Some(20), Some(Limit::MaxReplicas))),
        row(
            "63",
            bounded(hpa_facts(2, Vec::new()), 3, 10),
            Decides(Some(3), Some(Limit::MinReplicas)),
        ),
        row(
            "64",
            bounded(hpa_facts(10, Vec::new()), 1, 5),
            Decides(Some(5), Some(Limit::MaxReplicas)),
        ),
        row(
            "65",
            bounded(cpu_facts(0, 50, &[]), 3, 10),
            Decides(Some(0), None),
        ),
        row(
            "66",
            beside_a_failure(cpu_facts(3, 50, &[900; 3])),
            Decides(Some(6), None),
        ),
        row(
            "67",
            beside_a_failure(cpu_facts(5, 50, &[300; 5])),
            Decides(None, None),
        ),
        row(
            "68",
            bounded(cpu_facts(5, 50, &[100; 5]), 1, 10),
            Decides(Some(5), Some(Limit::Stabilization)),
        ),
        row("70a", shared(cpu_facts(3, 50, &[900; 3])), Decides(None, None)),
        row("70b", shared(cpu_facts(3, 50, &[900; 3])), Decides(Some(6), None)).on(25),
        row("74", mismatch, Decides(Some(4), None)),
        row("75", asleep("20", "15"), Decides(Some(2), None)),
        row("76", asleep("1", "1"), Decides(Some(1), None)),
        row("77", zero(asleep("20", "15")), Decides(Some(0), None)),
        row(
            "78",
            raised(asleep("0", "1")),
            Decides(Some(2), Some(Limit::MinReplicas)),
        ),
        row("80", five_idle, Decides(Some(0), None)),
    ]
}

pub(super) fn rate_rows() -> Vec<Row> {
    let up = |replicas| Decides(Some(replicas), Some(Limit::ScaleUpPolicy));
    let down = |replicas| Decides(Some(replicas), Some(Limit::ScaleDownPolicy));
    let both = |pods, percent| [policy(Pods, pods, 60), policy(Percent, percent, 60)];
    let budget = |policy, sizes: &[i32]| after(at_rate(100, 500, &[policy]), sizes);
    let defaults = with(wanting(10, 50), |facts| {
        facts.hpa.behavior = Some(Behavior::default());
    });
    let percent_at_zero = with(asleep("20", "15"), |facts| {
        facts.hpa.behavior = Some(behavior(&[policy(Percent, 100, 60)], SelectPolicy::Max));
    });
    vec![
        row("81", wanting(3, 1000), up(6)),
        row("82", at_rate(3, 60, &[policy(Percent, 1, 60)]), up(4)),
        row("83", defaults, up(20)),
        row("84a", at_rate(10, 500, &both(100, 100)), up(110)),
        row("84b", at_rate(10, 500, &both(2, 100)), up(20)),
        row("84c", at_rate(10, 500, &[policy(Pods, 30, 60)]), up(40)),
        row("84d", at_rate(10, 500, &[policy(Percent, 200, 60)]), up(30)),
        row("85a", at_rate(100, 10, &both(20, 1)), down(80)),
        row("85b", at_rate(100, 10, &both(2, 1)), down(98)),
        row("85c", at_rate(10, 1, &[policy(Pods, 5, 60)]), down(5)),
        row("85d", at_rate(10, 1, &[policy(Percent, 50, 60)]), down(5)),
        row("86a", budget(policy(Pods, 5, 120), &[85, 86, 91, 100]), up(100)),
        row("86b", budget(policy(Pods, 150, 120), &[85, 86, 91, 100]), up(235)),
        row(
            "86c",
            budget(policy(Percent, 200, 120), &[85, 86, 91, 100]),
            up(255),
        ),
        row(
            "87",
            after(at_rate(6, 24, &[policy(Percent, 300, 300)]), &[4, 8, 6]),
            up(16),
        ),
        row(
            "88",
            after(
                at_rate(100, 1, &[policy(Percent, 50, 120)]),
                &[112, 110, 106, 100],
            ),
            down(56),
        ),
        row(
            "89",
            after(
                at_rate(100, 1, &[policy(Percent, 10, 120)]),
                &[130, 120, 110, 100],
            ),
            down(100),
        ),
        row(
            "90",
            after(at_rate(10, 1, &[policy(Percent, 50, 180)]), &[12, 14, 10]),
            down(6),
        ),
        row(
            "91",
            at_rate(10, 1, &[policy(Percent, 1000, 60)]),
            Decides(Some(1), None),
        ),
        row("92a", selecting(1, 50, &both(2, 50), SelectPolicy::Min), up(2)),
        row("92b", selecting(5, 1, &both(2, 50), SelectPolicy::Min), down(3)),
        row("99a", at_rate(5, 1, &[policy(Percent, 50, 60)]), down(2)),
        row("99b", at_rate(5, 50, &[policy(Percent, 50, 60)]), up(8)),
        row("100", percent_at_zero, up(0)),
        row(
            "101a",
            selecting(3, 60, &[], SelectPolicy::Disabled),
            Decides(Some(3), Some(Limit::Disabled)),
        ),
        row(
            "101b",
            selecting(3, 1, &[], SelectPolicy::Disabled),
            Decides(Some(3), Some(Limit::Disabled)),
        ),
    ]
}
