//! Usage of cpu and memory, as far as what a metric proposes; and the edges of its numbers.

use super::super::super::fixtures::{cpu_facts, sample};
use super::End::{Fails, Proposes};
use super::given::{
    directions, phase, requesting, sampled, surge, terminating, unready, with, with_pods, young,
};
use super::{Row, row};
use crate::facts::Fact;

pub(super) fn utilization_rows() -> Vec<Row> {
    let three = || cpu_facts(3, 30, &[300, 500, 700]);
    let five = || cpu_facts(5, 50, &[100, 300, 500, 250, 250]);
    let four = || cpu_facts(4, 30, &[500, 700]);
    let uneven = |levels: &[i64]| requesting(cpu_facts(3, 100, levels), &["900m", "1", "1100m"]);
    let level = |level: i64| cpu_facts(3, 100, &[level; 3]);
    let edge = |level: i64, target: i32| cpu_facts(3, target, &[level; 3]);
    vec![
        row("1", three(), Proposes(5, "50%")),
        row("2", unready(three(), &[0]), Proposes(4, "60%")),
        row("3", young(three(), &[0]), Proposes(4, "60%")),
        row(
            "4",
            unready(cpu_facts(3, 30, &[400, 500, 700]), &[1, 2]),
            Proposes(3, "40%"),
        ),
        row("5", phase(four(), &[2, 3], "Failed"), Proposes(4, "60%")),
        row("6", terminating(four(), &[2, 3]), Proposes(4, "60%")),
        row("7", five(), Proposes(3, "28%")),
        row("8", unready(five(), &[3, 4]), Proposes(2, "30%")),
        row(
            "9",
            phase(cpu_facts(5, 50, &[100]), &[1, 2, 3, 4], "Pending"),
            Proposes(1, "10%"),
        ),
        row("10", young(five(), &[3, 4]), Proposes(2, "30%")),
        row("11", uneven(&[1010, 1030, 1020]), Proposes(3, "102%")),
        row("12", uneven(&[909, 1010, 1111]), Proposes(4, "101%")).tolerating(0.0),
        row(
            "13",
            directions(level(1900), Some("2"), None),
            Proposes(3, "190%"),
        ),
        row(
            "14",
            directions(level(1090), Some("80m"), None),
            Proposes(4, "109%"),
        ),
        row(
            "15a",
            directions(level(650), None, Some("360m")),
            Proposes(3, "65%"),
        ),
        row(
            "15b",
            directions(level(650), None, Some("340m")),
            Proposes(2, "65%"),
        ),
        row("16a", edge(660, 60), Proposes(3, "66%")).on(33),
        row("16b", edge(660, 60), Proposes(4, "66%")).on(32),
        row("16c", edge(550, 50), Proposes(3, "55%")).on(33),
        row("16d", edge(550, 50), Proposes(4, "55%")).on(32),
        row("16e", edge(880, 80), Proposes(3, "88%")).on(33),
        row("16f", edge(880, 80), Proposes(4, "88%")).on(32),
        row("16g", edge(1100, 100), Proposes(3, "110%")).on(33),
        row("16h", edge(1100, 100), Proposes(4, "110%")).on(32),
        row(
            "17",
            with(cpu_facts(4, 24, &[1000, 2000, 1000, 1000]), |facts| {
                if let Fact::Known(samples) = &mut facts.pod_metrics {
                    samples.extend([sample(90, "cpu", 50_000), sample(91, "cpu", 50_000)]);
                }
            }),
            Proposes(21, "125%"),
        ),
        row("18", cpu_facts(4, 100, &[400, 95]), Proposes(3, "24%")),
        row("19a", cpu_facts(2, 100, &[1000]), Proposes(2, "100%")),
        row("19b", cpu_facts(2, 100, &[1900]), Proposes(2, "190%")),
        row("19c", cpu_facts(2, 100, &[600]), Proposes(2, "60%")),
        row(
            "20a",
            unready(cpu_facts(3, 50, &[100, 450]), &[0]),
            Proposes(3, "45%"),
        ),
        row(
            "20b",
            unready(cpu_facts(3, 50, &[100, 2000]), &[0]),
            Proposes(4, "200%"),
        ),
        row(
            "21",
            unready(cpu_facts(4, 50, &[100, 100, 100]), &[0]),
            Proposes(3, "10%"),
        ),
        row(
            "22",
            requesting(cpu_facts(4, 300, &[200, 100, 100]), &["4", "1", "1300m", "4"]),
            Proposes(2, "6%"),
        ),
        row("23", surge(cpu_facts(2, 50, &[100, 100])), Proposes(2, "10%")),
        row(
            "24",
            sampled(cpu_facts(2, 60, &[]), &[7]),
            Fails("no metrics returned matched known pods"),
        ),
        row(
            "25",
            cpu_facts(2, 60, &[]),
            Fails("no metrics returned from resource metrics API"),
        ),
        row(
            "26",
            with_pods(cpu_facts(1, 60, &[10]), &[0], |pod| {
                pod.containers[0].resources.requests.clear();
            }),
            Fails("missing request for cpu in container c1 of Pod pod-0"),
        ),
    ]
}

pub(super) fn edge_rows() -> Vec<Row> {
    let even = |ready: i32, target, percent: i64| {
        cpu_facts(
            ready,
            target,
            &vec![percent * 10; usize::try_from(ready).unwrap()],
        )
    };
    let leftover = with_pods(phase(cpu_facts(3, 60, &[100; 3]), &[2], "Failed"), &[2], |pod| {
        pod.containers[1].resources.requests.clear();
    });
    vec![
        row("97a", even(15, 60, 124), Proposes(32, "124%")),
        row("97b", even(15, 60, 248), Proposes(63, "248%")),
        row("97c", even(14, 70, 145), Proposes(30, "145%")),
        row("97d", even(7, 70, 290), Proposes(30, "290%")),
        row("97e", even(15, 75, 155), Proposes(32, "155%")),
        row("97f", even(15, 90, 186), Proposes(32, "186%")),
        row("98", cpu_facts(3, 60, &[669; 3]), Proposes(3, "66%")),
        row(
            "102",
            requesting(cpu_facts(1, 60, &[100]), &["0"]),
            Fails("no metrics returned matched known pods"),
        ),
        row(
            "104a",
            phase(cpu_facts(2, 50, &[100]), &[1], "Succeeded"),
            Proposes(2, "10%"),
        ),
        row(
            "104b",
            phase(cpu_facts(2, 50, &[900]), &[1], "Succeeded"),
            Proposes(2, "90%"),
        ),
        row(
            "105",
            leftover,
            Fails("missing request for cpu in container c2 of Pod pod-2"),
        ),
    ]
}
