use super::super::fixtures::{container, cpu_facts, hpa_facts, pod, pods, quantities, utilization};
use super::super::requests::{Wanted, calculate};
use super::super::{Counted, PodShare};
use super::{first, run_on};
use crate::facts::{Container, Fact, NotReadable, Pod, Resources};

fn ask(
    containers: Vec<Container>,
    pod_level: &[(&str, &str)],
    name: Option<&str>,
    minor: u32,
) -> Result<i64, String> {
    let pod = Pod {
        containers,
        resources: (!pod_level.is_empty()).then(|| Resources {
            requests: quantities(pod_level),
            ..Resources::default()
        }),
        ..pod(0)
    };
    let mut shares = [PodShare {
        name: pod.name.clone(),
        usage_milli: None,
        request_milli: None,
        counted: Counted::Yes,
        why: String::new(),
    }];
    let wanted = Wanted {
        resource: "cpu",
        container: name,
        minor,
    };
    calculate(&[pod], wanted, &mut shares).map(|requests| requests["pod-0"])
}

fn two() -> Vec<Container> {
    vec![
        container("a", &[("cpu", "100m")]),
        container("b", &[("cpu", "50m")]),
    ]
}

fn init(restartable: bool) -> Container {
    Container {
        init: true,
        restartable,
        ..container("i", &[("cpu", "50m")])
    }
}

#[test]
fn native_sidecars_count_since_1_29_and_other_init_containers_never() {
    let with = |restartable| vec![container("a", &[("cpu", "100m")]), init(restartable)];
    assert_eq!(ask(with(true), &[], None, 29), Ok(150));
    assert_eq!(ask(with(true), &[], None, 28), Ok(100));
    assert_eq!(ask(with(false), &[], None, 37), Ok(100));
}

#[test]
fn pod_level_requests_come_first_since_1_34() {
    let whole = [("cpu", "800m")];
    assert_eq!(ask(two(), &whole, None, 34), Ok(800));
    assert_eq!(ask(two(), &whole, None, 33), Ok(150));
    assert_eq!(ask(two(), &whole, Some("a"), 37), Ok(100));
    assert_eq!(ask(vec![container("a", &[])], &whole, None, 37), Ok(800));
    // Another resource of the pod: what the containers add up to, an init container's need included.
    let memory = [("memory", "1Gi")];
    assert_eq!(ask(two(), &memory, None, 37), Ok(150));
    let mut with_init = two();
    with_init.push(Container {
        init: true,
        ..container("i", &[("cpu", "2")])
    });
    assert_eq!(ask(with_init, &memory, None, 37), Ok(2000));
    assert_eq!(
        ask(vec![container("a", &[])], &memory, None, 37),
        Err("missing pod-level request for cpu in Pod pod-0".to_owned())
    );
}

#[test]
fn a_missing_request_is_named_as_the_release_names_it() {
    let lacking = || {
        vec![
            container("a", &[("cpu", "1")]),
            container("b", &[("memory", "1Gi")]),
        ]
    };
    assert_eq!(
        ask(lacking(), &[], None, 26),
        Err("missing request for cpu in container b of Pod pod-0".to_owned())
    );
    assert_eq!(
        ask(lacking(), &[], None, 25),
        Err("missing request for cpu".to_owned())
    );
    assert_eq!(ask(lacking(), &[], Some("a"), 37), Ok(1000));
}

#[test]
fn an_absent_container_is_missed_since_1_35() {
    assert_eq!(
        ask(two(), &[], Some("x"), 35),
        Err("container x not found in Pod pod-0".to_owned())
    );
    assert_eq!(ask(two(), &[], Some("x"), 34), Ok(0));
}

#[test]
fn every_offender_is_told_and_the_first_is_the_error() {
    let mut facts = cpu_facts(3, 60, &[100, 100, 100]);
    pods(&mut facts)[1].containers[0].resources.requests.clear();
    // A failed pod does not count, but its request is missed all the same.
    let failed = &mut pods(&mut facts)[2];
    failed.phase = "Failed".to_owned();
    failed.containers[1].resources.requests.clear();
    let proposal = first(&facts);
    assert_eq!(
        proposal.error.as_deref(),
        Some("failed to get cpu utilization: missing request for cpu in container c1 of Pod pod-1")
    );
    assert_eq!(proposal.pods[1].why, "counted; no cpu request in container c1");
    assert_eq!(
        proposal.pods[2].why,
        "phase Failed; no cpu request in container c2"
    );
    assert_eq!(proposal.pods[0].request_milli, Some(2000));
}

#[test]
fn the_order_of_the_checks_turned_with_1_26() {
    let mut facts = cpu_facts(1, 60, &[100]);
    let only = &mut pods(&mut facts)[0];
    only.phase = "Pending".to_owned();
    only.containers[0].resources.requests.clear();
    let error = |minor| run_on(minor, &facts).metrics[0].error.clone().unwrap();
    assert_eq!(
        error(25),
        "failed to get cpu utilization: missing request for cpu"
    );
    assert_eq!(
        error(26),
        "failed to get cpu utilization: did not receive metrics for any ready pods"
    );
    assert_eq!(
        error(27),
        "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)"
    );
}

#[test]
fn the_answer_of_the_metrics_api_decides_the_text() {
    let mut facts = hpa_facts(1, vec![utilization("cpu", 60)]);
    assert_eq!(
        first(&facts).error.as_deref(),
        Some(
            "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
        )
    );
    facts.pod_metrics = Fact::Known(Vec::new());
    assert_eq!(
        first(&facts).error.as_deref(),
        Some(
            "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API"
        )
    );
    facts.pod_metrics = Fact::NotReadable(NotReadable {
        what: "pod metrics".to_owned(),
        why: "503".to_owned(),
        needs: None,
    });
    assert_eq!((first(&facts).error, first(&facts).not_readable), (None, true));
}

#[test]
fn a_container_that_nobody_has_gives_no_sample() {
    let mut facts = cpu_facts(1, 60, &[100]);
    facts.hpa.metrics[0].type_ = "ContainerResource".to_owned();
    facts.hpa.metrics[0].container = Some("typo".to_owned());
    let error =
        "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)";
    // The pod is missing its sample, and no sample is left.
    assert_eq!(first(&facts).error.as_deref(), Some(error));
    facts.hpa.metrics[0].container = Some("c1".to_owned());
    assert_eq!(first(&facts).current.as_deref(), Some("10%"));
}
