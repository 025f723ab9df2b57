//! A healthy HPA is quiet.

use kubectl_tfserve::diagnosis::{Severity, Verdict};

use super::{cases, explain, snapshot, text};

#[test]
fn nothing_is_wrong_with_a_healthy_hpa() {
    let cases = cases("healthy");
    assert!(cases.len() >= 10, "{cases:?}");
    for case in cases {
        let answer = explain("healthy", &case);
        let item = answer.items.first().expect("one HPA");
        let shown = text(&answer);
        let quiet = item.findings.iter().all(|finding| finding.severity == Severity::Info);
        assert!(quiet, "{case}\n{shown}");
        assert!(matches!(item.verdict, Verdict::Healthy | Verdict::Waiting), "{case}\n{shown}");
        let agrees = item.recommendation.as_ref().and_then(|it| it.agrees_with_status);
        assert!(agrees != Some(false) || case == "scaling-up-now", "{case}: {:?}", item.recommendation);
        snapshot("healthy", &format!("{case}.text"), &shown);
    }
}
