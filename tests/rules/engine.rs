//! Root causes, consequences, confidence and what could not be read.

use kubectl_tfserve::diagnosis::{Confidence, Verdict, diagnose};
use kubectl_tfserve::facts::Condition;

use super::{explain, read, root};

#[test]
fn a_refused_certificate_explains_the_unavailable_api() {
    let answer = explain("TFS303", "fires");
    let item = answer.items.first().expect("one HPA");
    let codes: Vec<&str> = item.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["TFS303"]);
    let below: Vec<&str> =
        item.findings.iter().flat_map(|it| &it.consequences).map(|finding| finding.code).collect();
    assert_eq!(below, ["TFS302"]);
}

#[test]
fn what_cannot_be_read_lowers_the_confidence_and_is_said_once() {
    let answer = explain("TFS303", "log-not-readable");
    let cause = answer.items.first().and_then(|item| item.findings.first()).expect("a finding");
    assert_eq!((cause.code, cause.confidence), ("TFS303", Confidence::Likely));
    assert_eq!(answer.not_readable.len(), 1);
    assert!(answer.not_readable.iter().all(|fact| fact.needs.is_some()));
}

#[test]
fn an_unreadable_cause_is_not_guessed() {
    let answer = explain("TFS901", "fires");
    let item = answer.items.first().expect("one HPA");
    assert_eq!(item.verdict, Verdict::Unknown);
    assert!(item.findings.iter().all(|finding| finding.confidence == Confidence::Possible));
}

#[test]
fn an_unknown_text_is_shown_as_it_is() {
    let answer = explain("TFS902", "fires");
    let finding = answer.items.first().and_then(|item| item.findings.first()).expect("a finding");
    assert!(finding.evidence.iter().any(|step| step.value.contains("the flux capacitor of Pod")));
}

#[test]
fn the_event_of_the_seed_is_history() {
    let answer = explain("TFS301", "fires");
    let item = answer.items.first().expect("one HPA");
    assert_eq!(item.targets, "cpu: <unknown>/60%");
    assert!(item.history.iter().all(|entry| entry.note.contains("every container requests cpu")));
    assert_eq!(item.history.len(), 2);
}

#[test]
fn servers_before_1_30_do_not_name_the_resource() {
    let answer = explain("healthy", "kubernetes-1.25");
    assert_eq!(answer.items.first().map(|item| item.targets.as_str()), Some("0%/60%"));
}

/// Every reason that the aggregator gives has a sentence of its own and a fix.
#[test]
fn every_reason_of_the_api_service_is_explained() {
    let mut facts = read(&root().join("TFS302/fires.yaml"));
    facts.cluster.metrics_server = kubectl_tfserve::facts::Fact::Absent;
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
        if let kubectl_tfserve::facts::Fact::Known(api) = &mut facts.cluster.resource_metrics_api {
            api.available = Some(Condition {
                type_: "Available".to_owned(),
                status: "False".to_owned(),
                reason: reason.to_owned(),
                message: "as the aggregator says".to_owned(),
                last_transition_time: None,
            });
        }
        let answer = diagnose(&facts);
        let finding = answer.items.first().and_then(|item| item.findings.first()).expect("a finding");
        assert_eq!(finding.code, "TFS302", "{reason}");
        assert!(!finding.fix.is_empty(), "{reason}");
        assert!(!causes.contains(&finding.cause), "{reason}: {}", finding.cause);
        causes.push(finding.cause.clone());
    }
}
