//! Root causes, consequences, confidence and what could not be read.

use kubectl_tfserve::diagnosis::{Confidence, RULES, Stage, Verdict, diagnose};
use kubectl_tfserve::facts::{ClusterFacts, Condition, Fact, MetricsServer};

use super::{cases, codes, explain, read, root};

#[test]
fn a_refused_certificate_explains_the_unavailable_api() {
    let answer = explain("TFS303", "fires");
    let item = answer.items.first().expect("one HPA");
    let codes: Vec<&str> = item.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["TFS303"]);
    let below: Vec<&str> = item
        .findings
        .iter()
        .flat_map(|it| &it.consequences)
        .map(|finding| finding.code)
        .collect();
    assert_eq!(below, ["TFS302"]);
}

#[test]
fn what_cannot_be_read_lowers_the_confidence_and_is_said_once() {
    let answer = explain("TFS303", "log-not-readable");
    let cause = answer
        .items
        .first()
        .and_then(|item| item.findings.first())
        .expect("a finding");
    assert_eq!((cause.code, cause.confidence), ("TFS303", Confidence::Likely));
    let missing = answer
        .not_readable
        .iter()
        .filter(|fact| fact.needs.is_some())
        .count();
    assert_eq!(missing, 1);
}

#[test]
fn an_unreadable_cause_is_not_guessed() {
    let answer = explain("TFS901", "fires");
    let item = answer.items.first().expect("one HPA");
    assert_eq!(item.verdict, Verdict::Unknown);
    let codes: Vec<&str> = item.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["TFS901"]);
}

#[test]
fn an_unknown_text_is_shown_as_it_is() {
    let answer = explain("TFS902", "fires");
    let finding = answer
        .items
        .first()
        .and_then(|item| item.findings.first())
        .expect("a finding");
    assert!(
        finding
            .evidence
            .iter()
            .any(|step| step.value.contains("the flux capacitor of Pod"))
    );
}

#[test]
fn the_event_of_the_seed_is_history() {
    let answer = explain("TFS301", "fires");
    let item = answer.items.first().expect("one HPA");
    assert_eq!(item.targets, "cpu: <unknown>/60%");
    assert!(
        item.history
            .iter()
            .all(|entry| entry.note.contains("every container requests cpu"))
    );
    assert_eq!(item.history.len(), 2);
}

#[test]
fn servers_before_1_30_do_not_name_the_resource() {
    let answer = explain("healthy", "kubernetes-1.25");
    assert_eq!(
        answer.items.first().map(|item| item.targets.as_str()),
        Some("0%/60%")
    );
}

/// Every reason that the aggregator gives has a sentence of its own and a fix.
#[test]
fn every_reason_of_the_api_service_is_explained() {
    let mut facts = read(&root().join("TFS302/fires.yaml"));
    facts.cluster.metrics_server = Fact::Absent;
    let reasons = [
        "ServiceNotFound",
        "ServicePortError",
        "EndpointsNotFound",
        "MissingEndpoints",
        "FailedDiscoveryCheck",
        "ServiceAccessError",
        "EndpointsAccessError",
    ];
    let mut causes = Vec::new();
    for reason in reasons {
        if let Fact::Known(api) = &mut facts.cluster.resource_metrics_api {
            api.available = Some(Condition {
                type_: "Available".to_owned(),
                status: "False".to_owned(),
                reason: reason.to_owned(),
                message: "as the aggregator says".to_owned(),
                last_transition_time: None,
            });
        }
        let answer = diagnose(&facts);
        let finding = answer
            .items
            .first()
            .and_then(|item| item.findings.first())
            .expect("a finding");
        assert_eq!(finding.code, "TFS302", "{reason}");
        assert!(!finding.fix.is_empty(), "{reason}");
        assert!(!causes.contains(&finding.title), "{reason}: {}", finding.title);
        causes.push(finding.title.clone());
    }
}

/// What the pods of metrics-server show is told instead of the reason that follows from it.
#[test]
fn the_pods_of_metrics_server_tell_more() {
    type Change = fn(&mut MetricsServer);
    let facts = read(&root().join("TFS302/fires.yaml"));
    let states: [(&str, Change); 5] = [
        ("metrics-server is scaled to 0", |server| {
            server.replicas = Some(0);
        }),
        ("metrics-server has no pods", |server| server.pods.clear()),
        ("the image of metrics-server cannot be pulled", |server| {
            waits(server, "ImagePullBackOff");
        }),
        ("metrics-server does not stay up (CrashLoopBackOff)", |server| {
            waits(server, "CrashLoopBackOff");
        }),
        ("metrics-server runs but is not ready", |server| {
            for pod in &mut server.pods {
                pod.conditions.clear();
                pod.phase = "Running".to_owned();
            }
        }),
    ];
    for (cause, change) in states {
        let mut facts = facts.clone();
        if let Fact::Known(server) = &mut facts.cluster.metrics_server {
            change(server);
        }
        let answer = diagnose(&facts);
        let finding = answer
            .items
            .first()
            .and_then(|item| item.findings.first())
            .expect("a finding");
        let title = format!("metrics.k8s.io does not answer: {cause}");
        assert_eq!((finding.code, finding.title.as_str()), ("TFS302", title.as_str()));
        assert!(finding.fix.iter().any(|fix| fix.command.is_some()), "{cause}");
    }
}

