//! Sequences of syncs: what is said of the time that is left, against what the controller then does.
//!
//! The oracle plays the syncs that were and those that will be. From the former come the facts, as a reader sees them at
//! some time between two syncs: the status, the events and when the status last changed, but not the controller's memory.

use chrono::{DateTime, TimeDelta, Utc};
use kubectl_tfserve::facts::{
    Behavior, Condition, Event, Fact, MetricSample, MetricStatus, MetricValue, Quantity, ScalingPolicy,
    ScalingPolicyType, ScalingRules, SelectPolicy,
};
use kubectl_tfserve::hpa::replicas::{self, Controller, Limit, Recommendation};
use serde::{Deserialize, Serialize};

use crate::oracle::{Answer, Oracle};
use crate::scenario::{Random, Scenario, queue};

/// One sync: so long after the one before it, and what the metric is worth then.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Turn {
    after_seconds: i64,
    want: i32,
}

/// What the controller made of it.
#[derive(Deserialize)]
pub(crate) struct Decision {
    replicas: i32,
    reason: String,
    conditions: Vec<Said>,
}

#[derive(Deserialize, PartialEq, Clone)]
struct Said {
    #[serde(rename = "type")]
    type_: String,
    status: String,
    reason: String,
    message: String,
}

/// The flag `--horizontal-pod-autoscaler-downscale-stabilization`.
const DOWNSCALE_SECONDS: i64 = 300;
/// Enough for every window to end.
const FUTURE: usize = 30;

/// How many answers were compared, and how.
#[derive(Default)]
pub(crate) struct Compared {
    held: usize,
    equal: usize,
    /// Decisions that hang on rescales whose times no event tells: we say that we assume them.
    unknown: usize,
    pub(crate) differences: Vec<String>,
}

/// Plays so many sequences and looks at each at one time.
pub(crate) fn compare(oracle: &Oracle, seed: u64, sequences: usize) -> Compared {
    let mut random = Random::new(seed);
    let mut compared = Compared::default();
    let scenarios: Vec<Scenario> = (0..sequences).map(|_| sequence(&mut random)).collect();
    let answers = oracle.solve(&scenarios);
    assert_eq!(
        answers.len(),
        scenarios.len(),
        "the oracle answers every sequence"
    );
    for (scenario, answer) in scenarios.into_iter().zip(&answers) {
        look(&mut random, scenario, answer, oracle.version, &mut compared);
    }
    println!(
        "{}: {sequences} sequences, {} held by a window, {} decided, {} left out, {} differences",
        oracle.version,
        compared.held,
        compared.equal,
        compared.unknown,
        compared.differences.len()
    );
    assert!(
        compared.held * 20 > sequences,
        "too few are held: {}",
        compared.held
    );
    assert!(
        compared.equal * 4 > sequences,
        "too few are decided: {}",
        compared.equal
    );
    compared
}

fn sequence(random: &mut Random) -> Scenario {
    let replicas = i32::try_from(random.between(1, 12)).unwrap();
    let mut scenario = Scenario::new(queue(), ("0", "0"), replicas, Vec::new());
    let hpa = &mut scenario.facts.hpa;
    hpa.min_replicas = Some(1);
    hpa.max_replicas = random.pick(&[12, 20, 100]);
    hpa.behavior = random.percent(85).then(|| Behavior {
        scale_up: Some(rules(random, 0)),
        scale_down: Some(rules(random, 300)),
    });
    if hpa.behavior.is_none() {
        (scenario.tolerance_up, scenario.tolerance_down) = (0.1, 0.1);
    }
    scenario.downscale_seconds = DOWNSCALE_SECONDS;
    scenario.turns = turns(random, replicas);
    scenario
}

fn rules(random: &mut Random, default: i32) -> ScalingRules {
    let policies = (0..random.pick(&[0, 0, 1, 2]))
        .map(|_| ScalingPolicy {
            type_: random.pick(&[ScalingPolicyType::Pods, ScalingPolicyType::Percent]),
            value: random.pick(&[1, 2, 4, 10, 33, 50, 100]),
            period_seconds: random.pick(&[15, 60, 120, 300]),
        })
        .collect();
    ScalingRules {
        stabilization_window_seconds: Some(random.pick(&[0, 0, 30, 60, 120, default])),
        select_policy: random.pick(&[None, None, Some(SelectPolicy::Max), Some(SelectPolicy::Min)]),
        policies,
        tolerance: Some(Quantity::from("0")),
    }
}

