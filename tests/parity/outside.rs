//! Scenarios of `Pods`, `Object` and `External` metrics.

use chrono::{DateTime, Utc};
use kubectl_tfserve::facts::{Fact, MetricSample, MetricSpec, MetricTarget, ObjectReference, Pod, Quantity};

use crate::scenario::{self, Random, Scenario};

/// Targets in thousandths.
const TARGETS: [i64; 10] = [
    1,
    100,
    333,
    1000,
    15_000,
    1_000_000,
    7_777_777,
    1_000_000_000_000,
    i64::MAX / 2,
    i64::MAX,
];

/// A random metric, with the values that its API gives.
pub(crate) fn random(random: &mut Random, now: DateTime<Utc>) -> Scenario {
    let type_ = random.pick(&["Pods", "Object", "External"]);
    let average = type_ == "Pods" || random.percent(50);
    let asleep = type_ != "Pods" && random.percent(15);
    let replicas = if asleep { 0 } else { random.between(1, 12) };
    let pods = scenario::pods(random, "cpu", replicas, now);
    let milli = random.pick(&TARGETS);
    let target = Quantity(format!("{milli}m"));
    let values = values(random, type_, &pods, milli);
    let spec = MetricSpec {
        type_: type_.to_owned(),
        name: "queue".to_owned(),
        container: None,
        object: (type_ == "Object").then(|| ObjectReference {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            name: "front".to_owned(),
        }),
        selector: None,
        target: if average {
            MetricTarget::AverageValue(target)
        } else {
            MetricTarget::Value(target)
        },
    };
    let tolerances = scenario::tolerances(random);
    let mut scenario = Scenario::new(spec, tolerances, i32::try_from(replicas).unwrap(), pods);
    if let Fact::Known(scale) = &mut scenario.facts.scale
        && random.percent(25)
    {
        scale.status_replicas = i32::try_from(random.between(0, 14)).unwrap();
    }
    scenario.facts.metric_values = vec![Fact::Known(values)];
    if asleep { scenario.asleep() } else { scenario }
}

fn values(random: &mut Random, type_: &str, pods: &[Pod], target: i64) -> Vec<MetricSample> {
    let objects: Vec<String> = match type_ {
        "Pods" => {
            let complete = random.percent(60);
            let measured = pods.iter().filter(|_| complete || random.percent(75));
            let mut names: Vec<String> = measured.map(|pod| pod.name.clone()).collect();
            if random.percent(5) {
                names.push("gone".to_owned());
            }
            names
        }
        "Object" => {
            let count = if random.percent(96) {
                1
            } else {
                random.pick(&[0, 2])
            };
            vec!["front".to_owned(); count]
        }
        _ => vec![String::new(); random.pick(&[0, 1, 1, 1, 1, 1, 2, 3, 5])],
    };
    objects
        .into_iter()
        .map(|object| MetricSample {
            object,
            labels: std::collections::BTreeMap::new(),
            value: value(random, target),
            timestamp: None,
            window_millis: None,
        })
        .collect()
}

/// Around the target for the most part, sometimes at the ends of what a value can be.
fn value(random: &mut Random, target: i64) -> Quantity {
    if random.percent(6) {
        return Quantity::from(random.pick(&[
            "0",
            "-5",
            "1n",
            "123456789012345",
            "4611686018427387904m",
            "9223372036854775",
            "9223372036854776",
            "9223372036854775807m",
            "-9223372036854775807m",
            "99999999999999999999m",
            "-1.00000000000001",
            "12E",
            "9Ei",
            "1e30",
        ]));
    }
    let percent = if random.percent(10) {
        100
    } else {
        random.between(0, 400)
    };
    let milli = i128::from(target) * i128::from(percent) / 100;
    let milli = i64::try_from(milli).unwrap_or(i64::MAX);
    match random.between(0, 2) {
        0 if milli < i64::MAX / 2_000_000 => {
            Quantity(format!("{}n", milli * 1_000_000 + random.between(0, 999_999)))
        }
        1 => Quantity((milli / 1000).to_string()),
        _ => Quantity(format!("{milli}m")),
    }
}
