//! One table: the scenarios of upstream's calculator and controller tests, and those that upstream lacks, in the
//! numbers under which the project's notes on the HPA controller list them.
//!
//! 69 is a text of the symptoms, 71 to 73 and 79 are what the controller writes, 93 to 96 what it remembers: none of
//! them is arithmetic on what can be read.

use super::super::fixtures::{
    ago, condition, container, controller, cpu_facts, hpa_facts, metric, never_ready, now, pod, pods,
    quantities, sample, utilization,
};
use super::super::{Controller, Counted, Limit, recommend};
use super::limits::{behavior, policy, rescales, wanting};
use super::outside::{average, whole};
use super::zero::asleep;
use crate::facts::ScalingPolicyType::{Percent, Pods};
use crate::facts::{
    Behavior, Condition, Container, Fact, HpaFacts, MetricTarget, Pod, Quantity, Resources, ScalingPolicy,
    ScalingRules, SelectPolicy,
};

/// What a scenario ends in.
enum End {
    /// The first metric proposes so many replicas and shows this value.
    Proposes(i32, &'static str),
    /// The first metric fails with a text that ends so.
    Fails(&'static str),
    /// The controller decides this; nothing where it decides nothing.
    Decides(Option<i32>, Option<Limit>),
    /// The first pod is counted so.
    Counts(Counted),
    /// The first pod requests so many thousandths.
    Requests(i64),
}

struct Row {
    number: &'static str,
    facts: HpaFacts,
    controller: Controller,
    end: End,
}

fn row(number: &'static str, facts: HpaFacts, end: End) -> Row {
    Row {
        number,
        facts,
        controller: controller(),
        end,
    }
}

impl Row {
    fn tolerating(mut self, tolerance: f64) -> Self {
        self.controller.tolerance = tolerance;
        self
    }

    fn on(mut self, minor: u32) -> Self {
        self.controller.minor = minor;
        self
    }

    fn check(&self) {
        let recommendation = recommend(&self.facts, &self.controller, now()).unwrap();
        let number = self.number;
        let first = recommendation.metrics.first();
        match &self.end {
            End::Proposes(replicas, shown) => {
                let first = first.unwrap();
                let seen = (first.proposal, first.current.as_deref());
                assert_eq!(
                    seen,
                    (Some(*replicas), Some(*shown)),
                    "{number}: {:?}",
                    first.error
                );
            }
            End::Fails(text) => {
                let error = first.unwrap().error.as_deref().unwrap_or_default();
                assert!(error.ends_with(text), "{number}: {error}");
            }
            End::Decides(replicas, limit) => {
                let seen = (recommendation.desired_replicas, recommendation.limited_by);
                assert_eq!(seen, (*replicas, *limit), "{number}: {}", recommendation.sentence);
            }
            End::Counts(counted) => assert_eq!(first.unwrap().pods[0].counted, *counted, "{number}"),
            End::Requests(milli) => {
                let first = first.unwrap();
                assert_eq!(
                    first.pods[0].request_milli,
                    Some(*milli),
                    "{number}: {:?}",
                    first.error
                );
            }
        }
    }
}

use End::{Counts, Decides, Fails, Proposes, Requests};

/// Facts with changes.
fn with(mut facts: HpaFacts, change: impl FnOnce(&mut HpaFacts)) -> HpaFacts {
    change(&mut facts);
    facts
}

/// Facts with changed pods.
fn with_pods(facts: HpaFacts, indices: &[usize], change: impl Fn(&mut Pod)) -> HpaFacts {
    with(facts, |facts| {
        for index in indices {
            change(&mut pods(facts)[*index]);
        }
    })
}

fn unready(facts: HpaFacts, indices: &[usize]) -> HpaFacts {
    with_pods(facts, indices, never_ready)
}

/// Pods that started a minute ago and have no sample since they are ready.
fn young(facts: HpaFacts, indices: &[usize]) -> HpaFacts {
    with_pods(facts, indices, |pod| {
        pod.start_time = Some(ago(60));
        pod.conditions[0].last_transition_time = Some(ago(30));
    })
}

fn phase(facts: HpaFacts, indices: &[usize], phase: &str) -> HpaFacts {
    with_pods(facts, indices, |pod| phase.clone_into(&mut pod.phase))
}

fn terminating(facts: HpaFacts, indices: &[usize]) -> HpaFacts {
    with_pods(facts, indices, |pod| pod.deleted_at = Some(now()))
}

/// One more pod, of a rollout, without a sample.
fn surge(facts: HpaFacts) -> HpaFacts {
    with(facts, |facts| {
        let index = pods(facts).len();
        pods(facts).push(pod(index));
    })
}

/// Requests for each container of the pods, in their order.
fn requesting(facts: HpaFacts, requests: &[&str]) -> HpaFacts {
    with(facts, |facts| {
        for (pod, request) in pods(facts).iter_mut().zip(requests) {
            for container in &mut pod.containers {
                container.resources.requests = quantities(&[("cpu", request)]);
            }
        }
    })
}

fn directions(facts: HpaFacts, up: Option<&str>, down: Option<&str>) -> HpaFacts {
    let rules = |tolerance: Option<&str>| ScalingRules {
        tolerance: tolerance.map(Quantity::from),
        ..ScalingRules::default()
    };
    with(facts, |facts| {
        facts.hpa.behavior = Some(Behavior {
            scale_up: Some(rules(up)),
            scale_down: Some(rules(down)),
        });
    })
}

/// Samples that none of the pods but those of these indices has.
fn sampled(facts: HpaFacts, indices: &[usize]) -> HpaFacts {
    with(facts, |facts| {
        let samples = indices.iter().map(|index| sample(*index, "cpu", 1000));
        facts.pod_metrics = Fact::Known(samples.collect());
    })
}

/// One cpu pod: its start, its `Ready` condition, its sample and the sample's window, all in seconds.
fn aged(start: i64, ready: &str, transition: i64, sampled: i64, window: i64) -> HpaFacts {
    let facts = with_pods(cpu_facts(2, 60, &[500, 500]), &[0], |pod| {
        pod.start_time = Some(ago(start));
        pod.conditions = vec![Condition {
            last_transition_time: Some(ago(transition)),
            ..condition("Ready", ready, "")
        }];
    });
    with(facts, |facts| {
        if let Fact::Known(samples) = &mut facts.pod_metrics {
            samples[0].timestamp = ago(sampled);
            samples[0].window_millis = window * 1000;
        }
    })
}

/// One pod of these containers.
fn of(containers: &[Container]) -> HpaFacts {
    with_pods(cpu_facts(1, 60, &[10]), &[0], |pod| {
        pod.containers = containers.to_vec();
    })
}

fn pod_level(facts: HpaFacts, cpu: &str) -> HpaFacts {
    with_pods(facts, &[0], |pod| {
        pod.resources = Some(Resources {
            requests: quantities(&[("cpu", cpu)]),
            ..Resources::default()
        });
    })
}

fn only(facts: HpaFacts, container: &str) -> HpaFacts {
    with(facts, |facts| {
        facts.hpa.metrics[0].type_ = "ContainerResource".to_owned();
        facts.hpa.metrics[0].container = Some(container.to_owned());
    })
}

fn init(restartable: bool) -> Container {
    Container {
        init: true,
        restartable,
        ..container("c2", &[("cpu", "50m")])
    }
}

fn bounded(facts: HpaFacts, minimum: i32, maximum: i32) -> HpaFacts {
    with(facts, |facts| {
        facts.hpa.min_replicas = Some(minimum);
        facts.hpa.max_replicas = maximum;
    })
}

/// A second metric that has no value.
fn beside_a_failure(facts: HpaFacts) -> HpaFacts {
    with(facts, |facts| facts.hpa.metrics.push(utilization("memory", 50)))
}

fn at_rate(current: i32, wanted: i32, policies: &[ScalingPolicy]) -> HpaFacts {
    selecting(current, wanted, policies, SelectPolicy::Max)
}

fn selecting(current: i32, wanted: i32, policies: &[ScalingPolicy], select: SelectPolicy) -> HpaFacts {
    with(wanting(current, wanted), |facts| {
        facts.hpa.behavior = Some(behavior(policies, select));
    })
}

/// Rescales to these sizes within the period, the first one before it.
fn after(facts: HpaFacts, sizes: &[i32]) -> HpaFacts {
    with(facts, |facts| {
        facts.hpa.last_scale_time = Some(ago(5));
        facts.events = rescales(sizes);
        if let Fact::Known(events) = &mut facts.events {
            events[0].last_seen = Some(ago(500));
        }
    })
}

fn memory() -> HpaFacts {
    let target = MetricTarget::AverageValue(Quantity::from("1Gi"));
    with(
        hpa_facts(1, vec![metric("Resource", "memory", target)]),
        |facts| {
            facts.pod_metrics = Fact::Known(vec![sample(0, "memory", 1_000_000)]);
            pods(facts)[0].conditions.clear();
        },
    )
}

fn utilization_rows() -> Vec<Row> {
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

fn adapter_rows() -> Vec<Row> {
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

fn pod_rows() -> Vec<Row> {
    let a = || container("c1", &[("cpu", "100m")]);
    let b = || container("c2", &[("cpu", "50m")]);
    let bare = || container("c2", &[]);
    let two = || cpu_facts(2, 60, &[500, 500]);
    vec![
        row("47", memory(), Counts(Counted::Yes)),
        row(
            "48",
            with_pods(two(), &[0], |pod| pod.conditions.clear()),
            Counts(Counted::Unready),
        ),
        row("49a", aged(60, "True", 30, 0, 30), Counts(Counted::Yes)),
        row("49b", aged(60, "True", 30, 0, 60), Counts(Counted::Unready)),
        row("50", aged(3600, "False", 3594, 0, 30), Counts(Counted::Unready)),
        row("51", aged(300, "True", 180, 120, 60), Counts(Counted::Yes)),
        row("52", aged(300, "False", 240, 0, 30), Counts(Counted::Yes)),
        row("53a", aged(300, "False", 290, 0, 30), Counts(Counted::Yes)),
        row("53b", aged(300, "False", 291, 0, 30), Counts(Counted::Unready)),
        row(
            "54a",
            sampled(phase(two(), &[0], "Pending"), &[1]),
            Counts(Counted::Unready),
        ),
        row(
            "54b",
            terminating(phase(two(), &[0], "Pending"), &[0]),
            Counts(Counted::Ignored),
        ),
        row("54c", phase(two(), &[0], "Failed"), Counts(Counted::Ignored)),
        row("55", of(&[a(), b()]), Requests(150)),
        row("56", pod_level(of(&[a(), b()]), "800m"), Requests(800)),
        row(
            "57a",
            of(&[a(), bare()]),
            Fails("missing request for cpu in container c2 of Pod pod-0"),
        ),
        row("57b", pod_level(of(&[a(), bare()]), "800m"), Requests(800)),
        row(
            "58",
            only(pod_level(of(&[a(), b()]), "800m"), "c1"),
            Requests(100),
        ),
        row("59a", of(&[a(), init(false)]), Requests(100)),
        row("59b", of(&[a(), init(true)]), Requests(150)),
        row(
            "60",
            only(
                with_pods(cpu_facts(2, 60, &[10, 10]), &[1], |pod| {
                    drop(pod.containers.pop());
                }),
                "c2",
            ),
            Fails("container c2 not found in Pod pod-1"),
        ),
    ]
}

fn controller_rows() -> Vec<Row> {
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

fn rate_rows() -> Vec<Row> {
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

fn edge_rows() -> Vec<Row> {
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

#[test]
fn every_scenario_ends_as_upstream() {
    let rows = [
        utilization_rows(),
        adapter_rows(),
        pod_rows(),
        controller_rows(),
        rate_rows(),
        edge_rows(),
    ];
    for row in rows.iter().flatten() {
        row.check();
    }
}
