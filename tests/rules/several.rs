//! Several HPAs in one answer, and text that nobody should trust.

use kubectl_tfserve::output;

use super::{explain, snapshot, text};

#[test]
fn the_worst_come_first_and_the_healthy_are_counted() {
    let answer = text(&explain("several", "mixed"));
    assert!(answer.contains("2 HPAs are healthy"), "{answer}");
    snapshot("several", "mixed.text", &answer);
}

#[test]
fn a_cause_that_many_share_is_told_once() {
    let answer = text(&explain("several", "shared"));
    assert_eq!(answer.matches("TFS301  ").count(), 1, "{answer}");
    assert!(answer.contains("3 HPAs"), "{answer}");
    snapshot("several", "shared.text", &answer);
}

#[test]
fn text_from_the_cluster_cannot_move_the_cursor() {
    let answer = text(&explain("several", "hostile"));
    assert!(
        !answer
            .chars()
            .any(|it| (it.is_control() && it != '\n') || it == '\u{202e}'),
        "{answer}"
    );
    snapshot("several", "hostile.text", &answer);
}

#[test]
fn yaml_and_json_say_the_same() {
    let answer = explain("several", "mixed");
    let json = output::structured::json(&answer).expect("a form in JSON");
    let yaml = output::structured::yaml(&answer).expect("a form in YAML");
    let from_json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let from_yaml: serde_json::Value = serde_saphyr::from_str(&yaml).expect("YAML");
    assert_eq!(from_json, from_yaml);
}

#[test]
fn a_fault_that_the_controller_has_not_come_to_is_second() {
    let answer = explain("several", "crash-loop-without-request");
    let codes: Vec<&str> = answer.items[0]
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert_eq!(codes, ["TFS502", "TFS401"], "{}", text(&answer));
}