/// Load that stays for a while, and then is another one; at last it stays for good.
fn turns(random: &mut Random, replicas: i32) -> Vec<Turn> {
    let mut want = replicas;
    let past = random.between(1, 45);
    let steady = random.between(0, past);
    let mut turns = Vec::new();
    for index in 0..past + i64::try_from(FUTURE).unwrap() {
        if index < past - steady && random.percent(30) {
            want = i32::try_from(random.between(1, 24)).unwrap();
        }
        turns.push(Turn {
            after_seconds: random.between(14, 17),
            want,
        });
    }
    turns
}

fn look(
    random: &mut Random,
    mut scenario: Scenario,
    answer: &Answer,
    version: &str,
    compared: &mut Compared,
) {
    let decisions = &answer.decisions;
    let turns = scenario.turns.clone();
    let seen = turns.len() - FUTURE - 1;
    let began = DateTime::<Utc>::from_timestamp(1_800_000_000, 0).unwrap();
    let mut at = began;
    let times: Vec<DateTime<Utc>> = turns
        .iter()
        .map(|turn| {
            at += TimeDelta::seconds(turn.after_seconds);
            at
        })
        .collect();
    let now = times[seen] + TimeDelta::seconds(random.between(1, 13));
    tell(
        &mut scenario,
        &turns[..=seen],
        &decisions[..=seen],
        &times,
        turns[seen + 1].want,
    );
    let controller = Controller {
        downscale_stabilization_seconds: DOWNSCALE_SECONDS,
        ..Controller::defaults(Some(version))
    };
    let recommend =
        |at| replicas::recommend(&scenario.facts, &controller, at).expect("the facts are complete");
    let ours = recommend(now);
    let future: Vec<(DateTime<Utc>, &Decision)> = times[seen + 1..]
        .iter()
        .copied()
        .zip(&decisions[seen + 1..])
        .collect();
    let difference = if ours.limited_by == Some(Limit::Stabilization) {
        compared.held += 1;
        bounds(&ours, &future)
    } else {
        let (time, decision) = &future[0];
        // What a policy allows depends on the second, and nobody knows when the next sync is.
        let ours = recommend(*time);
        if repeated(&scenario) || ours.sentence.contains("if nothing was rescaled") {
            compared.unknown += 1;
            None
        } else {
            compared.equal += 1;
            let next = decision.replicas;
            (ours.desired_replicas != Some(next))
                .then(|| format!("we decide {:?}, the controller {next}", ours.desired_replicas))
        }
    };
    if let Some(difference) = difference {
        let past: Vec<String> = (0..=seen + 2)
            .map(|index| {
                let able = decisions[index]
                    .conditions
                    .iter()
                    .find(|said| said.type_ == "AbleToScale");
                format!(
                    "{:>5} s: wants {}, has {}, {}",
                    (times[index] - now).num_seconds(),
                    turns[index].want,
                    decisions[index].replicas,
                    able.map_or("", |said| &said.reason)
                )
            })
            .collect();
        compared.differences.push(format!(
            "{difference}\n{}\n{:?}\n{ours:?}",
            past.join("\n"),
            scenario.facts.hpa
        ));
    }
}

/// Whether events of equal text became one: only the newest rescale of each size has a time, and a budget may be unknown.
fn repeated(scenario: &Scenario) -> bool {
    let policies = scenario.facts.hpa.behavior.is_some();
    let events = scenario.facts.events.known();
    policies && events.is_some_and(|events| events.iter().any(|event| event.count > 1))
}

/// What the controller does before the earliest time, or not at the latest.
fn bounds(ours: &Recommendation, future: &[(DateTime<Utc>, &Decision)]) -> Option<String> {
    let held = ours.stabilization.as_ref()?;
    let moved = future
        .iter()
        .find(|(_, decision)| decision.replicas != ours.current_replicas);
    if let (Some(earliest), Some((time, decision))) = (held.not_before, moved)
        && *time < earliest
    {
        return Some(format!(
            "not before {earliest}, and at {time} there are {}",
            decision.replicas
        ));
    }
    let latest = held.not_after?;
    let (time, still) = future.iter().find(|(time, _)| *time >= latest)?;
    let holds = still
        .conditions
        .iter()
        .any(|said| said.type_ == "AbleToScale" && said.reason.ends_with("Stabilized"));
    holds.then(|| format!("not after {latest}, and at {time} the window still holds"))
}

