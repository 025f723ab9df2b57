use super::{ACCEPTED, apply, parse};
use crate::facts::{Fact, HpaFacts, MetricSample, MetricTarget};
use crate::hpa::replicas::fixtures::{
    container, controller, cpu_facts, hpa_facts, metric, metric_status, never_ready, now, pods, utilization,
};
use crate::hpa::replicas::{Limit, Recommendation, recommend};

/// The decision under assumptions.
fn decide(facts: &HpaFacts, texts: &[&str]) -> Result<Recommendation, String> {
    let assumptions: Vec<_> = texts.iter().map(|text| parse(text).unwrap()).collect();
    let (changed, controller) = apply(facts, &controller(), &assumptions, now())?;
    Ok(recommend(&changed, &controller, now()).unwrap())
}

fn desired(facts: &HpaFacts, texts: &[&str]) -> Option<i32> {
    decide(facts, texts).unwrap().desired_replicas
}

/// Two pods that each request 2 and use 1 core: 50% of 50%.
fn settled() -> HpaFacts {
    cpu_facts(2, 50, &[500, 500])
}

#[test]
fn without_an_assumption_nothing_changes() {
    assert_eq!(desired(&settled(), &[]), Some(2));
}

#[test]
fn usage_of_every_pod() {
    // 2 pods × 100% of 50%.
    assert_eq!(desired(&settled(), &["cpu=2"]), Some(4));
    assert_eq!(desired(&settled(), &["cpu=+100%"]), Some(4));
    let quiet = decide(&settled(), &["cpu=-50%"]).unwrap();
    assert_eq!(
        (quiet.metrics_want, quiet.limited_by),
        (Some(1), Some(Limit::Stabilization))
    );
    assert_eq!(desired(&settled(), &["cpu=-50%", "window=0s"]), Some(1));
}

#[test]
fn containers_keep_their_shares() {
    let (changed, _) = apply(
        &cpu_facts(1, 50, &[300]),
        &controller(),
        &[parse("cpu=1001m").unwrap()],
        now(),
    )
    .unwrap();
    let sample = &changed.pod_metrics.known().unwrap()[0];
    let usage: Vec<&str> = sample
        .containers
        .iter()
        .map(|container| container.usage["cpu"].0.as_str())
        .collect();
    assert_eq!(usage, ["500m", "501m"]);
}

#[test]
fn usage_is_assumed_where_nothing_measures() {
    let facts = hpa_facts(2, vec![utilization("cpu", 50)]);
    assert_eq!(desired(&facts, &[]), None);
    assert_eq!(desired(&facts, &["cpu=2"]), Some(4));
    assert!(
        decide(&facts, &["cpu=+10%"])
            .unwrap_err()
            .contains("assume cpu=900m")
    );
}

#[test]
fn the_usage_of_a_container_metric_is_the_containers() {
    let mut facts = settled();
    facts.hpa.metrics[0].type_ = "ContainerResource".to_owned();
    facts.hpa.metrics[0].container = Some("c1".to_owned());
    // 1 core of a request of 1 core: 100% of 50%.
    assert_eq!(desired(&facts, &["cpu=1"]), Some(4));
}

#[test]
fn limits_and_targets() {
    assert_eq!(desired(&settled(), &["target=25%"]), Some(4));
    assert_eq!(desired(&settled(), &["target.cpu=25%", "max=3"]), Some(3));
    assert_eq!(desired(&settled(), &["min=+4"]), Some(5));
    assert_eq!(desired(&settled(), &["target=500m"]), Some(4));
    assert_eq!(
        decide(&settled(), &["target.memory=50%"]).unwrap_err(),
        "the HPA has no metric memory; write target.cpu="
    );
    assert!(
        decide(&settled(), &["max=0"])
            .unwrap_err()
            .contains("are no limits")
    );
}

#[test]
fn the_target_of_several_metrics_must_be_named() {
    let mut facts = settled();
    facts.hpa.metrics.push(utilization("memory", 80));
    let error = decide(&facts, &["target=25%"]).unwrap_err();
    assert_eq!(error, "the HPA has 2 metrics; write target.cpu=, target.memory=");
}

