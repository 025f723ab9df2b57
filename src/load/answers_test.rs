//! What reports answer.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::report::{Client, Ended, LoadReport, Parts, Target};
use super::{Failure, Mode, Plan, ScaleSample, Scaling, SeenFinding, Tally, Timeline};

fn plan(levels: &str) -> Plan {
    Plan {
        mode: Mode::Users,
        steps: Plan::steps(
            &levels.parse().unwrap(),
            Duration::from_secs(10),
            Duration::ZERO,
            None,
        ),
        warm_up: Duration::ZERO,
        think: None,
        timeout: None,
        keep_alive: true,
    }
}

fn parts<'a>(plan: &'a Plan, timeline: &'a Timeline) -> Parts<'a> {
    Parts {
        started_at: DateTime::<Utc>::UNIX_EPOCH,
        target: Target::default(),
        plan,
        ended: Ended {
            reason: "completed",
            why: String::new(),
            second: plan.length().as_secs_f64(),
        },
        timeline,
        client: Client::default(),
        scaling: None,
    }
}

/// Ten seconds a step, of so many requests a second of so many milliseconds each.
fn report(levels: &str, steps: &[(u64, u64)], change: impl FnOnce(&mut Parts<'_>)) -> LoadReport {
    let (plan, mut timeline) = (plan(levels), Timeline::default());
    for (step, (rate, milliseconds)) in (0..).zip(steps) {
        let mut tally = Tally::default();
        for _ in 0..rate * 10 {
            tally.answered(Duration::from_millis(*milliseconds), 2);
        }
        let length = Duration::from_secs(10);
        timeline.push(&plan, length * step, length, &tally);
    }
    let mut parts = parts(&plan, &timeline);
    change(&mut parts);
    LoadReport::new(parts)
}

fn answer(report: &LoadReport, question: &str) -> String {
    report
        .answers
        .iter()
        .find(|answer| answer.question == question)
        .map(|answer| answer.answer.clone())
        .unwrap_or_default()
}

/// The seconds, replicas wanted and ready, and usage of each sample, on a target of 60% and at most 4.
fn scaling(samples: &[(f64, i32, i32, i32)]) -> Scaling {
    Scaling {
        namespace: "shop".to_owned(),
        hpa: "web".to_owned(),
        target: "Deployment/web".to_owned(),
        min_replicas: 1,
        max_replicas: 4,
        resource: Some("cpu".to_owned()),
        target_percent: Some(60),
        samples: samples
            .iter()
            .map(|(second, wanted, ready, usage)| ScaleSample {
                second: *second,
                wanted: Some(*wanted),
                ready: Some(*ready),
                usage_percent: Some(*usage),
                next: None,
            })
            .collect(),
        ..Scaling::default()
    }
}

#[test]
fn the_knee_is_where_more_users_only_wait() {
    let bent = report("1..8", &[(100, 10), (195, 10), (210, 19), (212, 38)], |_| {});
    assert_eq!(
        answer(&bent, "knee"),
        "between 2 and 4 users: 195 req/s at p95 10.0 ms became 210 req/s at p95 19.0 ms"
    );
    assert!(answer(&bent, "limit").starts_with("most likely the server"));
    let straight = report("1..4", &[(100, 10), (200, 10), (390, 10)], |_| {});
    assert_eq!(
        answer(&straight, "knee"),
        "not reached: throughput still grew at 4 users"
    );
    assert!(answer(&straight, "limit") == "nothing that was seen: neither errors nor this client");
}

#[test]
fn a_busy_client_and_failures_are_the_limit_before_the_server() {
    let busy = report("1..4", &[(100, 10), (110, 19), (111, 38)], |parts| {
        parts.client.busiest_percent = Some(97.0);
    });
    assert!(answer(&busy, "limit").starts_with("this client: its busiest thread used 97%"));
    let (plan, mut timeline) = (plan("1"), Timeline::default());
    let mut tally = Tally::default();
    tally.answered(Duration::from_millis(1), 0);
    tally.failed(Failure::Status(503));
    timeline.push(&plan, Duration::ZERO, Duration::from_secs(10), &tally);
    let failing = LoadReport::new(parts(&plan, &timeline));
    assert_eq!(
        answer(&failing, "limit"),
        "errors: 50.0% of the requests failed, most of them with: HTTP 503"
    );
}

#[test]
fn the_replicas_are_told_with_the_users_that_made_them() {
    let samples = [
        (0.0, 1, 1, 5),
        (8.0, 1, 1, 70),
        (12.0, 4, 1, 200),
        (18.0, 4, 4, 90),
        (39.0, 4, 4, 10),
        (45.0, 1, 1, 0),
    ];
    let scaled = report("1..8", &[(1, 1); 4], |parts| {
        parts.scaling = Some(scaling(&samples));
    });
    assert_eq!(
        answer(&scaled, "scaled"),
        "1 → 4 at 2 users (12 s), 4 → 1 after the load (45 s)"
    );
    assert_eq!(
        answer(&scaled, "timeToReady"),
        "cpu was seen at 70% of 60% at 8 s; 4 replicas asked for 4 s later, ready 10 s later"
    );
}

#[test]
fn at_the_maximum_and_still_above_the_target_the_maximum_is_the_limit() {
    let samples = [(0.0, 4, 4, 95)];
    let limited = report("1..2", &[(100, 10), (200, 10)], |parts| {
        parts.scaling = Some(scaling(&samples));
    });
    assert_eq!(
        answer(&limited, "limit"),
        "maxReplicas: with 4 replicas ready, cpu was still at 95% of 60%"
    );
    assert_eq!(
        answer(&limited, "scaled"),
        "it did not scale: 4 replicas all the time"
    );
}

#[test]
fn usage_from_before_the_maximum_says_nothing_of_it() {
    let just_now = report("1..2", &[(100, 10), (200, 10)], |parts| {
        parts.scaling = Some(scaling(&[(0.0, 1, 1, 5), (18.0, 4, 3, 120), (19.0, 4, 4, 120)]));
    });
    assert!(answer(&just_now, "limit").starts_with("nothing"), "{just_now:#?}");
}

#[test]
fn usage_below_the_tolerance_is_no_crossing() {
    let calm = report("1", &[(1, 1)], |parts| {
        parts.scaling = Some(scaling(&[(0.0, 1, 1, 60), (5.0, 1, 1, 66)]));
    });
    assert!(answer(&calm, "timeToReady").starts_with("cpu never rose more than 10% above its target of 60%"));
}

fn finding(code: &str, severity: &'static str, title: &str, seen: (f64, f64)) -> SeenFinding {
    SeenFinding {
        code: code.to_owned(),
        severity,
        title: title.to_owned(),
        first_second: seen.0,
        last_second: seen.1,
    }
}

/// The limit of a load of 20 s whose throughput grew, on these samples and findings.
fn limited(samples: &[(f64, i32, i32, i32)], findings: Vec<SeenFinding>) -> String {
    let report = report("1..2", &[(100, 10), (200, 10)], |parts| {
        parts.scaling = Some(Scaling {
            findings,
            ..scaling(samples)
        });
    });
    answer(&report, "limit")
}

#[test]
fn what_limited_is_what_was_seen_at_the_end() {
    let waiting = [(0.0, 1, 1, 5), (5.0, 3, 1, 200)];
    let quota = || finding("TFS702", "warning", "the quota allows 1 pod", (6.0, 20.0));
    assert_eq!(
        limited(&waiting, vec![quota()]),
        "the pods: 3 replicas were asked for, 1 ready: the quota allows 1 pod (TFS702)"
    );
    assert_eq!(
        limited(
            &waiting,
            vec![finding("TFS501", "info", "2 pods are young", (6.0, 20.0))]
        ),
        "nothing that was seen: neither errors, nor this client, nor the HPA",
        "a pod that starts is no limit"
    );
    let above = [(0.0, 1, 1, 5), (5.0, 2, 2, 65)];
    assert_eq!(
        limited(
            &above,
            vec![finding(
                "TFS603",
                "info",
                "65% of 60%: within the tolerance",
                (5.0, 20.0)
            )]
        ),
        "the tolerance: cpu was at 65% with 2 replicas: 65% of 60%: within the tolerance (TFS603)"
    );
    let policy = || finding("TFS606", "warning", "the metrics want 4 replicas", (5.0, 20.0));
    assert!(limited(&above, vec![policy()]).starts_with("the scale-up policies: cpu was at 65%"));
    let over = SeenFinding {
        last_second: 12.0,
        ..policy()
    };
    assert!(
        limited(&above, vec![over]).starts_with("nothing"),
        "it was over before the end"
    );
}

#[test]
fn an_hpa_that_does_not_work_is_the_limit_and_names_the_next_step() {
    let broken = report("1..2", &[(100, 10), (200, 10)], |parts| {
        let mut scaling = scaling(&[(0.0, 1, 1, 0)]);
        scaling.samples[0].usage_percent = None;
        scaling.findings = vec![finding(
            "TFS301",
            "error",
            "Nothing serves metrics.k8s.io",
            (0.0, 20.0),
        )];
        parts.scaling = Some(scaling);
    });
    assert_eq!(
        answer(&broken, "limit"),
        "the HPA: Nothing serves metrics.k8s.io (TFS301)"
    );
    assert_eq!(
        answer(&broken, "scaled"),
        "it did not scale: 1 replica all the time; Nothing serves metrics.k8s.io (TFS301): `kubectl tfserve explain-hpa web -n shop` explains it"
    );
    assert_eq!(answer(&broken, "timeToReady"), "", "nothing is known of it");
}

#[test]
fn the_way_back_is_told() {
    let back = |samples: &[(f64, i32, i32, i32)]| {
        let report = report("1..2", &[(1, 1); 2], |parts| {
            parts.scaling = Some(scaling(samples));
        });
        answer(&report, "coolDown")
    };
    let up = [(0.0, 1, 1, 5), (5.0, 4, 4, 90)];
    assert_eq!(back(&up), "", "nobody watched");
    assert_eq!(
        back(&[up[0], up[1], (50.0, 1, 4, 0), (52.0, 1, 1, 0), (60.0, 1, 1, 0)]),
        "back at 1 replica 32 s after the load"
    );
    assert_eq!(
        back(&[up[0], up[1], (80.0, 4, 4, 0)]),
        "not back at 1 replica 60 s after the load: 4 replicas asked for, 4 ready"
    );
    assert_eq!(
        back(&[up[0], (60.0, 1, 1, 0)]),
        "1 replica all the time after the load"
    );
}
