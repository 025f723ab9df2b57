//! Metrics of adapters.

use super::super::outside::{average, whole};
use super::End::Proposes;
use super::given::{surge, unready};
use super::{Row, row};

pub(super) fn adapter_rows() -> Vec<Row> {
    let pods = |replicas, target, values: &[&str]| average("Pods", replicas, target, values);
    let max = "9223372036854775807m";
    vec![
        row("27", pods(3, "15k", &["20k", "10k", "30k"]), Proposes(4, "20k")),
        row(
            "28",
            unready(pods(3, "15k", &["50k", "10k", "30k"]), &[2]),
            Proposes(6, "30k"),
        ),
        row("29", pods(3, "15", &["50", "15", "30"]), Proposes(7, "31666m")),
        row("30", pods(5, "20k", &["12k"; 5]), Proposes(3, "12k")),
        row("31a", pods(3, "20", &["20", "21", "21"]), Proposes(3, "20666m")),
        row("31b", pods(3, "20", &["20", "21", "21"]), Proposes(4, "20666m")).tolerating(0.01),
        row("32", pods(5, "20", &["19", "20", "21"]), Proposes(5, "20")),
        row("33", surge(pods(2, "17k", &["10k", "10k"])), Proposes(2, "10k")),
        row("34", whole("Object", 3, "15k", &["20k"]), Proposes(4, "20k")),
        row(
            "35",
            unready(whole("Object", 3, "10k", &["50k"]), &[0, 1]),
            Proposes(5, "50k"),
        ),
        row("36", whole("Object", 5, "20k", &["12k"]), Proposes(3, "12k")),
        row("37", whole("Object", 3, "1m", &[max]), Proposes(i32::MAX, max)),
        row(
            "38a",
            whole("Object", 3, "20", &["20666m"]),
            Proposes(3, "20666m"),
        ),
        row(
            "38b",
            whole("Object", 3, "20", &["20666m"]),
            Proposes(4, "20666m"),
        )
        .tolerating(0.01),
        row("39", average("Object", 3, "5", &["20"]), Proposes(4, "6667m")),
        row("40", average("Object", 5, "2", &["6"]), Proposes(3, "1200m")),
        row(
            "41a",
            average("Object", 4, "5", &["20166m"]),
            Proposes(4, "5042m"),
        ),
        row(
            "41b",
            average("Object", 4, "5", &["20208m"]),
            Proposes(5, "5052m"),
        )
        .tolerating(0.01),
        row(
            "42",
            unready(whole("External", 3, "4400m", &["8600m"]), &[0, 1]),
            Proposes(2, "8600m"),
        ),
        row(
            "43",
            whole("External", 5, "14334m", &["8600m"]),
            Proposes(3, "8600m"),
        ),
        row(
            "44",
            whole("External", 3, "8888m", &["8600m"]),
            Proposes(3, "8600m"),
        ),
        row(
            "45",
            whole("External", 3, max, &["4611686018427387904m"; 2]),
            Proposes(3, max),
        ),
        row(
            "46a",
            average("External", 3, "2150m", &["8600m"]),
            Proposes(4, "2867m"),
        ),
        row(
            "46b",
            average("External", 5, "2867m", &["8600m"]),
            Proposes(3, "1720m"),
        ),
        row(
            "46c",
            average("External", 3, "2900m", &["8600m"]),
            Proposes(3, "2867m"),
        ),
        row(
            "46d",
            average("External", 3, "2800m", &["8600m"]),
            Proposes(4, "2867m"),
        )
        .tolerating(0.01),
    ]
}
