//! The whole text and the whole page of one load with an HPA: what a person reads.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{html, load};
use crate::load::report::{Client, Ended, LoadReport, Parts, Target};
use crate::load::{
    DurationRange, Failure, Mode, Plan, ScaleEvent, ScaleSample, Scaling, SeenFinding, Tally, Timeline,
};

const SLICE: Duration = Duration::from_secs(5);

/// Users 1, 2 and 4, 20 s each after 5 s of warm-up; the HPA follows until it is full, and falls after the load.
fn report() -> LoadReport {
    let warm_up = Duration::from_secs(5);
    let plan = Plan {
        mode: Mode::Users,
        steps: Plan::steps(&"1..4".parse().unwrap(), Duration::from_secs(20), warm_up, None),
        warm_up,
        think: Some("100ms".parse::<DurationRange>().unwrap()),
        timeout: Some(Duration::from_secs(10)),
        keep_alive: true,
    };
    let mut timeline = Timeline::default();
    for slice in 0..13 {
        let start = SLICE * slice;
        let users = u64::from(plan.level_at(start));
        let mut tally = Tally::default();
        for request in 0..users * 40 {
            tally.answered(Duration::from_micros(20_000 * users + 700 * request), 22);
        }
        if users == 4 {
            tally.failed(Failure::Status(503));
            tally.failed(Failure::Reset);
            tally.failed(Failure::Status(503));
        }
        timeline.push(&plan, start, SLICE, &tally);
    }
    LoadReport::new(Parts {
        started_at: DateTime::<Utc>::from_timestamp(1_800_000_000, 0).unwrap(),
        target: Target {
            url: "http://10.0.0.7:8501/v1/models/web:predict".to_owned(),
            method: "POST".to_owned(),
            body_bytes: 23,
            measured_from: "this machine, through ClusterIP http://10.0.0.7:8501".to_owned(),
        },
        plan: &plan,
        ended: Ended {
            reason: "completed",
            why: "the last step was over".to_owned(),
            second: 65.0,
        },
        timeline: &timeline,
        client: Client {
            threads: 1,
            cpu_seconds: Some(0.31),
            busiest_percent: Some(2.4),
            connections: 9,
            unfinished: 1,
            ..Client::default()
        },
        scaling: Some(scaling()),
    })
}

fn scaling() -> Scaling {
    // Seconds; replicas wanted, ready and next; usage, which was not known at first.
    let samples = [
        (1.0, 1, 1, None, None),
        (12.0, 1, 1, Some(1), Some(55)),
        (22.0, 1, 1, Some(3), Some(140)),
        (27.0, 3, 1, Some(3), Some(140)),
        (31.0, 3, 3, Some(3), Some(140)),
        (45.0, 3, 3, Some(4), Some(88)),
        (52.0, 4, 3, Some(4), Some(88)),
        (56.0, 4, 4, Some(4), Some(79)),
        (65.0, 4, 4, Some(4), Some(79)),
        (80.0, 4, 4, Some(4), Some(0)),
        (95.0, 1, 4, Some(1), Some(0)),
        (98.0, 1, 1, Some(1), Some(0)),
    ];
    Scaling {
        namespace: "shop".to_owned(),
        hpa: "web".to_owned(),
        target: "Deployment/web".to_owned(),
        min_replicas: 1,
        max_replicas: 4,
        resource: Some("cpu".to_owned()),
        target_percent: Some(60),
        events: [
            (
                27.0,
                "New size: 3; reason: cpu resource utilization (percentage of request) above target",
            ),
            (
                52.0,
                "New size: 4; reason: cpu resource utilization (percentage of request) above target",
            ),
            (95.0, "New size: 1; reason: All metrics below target"),
        ]
        .into_iter()
        .map(|(second, message)| ScaleEvent {
            second,
            reason: "SuccessfulRescale".to_owned(),
            message: message.to_owned(),
        })
        .collect(),
        findings: vec![SeenFinding {
            code: "TFS602".to_owned(),
            severity: "warning",
            title: "cpu is at 79% of 60%: the metrics want 6 replicas, maxReplicas allows 4".to_owned(),
            first_second: 56.0,
            last_second: 65.0,
        }],
        notes: vec!["events before 1 s: they are kept for an hour".to_owned()],
        samples: samples
            .into_iter()
            .map(|(second, wanted, ready, next, usage_percent)| ScaleSample {
                second,
                wanted: Some(wanted),
                ready: Some(ready),
                usage_percent,
                next,
            })
            .collect(),
        ..Scaling::default()
    }
}

#[test]
fn the_whole_text() {
    insta::assert_snapshot!(load::text(&report(), usize::MAX));
}

#[test]
fn the_text_on_a_narrow_terminal() {
    insta::assert_snapshot!(load::text(&report(), 80));
}

#[test]
fn the_whole_page() {
    insta::assert_snapshot!(html::page(&report()));
}