/// Writes into the facts what can be read after the syncs.
fn tell(scenario: &mut Scenario, turns: &[Turn], decisions: &[Decision], times: &[DateTime<Utc>], want: i32) {
    let mut before = scenario.facts.scale.known().unwrap().spec_replicas;
    let mut events: Vec<Event> = Vec::new();
    let mut shown = None;
    let hpa = &mut scenario.facts.hpa;
    hpa.created_at = Some(times[0] - TimeDelta::seconds(5));
    for ((turn, decision), time) in turns.iter().zip(decisions).zip(times) {
        let rescaled = decision.replicas != before;
        if rescaled {
            remember(&mut events, decision, *time);
            hpa.last_scale_time = Some(*time);
        }
        let conditions = conditions(decision, rescaled);
        let status = Some((before, decision.replicas, turn.want, conditions.clone()));
        if status != shown {
            hpa.status_changed_at = Some(*time);
            shown = status;
        }
        hpa.current_replicas = Some(before);
        hpa.desired_replicas = decision.replicas;
        hpa.current_metrics = vec![MetricStatus {
            type_: "External".to_owned(),
            name: "queue".to_owned(),
            current: MetricValue {
                average_value: Some(average(turn.want, before)),
                ..MetricValue::default()
            },
        }];
        hpa.conditions = conditions
            .into_iter()
            .map(|said| condition(said, times[0]))
            .collect();
        before = decision.replicas;
    }
    if let Fact::Known(scale) = &mut scenario.facts.scale {
        (scale.spec_replicas, scale.status_replicas) = (before, before);
    }
    events.sort_by_key(|event| event.last_seen);
    scenario.facts.events = Fact::Known(events);
    scenario.facts.metric_values = vec![Fact::Known(vec![MetricSample {
        object: String::new(),
        labels: std::collections::BTreeMap::new(),
        value: Quantity(want.to_string()),
        timestamp: None,
        window_millis: None,
    }])];
}

/// The mean, rounded up to thousandths and written as Kubernetes writes quantities.
fn average(total: i32, replicas: i32) -> Quantity {
    let milli = (total * 1000 + replicas - 1) / replicas;
    Quantity(if milli % 1000 == 0 {
        (milli / 1000).to_string()
    } else {
        format!("{milli}m")
    })
}

/// Equal texts are one event.
fn remember(events: &mut Vec<Event>, decision: &Decision, time: DateTime<Utc>) {
    let message = format!("New size: {}; reason: {}", decision.replicas, decision.reason);
    match events.iter_mut().find(|event| event.message == message) {
        Some(event) => {
            event.count += 1;
            event.last_seen = Some(time);
        }
        None => events.push(Event {
            type_: "Normal".to_owned(),
            reason: "SuccessfulRescale".to_owned(),
            message,
            count: 1,
            first_seen: Some(time),
            last_seen: Some(time),
        }),
    }
}

fn conditions(decision: &Decision, rescaled: bool) -> Vec<Said> {
    let mut conditions = decision.conditions.clone();
    for said in &mut conditions {
        if rescaled && said.type_ == "AbleToScale" {
            "SucceededRescale".clone_into(&mut said.reason);
            said.message = format!(
                "the HPA controller was able to update the target scale to {}",
                decision.replicas
            );
        }
    }
    conditions.push(Said {
        type_: "ScalingActive".to_owned(),
        status: "True".to_owned(),
        reason: "ValidMetricFound".to_owned(),
        message: "the HPA was able to successfully calculate a replica count from external metric queue(nil)"
            .to_owned(),
    });
    conditions
}

fn condition(said: Said, since: DateTime<Utc>) -> Condition {
    Condition {
        type_: said.type_,
        status: said.status,
        reason: said.reason,
        message: said.message,
        last_transition_time: Some(since),
    }
}