fn waits(server: &mut MetricsServer, reason: &str) {
    for pod in &mut server.pods {
        pod.conditions.clear();
        for container in &mut pod.containers {
            container.state_reason = Some(reason.to_owned());
        }
    }
}

#[test]
fn a_warning_never_explains_an_error() {
    let mut facts = read(&root().join("TFS503/fires.yaml"));
    if let Some(hpa) = facts.hpas.first_mut() {
        hpa.pod_metrics = Fact::Known(Vec::new());
    }
    let answer = diagnose(&facts);
    let codes: Vec<&str> = answer
        .items
        .iter()
        .flat_map(|item| &item.findings)
        .map(|it| it.code)
        .collect();
    assert_eq!(codes, ["TFS304", "TFS503"]);
}

#[test]
fn facts_without_anything_are_no_accusation() {
    let mut facts = read(&root().join("healthy/idle-at-minimum.yaml"));
    facts.cluster = ClusterFacts::default();
    for hpa in &mut facts.hpas {
        hpa.target = Fact::default();
        hpa.scale = Fact::default();
        hpa.pods = Fact::default();
        hpa.pod_metrics = Fact::default();
        hpa.events = Fact::default();
        hpa.same_target = Fact::default();
    }
    let answer = diagnose(&facts);
    let item = answer.items.first().expect("one HPA");
    assert_eq!(item.verdict, Verdict::Healthy, "{:?}", item.findings);
    assert!(answer.not_readable.is_empty());
}

#[test]
fn every_width_works() {
    for code in ["TFS301", "TFS303", "TFS602"] {
        let answer = explain(code, "fires");
        for width in [0, 20, 40, 79, 81, 200, 100_000] {
            let text = kubectl_tfserve::output::text::explanations(&answer, width);
            assert!(text.contains(code), "{width}\n{text}");
        }
    }
}

/// What TensorFlow Serving does is said of nothing else.
#[test]
fn other_servers_have_none_of_its_traps() {
    let mut cases_seen = 0;
    for rule in RULES.iter().filter(|rule| rule.stage == Stage::Serving) {
        for case in cases(rule.code) {
            let mut facts = read(&root().join(rule.code).join(format!("{case}.yaml")));
            for hpa in &mut facts.hpas {
                if let Fact::Known(target) = &mut hpa.target {
                    let template = target.template.as_mut().map(|it| &mut it.containers);
                    template.into_iter().flatten().for_each(|it| it.serving = None);
                }
                if let Fact::Known(pods) = &mut hpa.pods {
                    let containers = pods.iter_mut().flat_map(|pod| &mut pod.containers);
                    containers.for_each(|it| it.serving = None);
                }
            }
            let found = codes(&diagnose(&facts));
            assert!(
                !found.iter().any(|code| code.starts_with("TFS8")),
                "{}/{case}: {found:?}",
                rule.code
            );
            cases_seen += 1;
        }
    }
    assert!(cases_seen >= 20, "{cases_seen}");
}

#[test]
fn a_server_without_a_model_is_not_told_before_a_missing_metrics_api() {
    let mut facts = read(&root().join("TFS805/fires.yaml"));
    facts.cluster = read(&root().join("TFS301/fires.yaml")).cluster;
    for hpa in &mut facts.hpas {
        hpa.pod_metrics = Fact::Absent;
        for condition in &mut hpa.hpa.conditions {
            if condition.type_ == "ScalingActive" {
                condition.message = "the HPA was unable to compute the replica count: failed to get cpu utilization: \
                    unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: \
                    the server could not find the requested resource (get pods.metrics.k8s.io)"
                    .to_owned();
            }
        }
    }
    let answer = diagnose(&facts);
    let first = answer
        .items
        .iter()
        .flat_map(|item| &item.findings)
        .map(|it| it.code)
        .next();
    assert_eq!(first, Some("TFS301"));
    assert!(codes(&answer).contains(&"TFS805"));
}