#[test]
fn more_pods_share_the_load() {
    // 2 cores in all: 4 pods use 500m of 2 each, 25% of 50%.
    let spread = decide(&settled(), &["pods=+2", "window=0"]).unwrap();
    assert_eq!((spread.current_replicas, spread.desired_replicas), (4, Some(2)));
    assert_eq!(spread.metrics[0].current.as_deref(), Some("25%"));
    let fewer = decide(&settled(), &["pods=-1"]).unwrap();
    assert_eq!((fewer.current_replicas, fewer.desired_replicas), (1, Some(2)));
    // What is said of each pod counts after the spreading, whatever the order of the words.
    for texts in [["pods=4", "cpu=2"], ["cpu=2", "pods=4"]] {
        assert_eq!(desired(&settled(), &texts), Some(8));
    }
}

#[test]
fn pods_that_are_not_ready_become_ready_before_others_are_made_up() {
    let mut facts = cpu_facts(3, 50, &[1000]);
    for pod in &mut pods(&mut facts)[1..] {
        never_ready(pod);
        "Pending".clone_into(&mut pod.phase);
    }
    // One pod at 100%, two that damp: the scale-up waits. All ready, they share it.
    let ready = decide(&facts, &["pods=+2"]).unwrap();
    assert_eq!(ready.current_replicas, 3);
    let names: Vec<_> = ready.metrics[0]
        .pods
        .iter()
        .map(|pod| pod.name.as_str())
        .collect();
    assert_eq!(names, ["pod-0", "pod-1", "pod-2"]);
    assert_eq!(ready.metrics[0].current.as_deref(), Some("33%"));
}

#[test]
fn pods_cannot_be_fewer_than_one() {
    for text in ["pods=0", "pods=-2", "pods=99999999"] {
        assert!(
            decide(&settled(), &[text])
                .unwrap_err()
                .contains("cannot be assumed"),
            "{text}"
        );
    }
}

#[test]
fn replicas_alone_leave_the_pods() {
    let it = decide(&settled(), &["replicas=3", "cpu=2"]).unwrap();
    assert_eq!((it.current_replicas, it.desired_replicas), (3, Some(4)));
}

#[test]
fn requests_of_every_pod() {
    let mut facts = settled();
    assert_eq!(
        decide(&facts, &["request.cpu=1"]).unwrap_err(),
        "pod-0 has 2 containers; write request.cpu.c1=, request.cpu.c2="
    );
    // 1000m of 500m + 500m: 100% of 50%.
    assert_eq!(
        desired(&facts, &["request.cpu.c1=500m", "request.cpu.c2=500m"]),
        Some(4)
    );
    assert!(
        decide(&facts, &["request.cpu.c9=1"])
            .unwrap_err()
            .contains("no pod has a container c9")
    );
    for pod in pods(&mut facts) {
        pod.containers = vec![container("c1", &[])];
    }
    assert_eq!(desired(&facts, &[]), None);
    assert_eq!(desired(&facts, &["request.cpu=1"]), Some(4));
}

#[test]
fn tolerance_in_both_directions() {
    let facts = cpu_facts(10, 50, &[520; 10]);
    assert_eq!(desired(&facts, &[]), Some(10));
    assert_eq!(desired(&facts, &["tolerance=1%"]), Some(11));
    assert_eq!(desired(&facts, &["tolerance=0.01"]), Some(11));
}

#[test]
fn values_of_other_metrics() {
    let queue = metric("External", "queue", MetricTarget::AverageValue("10".into()));
    let facts = hpa_facts(2, vec![queue]);
    assert_eq!(desired(&facts, &["queue=40"]), Some(4));
    let mut measured = facts.clone();
    let mut status = metric_status("External", "queue");
    status.current.average_value = Some("10".into());
    measured.hpa.current_metrics = vec![status];
    assert_eq!(desired(&measured, &["queue=+100%"]), Some(4));
    // The whole does not grow with the pods.
    assert_eq!(desired(&measured, &["pods=4", "window=0"]), Some(2));
    assert!(decide(&facts, &["queue=+5%"]).unwrap_err().contains("no value"));
    assert!(decide(&facts, &["queu=5"]).unwrap_err().contains(ACCEPTED));
}

