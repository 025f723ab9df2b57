use chrono::{DateTime, Utc};

use super::{Became, changes};
use crate::diagnosis::{
    ClusterReport, Confidence, Explanation, Explanations, Finding, RecommendationReport, Severity, Verdict,
};
use crate::facts::ObjectReference;

fn all(items: Vec<Explanation>) -> Explanations {
    Explanations {
        api_version: crate::facts::API_VERSION,
        kind: "HpaExplanationList",
        observed_at: DateTime::<Utc>::UNIX_EPOCH,
        cluster: ClusterReport { version: None },
        items,
        not_readable: Vec::new(),
    }
}

fn healthy(name: &str) -> Explanation {
    Explanation {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        target: ObjectReference {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: name.to_owned(),
        },
        targets: "cpu: 42%/60%".to_owned(),
        min_replicas: 1,
        max_replicas: 4,
        replicas: Some(2),
        verdict: Verdict::Healthy,
        summary: "42% of 60%: 2 replicas, as many as the metrics want".to_owned(),
        findings: Vec::new(),
        recommendation: Some(RecommendationReport {
            current_replicas: 2,
            desired_replicas: Some(2),
            metrics_want: Some(2),
            status_desired_replicas: 2,
            agrees_with_status: None,
            limited_by: None,
            stabilization: None,
            sentence: String::new(),
            metrics: Vec::new(),
        }),
        history: Vec::new(),
        what_if: None,
    }
}

fn found(name: &str, code: &'static str, severity: Severity, pod: &str) -> Explanation {
    let finding = Finding {
        code,
        name: "a-cause",
        severity,
        title: "a title".to_owned(),
        cause: "a cause".to_owned(),
        confidence: Confidence::Proven,
        objects: Vec::new(),
        evidence: Vec::new(),
        fix: Vec::new(),
        consequences: Vec::new(),
        docs: String::new(),
        verdict: Verdict::Broken,
        shared: None,
        hint: false,
    };
    Explanation {
        verdict: Verdict::Broken,
        findings: vec![finding.object("Pod", "shop", pod)],
        ..healthy(name)
    }
}

#[test]
fn usage_that_moves_is_no_change() {
    let later = Explanation {
        targets: "cpu: 43%/60%".to_owned(),
        summary: "43% of 60%: 2 replicas, as many as the metrics want".to_owned(),
        ..healthy("web")
    };
    assert_eq!(changes(&all(vec![healthy("web")]), &all(vec![later])), []);
}

#[test]
fn each_change_is_told_of_the_hpa_that_it_happened_to() {
    let before = all(vec![healthy("cart"), healthy("old"), healthy("web")]);
    let after = all(vec![
        healthy("cart"),
        healthy("new"),
        found("web", "TFS301", Severity::Error, "a"),
    ]);
    let told: Vec<_> = changes(&before, &after)
        .iter()
        .map(|it| (it.name.to_owned(), it.change, it.needs_explaining()))
        .collect();
    assert_eq!(
        told,
        [
            ("new".to_owned(), Became::Appeared, false),
            ("web".to_owned(), Became::Changed, true),
            ("old".to_owned(), Became::Gone, false),
        ]
    );
}

#[test]
fn a_namesake_elsewhere_is_another_hpa() {
    let elsewhere = Explanation {
        namespace: "test".to_owned(),
        ..healthy("web")
    };
    let (before, after) = (all(vec![healthy("web")]), all(vec![elsewhere]));
    let told: Vec<_> = changes(&before, &after)
        .iter()
        .map(|it| (it.namespace, it.change))
        .collect();
    assert_eq!(told, [("test", Became::Appeared), ("shop", Became::Gone)]);
}

#[test]
fn another_cause_is_explained_and_another_decision_is_not() {
    let before = all(vec![found("web", "TFS301", Severity::Error, "a")]);
    let explained = |after: Explanation| {
        let after = all(vec![after]);
        let told: Vec<_> = changes(&before, &after)
            .iter()
            .map(super::Change::needs_explaining)
            .collect();
        told
    };
    assert_eq!(explained(found("web", "TFS302", Severity::Error, "a")), [true]);
    assert_eq!(explained(found("web", "TFS301", Severity::Error, "b")), [true]);
    assert_eq!(explained(found("web", "TFS602", Severity::Info, "a")), [false]);
    let mut decided = found("web", "TFS301", Severity::Error, "a");
    if let Some(it) = &mut decided.recommendation {
        it.desired_replicas = Some(4);
        it.limited_by = Some("maxReplicas");
    }
    assert_eq!(explained(decided), [false]);
    assert_eq!(
        explained(found("web", "TFS301", Severity::Error, "a")),
        [false; 0]
    );
}

#[test]
fn a_rollout_renames_the_pods_of_a_finding_and_is_no_news() {
    let of = |pod: &str| all(vec![found("web", "TFS401", Severity::Error, pod)]);
    assert_eq!(
        changes(&of("web-5f6d7c8b9-x2x9l"), &of("web-7c9d8f5b6d-hv7kt")),
        []
    );
    assert_eq!(changes(&of("web-0"), &of("web-1")).len(), 1);
    assert_eq!(changes(&of("migrate"), &of("seed")).len(), 1);
}

#[test]
fn a_second_finding_that_comes_or_goes_is_told_and_explains_nothing_anew() {
    let one = all(vec![found("web", "TFS401", Severity::Error, "a")]);
    let mut both = found("web", "TFS401", Severity::Error, "a");
    both.findings
        .extend(found("web", "TFS703", Severity::Warning, "b").findings);
    both.findings
        .extend(found("web", "TFS801", Severity::Info, "c").findings);
    let both = all(vec![both]);
    let codes = |found: Vec<&super::Other<'_>>| found.iter().map(|it| it.code).collect::<Vec<_>>();
    let came = changes(&one, &both);
    assert_eq!(came.len(), 1);
    assert_eq!(
        (codes(came[0].came()), codes(came[0].went())),
        (vec!["TFS703"], vec![])
    );
    assert!(!came[0].needs_explaining());
    let went = changes(&both, &one);
    assert_eq!(
        (codes(went[0].came()), codes(went[0].went())),
        (vec![], vec!["TFS703"])
    );
}
