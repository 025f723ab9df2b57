//! What changes do to what is known.

use super::*;
use crate::facts::{API_VERSION, ClusterFacts, Condition, KIND, MetricStatus, MetricValue, Quantity};
use crate::hpa::replicas::fixtures::{ago, cpu_facts, event, now, pod, sample};

fn state() -> State {
    State::new(Facts {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        observed_at: now(),
        cluster: ClusterFacts::default(),
        hpas: vec![cpu_facts(2, 60, &[90, 90])],
    })
}

fn of_shop(mut pod: Pod) -> Pod {
    pod.namespace = "ns".to_owned();
    pod.labels.insert("app".to_owned(), "web".to_owned());
    pod
}

fn names(state: &mut State) -> Vec<String> {
    let facts = state.compose(now());
    let pods = facts.hpas.first().and_then(|it| it.pods.known());
    pods.into_iter().flatten().map(|pod| pod.name.clone()).collect()
}

#[test]
fn a_new_value_of_a_metric_asks_for_no_reading_but_a_new_decision_does() {
    let mut state = state();
    let mut hpa = state.facts.hpas[0].hpa.clone();
    hpa.status_changed_at = Some(now());
    hpa.current_metrics = vec![MetricStatus {
        type_: "Resource".to_owned(),
        name: "cpu".to_owned(),
        current: MetricValue {
            average_utilization: Some(90),
            average_value: Some(Quantity::from("90m")),
            value: None,
        },
    }];
    assert!(!state.take(Change::Hpas(Watched::Applied(hpa.clone()))));
    assert_eq!(state.compose(now()).hpas[0].hpa, hpa, "it is shown all the same");

    hpa.desired_replicas = 5;
    assert!(state.take(Change::Hpas(Watched::Applied(hpa.clone()))));
    hpa.conditions.push(Condition {
        type_: "ScalingActive".to_owned(),
        status: "False".to_owned(),
        reason: "FailedGetResourceMetric".to_owned(),
        message: String::new(),
        last_transition_time: None,
    });
    assert!(state.take(Change::Hpas(Watched::Applied(hpa.clone()))));
    hpa.name = "new".to_owned();
    assert!(
        state.take(Change::Hpas(Watched::Applied(hpa))),
        "nothing is known of it"
    );
}

#[test]
fn an_hpa_that_is_deleted_is_gone() {
    let mut state = state();
    let hpa = state.facts.hpas[0].hpa.clone();
    state.take(Change::Hpas(Watched::Deleted(hpa)));
    assert!(state.compose(now()).hpas.is_empty());
}

#[test]
fn pods_come_and_go_and_strangers_stay_out() {
    let mut state = state();
    let before = names(&mut state);
    assert_eq!(before.len(), 2);
    let (first, second) = (of_shop(pod(0)), of_shop(pod(1)));
    let mut stranger = of_shop(pod(2));
    stranger.labels.clear();
    let all = vec![first.clone(), second, stranger];
    assert!(!state.take(Change::Pods(Watched::All(all))));
    assert_eq!(names(&mut state), before);
    assert!(
        state.take(Change::Pods(Watched::Applied(of_shop(pod(3))))),
        "a new pod"
    );
    assert!(
        !state.take(Change::Pods(Watched::Applied(of_shop(pod(3))))),
        "the same"
    );
    assert_eq!(names(&mut state).len(), 3);
    assert!(state.take(Change::Pods(Watched::Deleted(first))));
    assert_eq!(names(&mut state).len(), 2);
}

#[test]
fn without_a_watch_the_readings_bring_the_pods() {
    let mut state = state();
    state.take(Change::Pods(Watched::Failed(
        "cannot watch pods: forbidden".to_owned(),
    )));
    assert_eq!(names(&mut state).len(), 2);
    assert_eq!(
        state.troubles().get("pods").map(String::as_str),
        Some("cannot watch pods: forbidden")
    );
    state.take(Change::Pods(Watched::All(Vec::new())));
    assert!(state.troubles().is_empty(), "it works again");
}

#[test]
fn usage_follows_its_poll_and_says_why_it_does_not() {
    let mut state = state();
    state.take(Change::Usage(Ok(vec![("ns".to_owned(), sample(1, "cpu", 7))])));
    let names: Vec<String> = state.compose(now()).hpas[0]
        .pod_metrics
        .known()
        .into_iter()
        .flatten()
        .map(|sample| sample.name.clone())
        .collect();
    assert_eq!(names, [pod(1).name]);
    state.take(Change::Usage(Err(Error::Configuration("no answer".to_owned()))));
    assert!(state.compose(now()).hpas[0].pod_metrics.not_readable().is_some());
}

#[test]
fn events_of_others_stay_out() {
    let mut state = state();
    let about = |kind: &str, name: &str| {
        let event = LiveEvent {
            namespace: "ns".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            uid: String::new(),
            event: event("Scheduled", "", ago(5)),
        };
        (format!("{kind}-{name}"), event)
    };
    let pod = pod(0).name;
    state.take(Change::Events(Watched::All(vec![
        about("HorizontalPodAutoscaler", "web"),
        about("Deployment", "web"),
        about("ReplicaSet", "web-5f6d"),
        about("ReplicaSet", "web-site-5f6d"),
        about("Pod", &pod),
        about("Pod", "stranger"),
        about("HorizontalPodAutoscaler", "other"),
    ])));
    let names: Vec<&str> = state.events().iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(!names.contains(&"web-site-5f6d") && !names.contains(&"stranger") && !names.contains(&"other"));
}
