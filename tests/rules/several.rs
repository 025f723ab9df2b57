//! Several HPAs in one answer, and text that nobody should trust.

use kubectl_tfserve::diagnosis::diagnose;
use kubectl_tfserve::facts::Facts;
use kubectl_tfserve::output;

use super::{cases, explain, read, root, snapshot, text};

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

#[test]
fn what_keeps_back_replicas_comes_before_what_keeps_them_from_going() {
    let answer = explain("several", "refused-beside-a-failed-metric");
    let findings = &answer.items[0].findings;
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["TFS702", "TFS309"], "{}", text(&answer));
    // The HPA that never goes down follows from the metric, and not from the quota.
    assert!(findings[0].consequences.is_empty());
    assert_eq!(findings[1].consequences[0].code, "TFS607");
}

#[test]
fn one_code_with_two_objects_at_fault_is_two_causes() {
    let facts = std::fs::read_to_string(root().join("TFS306/fires.yaml")).expect("facts");
    let of_another_right = facts
        .replace("\"metrics.k8s.io\"", "\"custom.metrics.k8s.io\"")
        .replace(
            "resource metrics API: pods.metrics.k8s.io",
            "custom metrics API: pods.custom.metrics.k8s.io",
        );
    let mut all = read(&root().join("TFS306/fires.yaml"));
    let other: Facts = serde_saphyr::from_str(&of_another_right).expect("facts");
    let (one, two) = (all.hpas[0].clone(), other.hpas[0].clone());
    all.hpas = [("a", &one), ("b", &two), ("c", &one), ("d", &two), ("e", &two)]
        .into_iter()
        .map(|(name, facts)| {
            let mut facts = facts.clone();
            name.clone_into(&mut facts.hpa.name);
            facts
        })
        .collect();
    let answer = text(&diagnose(&all));
    assert_eq!(answer.matches("✗ TFS306  ").count(), 2, "{answer}");
    let most = answer.find("3 HPAs: shop/b, shop/d, shop/e");
    let fewer = answer.find("2 HPAs: shop/a, shop/c");
    assert!(most.is_some() && fewer.is_some() && most < fewer, "{answer}");
}

#[test]
fn saved_facts_give_the_same_answer_byte_for_byte() {
    let mut compared = 0;
    let folders = std::fs::read_dir(root()).expect("the folders of facts");
    for folder in folders.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        if !root().join(&folder).is_dir() {
            continue;
        }
        for case in cases(&folder) {
            let facts = read(&root().join(&folder).join(format!("{case}.yaml")));
            let answer = answers(&facts);
            let json = output::structured::json(&facts).expect("facts as JSON");
            let again: Facts = serde_json::from_str(&json).expect("facts of JSON");
            assert_eq!(answers(&again), answer, "{folder}/{case} as JSON");
            let yaml = output::structured::yaml(&facts).expect("facts as YAML");
            let again: Facts = serde_saphyr::from_str(&yaml).expect("facts of YAML");
            assert_eq!(answers(&again), answer, "{folder}/{case} as YAML");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} files");
}

/// The text and the JSON.
fn answers(facts: &Facts) -> (String, String) {
    let all = diagnose(facts);
    (
        text(&all),
        output::structured::json(&all).expect("a form in JSON"),
    )
}