/// The facts with what the API of the only metric says: of `pod-0` and so on for a `Pods` metric.
fn read(mut facts: HpaFacts, values: &[&str]) -> HpaFacts {
    let of_pods = facts.hpa.metrics[0].type_ == "Pods";
    let samples = values.iter().enumerate().map(|(index, value)| MetricSample {
        object: if of_pods {
            format!("pod-{index}")
        } else {
            String::new()
        },
        labels: std::collections::BTreeMap::new(),
        value: (*value).into(),
        timestamp: Some(now()),
        window_millis: None,
    });
    facts.metric_values = vec![Fact::Known(samples.collect())];
    facts
}

#[test]
fn an_assumed_value_takes_the_place_of_the_one_that_was_read() {
    let of = |type_: &str, target: MetricTarget| hpa_facts(2, vec![metric(type_, "load", target)]);
    let average = || MetricTarget::AverageValue("10".into());
    // Two series of an External metric, 20 in all for 2 replicas.
    let queue = read(of("External", average()), &["12", "8"]);
    assert_eq!(desired(&queue, &[]), Some(2));
    assert_eq!(desired(&queue, &["load=40"]), Some(4));
    assert_eq!(desired(&queue, &["load=+50%"]), Some(3));
    assert_eq!(desired(&queue, &["pods=1"]), Some(2));
    // A value for the whole multiplies the pods.
    let whole = read(of("External", MetricTarget::Value("10".into())), &["10"]);
    assert_eq!(desired(&whole, &["load=15"]), Some(3));
    // A value of each pod: also where one has none.
    let rate = read(of("Pods", average()), &["10"]);
    assert_eq!(desired(&rate, &["load=20"]), Some(4));
    let decided = decide(&rate, &["load=20"]).unwrap();
    assert_eq!(decided.metrics[0].current.as_deref(), Some("20"));
    assert!(!decided.metrics[0].from_status);
    let rates = read(of("Pods", average()), &["10", "20"]);
    assert_eq!(desired(&rates, &["load=+100%"]), Some(4));
    // The load of the pods spreads over more of them.
    let spread = decide(&rates, &["pods=3", "window=0"]).unwrap();
    assert_eq!(spread.metrics[0].current.as_deref(), Some("10"));
}

#[test]
fn every_metric_of_the_name_is_assumed() {
    let mut facts = hpa_facts(
        2,
        vec![
            metric("External", "load", MetricTarget::AverageValue("10".into())),
            metric("External", "load", MetricTarget::AverageValue("5".into())),
        ],
    );
    facts.hpa.metrics[1].selector = Some("topic=orders".to_owned());
    assert_eq!(desired(&facts, &["load=20"]), Some(4));
}

#[test]
fn what_no_metric_is_made_of_is_refused() {
    let queue = hpa_facts(
        2,
        vec![metric(
            "External",
            "queue",
            MetricTarget::AverageValue("10".into()),
        )],
    );
    assert!(
        decide(&queue, &["cpu=1"])
            .unwrap_err()
            .contains("no metric of the HPA")
    );
    assert!(
        decide(&queue, &["request.cpu=1"])
            .unwrap_err()
            .contains("decides nothing")
    );
    assert!(
        decide(&settled(), &["memory=1Gi"])
            .unwrap_err()
            .contains("no metric of the HPA")
    );
}

#[test]
fn what_was_not_read_is_not_assumed() {
    let mut facts = settled();
    facts.pods = Fact::default();
    for text in ["cpu=1", "pods=3", "request.cpu=1"] {
        assert_eq!(decide(&facts, &[text]).unwrap_err(), "the pods were not read");
    }
}

#[test]
fn words_that_mean_nothing_are_refused() {
    for text in ["", "cpu", "=5", "cpu=", "a=b=c"] {
        assert!(parse(text).is_err(), "{text}");
    }
    for (text, wanted) in [
        ("cpu=20%", "a change such as +20%"),
        ("cpu=lots", "a quantity such as 900m"),
        ("cpu=-5", "a quantity"),
        ("cpu=-101%", "a quantity"),
        ("pods=two", "a number such as 8"),
        ("max=1.5", "a number"),
        ("target=0%", "percent of the request"),
        ("target=-5", "percent of the request"),
        ("request=5", "request.cpu=500m"),
        ("request.gpu=5", "request.cpu=500m"),
        ("tolerance=150%", "a ratio"),
        ("tolerance=NaN", "a ratio"),
        ("window=2h", "0 to 3600 seconds"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}
