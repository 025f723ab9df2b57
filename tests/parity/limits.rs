//! Scenarios of bounds, rates and policies: from a number that the metric wants to the one that the controller writes.

use chrono::{DateTime, TimeDelta, Utc};
use kubectl_tfserve::facts::{
    Behavior, Event, Fact, MetricSample, Quantity, ScalingPolicy, ScalingPolicyType, ScalingRules,
    SelectPolicy,
};

use crate::scenario::{Change, Random, Scenario, queue};

/// Far from every period, as is the time between any two: the two clocks differ by milliseconds.
const AGES: [i64; 8] = [4, 10, 30, 95, 200, 450, 900, 2500];
const PERIODS: [i32; 6] = [15, 60, 120, 300, 600, 1800];

/// A random HPA without stabilization, whose only metric wants a random number of replicas.
pub(crate) fn random(random: &mut Random, now: DateTime<Utc>) -> Scenario {
    let minimum = random.pick(&[0, 1, 1, 2, 5]);
    let current = random.pick(&[0, 1, 2, 3, 7, 10, 99, 1000]).max(minimum);
    let most = random.pick(&[
        current,
        current + 1,
        current * 2 + 1,
        200_000,
        i64::from(i32::MAX),
    ]);
    let want = match random.between(0, 5) {
        0 => current,
        1 => current + random.between(-3, 3),
        2 => random.pick(&[0, 1, most - 1, most, most + 1]),
        3 => random.between(0, 4) * current,
        4 => random.between(0, i64::from(i32::MAX)),
        _ => random.between(0, 30),
    }
    .clamp(0, i64::from(i32::MAX));
    let replicas = i32::try_from(current).unwrap();
    let mut scenario = Scenario::new(queue(), ("0", "0"), replicas, Vec::new());
    if current == 0 {
        scenario = scenario.asleep();
    }
    scenario.limits = true;
    let hpa = &mut scenario.facts.hpa;
    hpa.min_replicas = Some(i32::try_from(minimum).unwrap());
    hpa.max_replicas = i32::try_from(most).unwrap();
    hpa.behavior = random.percent(75).then(|| Behavior {
        scale_up: random.percent(85).then(|| rules(random)),
        scale_down: random.percent(85).then(|| rules(random)),
    });
    scenario.facts.metric_values = vec![Fact::Known(vec![MetricSample {
        object: String::new(),
        labels: std::collections::BTreeMap::new(),
        value: Quantity(want.to_string()),
        timestamp: None,
        window_millis: None,
    }])];
    if current > 0 && random.percent(50) {
        remember(random, &mut scenario, replicas, now);
    }
    // A direction without rules has the controller's own tolerance.
    let behavior = scenario.facts.hpa.behavior.as_ref();
    let tolerance = |rules: Option<&ScalingRules>| if rules.is_some() { 0.0 } else { 0.1 };
    scenario.tolerance_up = tolerance(behavior.and_then(|behavior| behavior.scale_up.as_ref()));
    scenario.tolerance_down = tolerance(behavior.and_then(|behavior| behavior.scale_down.as_ref()));
    scenario
}

fn rules(random: &mut Random) -> ScalingRules {
    let policies = (0..random.pick(&[0, 1, 1, 2, 3]))
        .map(|_| ScalingPolicy {
            type_: random.pick(&[ScalingPolicyType::Pods, ScalingPolicyType::Percent]),
            value: random.pick(&[1, 2, 4, 5, 10, 33, 50, 99, 100, 150, 700, 1000, 2_000_000_000]),
            period_seconds: random.pick(&PERIODS),
        })
        .collect();
    ScalingRules {
        stabilization_window_seconds: Some(0),
        select_policy: random.pick(&[
            None,
            Some(SelectPolicy::Max),
            Some(SelectPolicy::Min),
            Some(SelectPolicy::Disabled),
        ]),
        policies,
        tolerance: Some(Quantity::from("0")),
    }
}

/// Rescales of the past that end at the replicas of today, for the controller's memory and as its events tell them.
fn remember(random: &mut Random, scenario: &mut Scenario, current: i32, now: DateTime<Utc>) {
    let mut size = current;
    let mut events = Vec::new();
    for age in AGES {
        if random.percent(50) {
            continue;
        }
        let before = i32::try_from(random.between(1, 2 * i64::from(current) + 3)).unwrap();
        if before == size {
            continue;
        }
        scenario.changes.push(Change {
            seconds_ago: age,
            replicas: size - before,
        });
        events.push(rescale(size, now - TimeDelta::seconds(age)));
        size = before;
    }
    // What they began with is known from a rescale that no policy remembers.
    events.push(rescale(size, now - TimeDelta::seconds(3500)));
    scenario.facts.hpa.last_scale_time = events[0].last_seen;
    events.reverse();
    scenario.facts.events = Fact::Known(events);
}

fn rescale(size: i32, at: DateTime<Utc>) -> Event {
    Event {
        type_: "Normal".to_owned(),
        reason: "SuccessfulRescale".to_owned(),
        message: format!("New size: {size}; reason: external metric queue(nil) above target"),
        count: 1,
        first_seen: Some(at),
        last_seen: Some(at),
    }
}
