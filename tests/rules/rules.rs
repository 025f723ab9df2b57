//! A folder a rule.

use kubectl_tfserve::diagnosis::{RULES, find};
use kubectl_tfserve::output;

use super::{SCREEN, cases, codes, explain, snapshot, text};

#[test]
fn every_rule_fires_and_stays_silent() {
    for rule in RULES {
        let fires = explain(rule.code, "fires");
        let root = fires.items.first().and_then(|item| item.findings.first()).map(|finding| finding.code);
        assert_eq!(root, Some(rule.code), "root cause of {}/fires.yaml\n{}", rule.code, text(&fires));
        let silent = explain(rule.code, "silent");
        assert!(!codes(&silent).contains(&rule.code), "{}/silent.yaml\n{}", rule.code, text(&silent));
    }
}

#[test]
fn what_people_and_programs_read() {
    for rule in RULES {
        for case in cases(rule.code).iter().filter(|case| *case != "silent") {
            let answer = explain(rule.code, case);
            assert!(codes(&answer).contains(&rule.code), "{}/{case}.yaml", rule.code);
            snapshot(rule.code, &format!("{case}.text"), &text(&answer));
            let json = output::structured::json(&answer).expect("the contract has a form in JSON");
            snapshot(rule.code, &format!("{case}.json"), &json);
        }
    }
}

#[test]
fn one_hpa_fits_a_screen_and_its_cause_the_first_three_lines() {
    for rule in RULES {
        for case in cases(rule.code) {
            let answer = text(&explain(rule.code, &case));
            let lines: Vec<&str> = answer.lines().collect();
            assert!(lines.len() <= SCREEN.1, "{}/{case}: {} lines\n{answer}", rule.code, lines.len());
            let begins = |line: &&str| ["✗", "!", "i", "✓"].iter().any(|mark| line.starts_with(mark));
            assert!(lines.iter().take(3).any(begins), "{}/{case}\n{answer}", rule.code);
        }
    }
}

#[test]
fn only_commands_and_names_are_wider_than_the_screen() {
    for rule in RULES {
        let answer = text(&explain(rule.code, "fires"));
        for line in answer.lines().filter(|line| !line.contains("kubectl ") && !line.contains("minikube ")) {
            assert!(line.chars().count() <= SCREEN.0, "{}: {line}", rule.code);
        }
    }
}

#[test]
fn codes_and_names_are_unique_and_ordered() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    for rule in RULES {
        assert!(find(&rule.code.to_lowercase()).is_some_and(|found| found.name == rule.name));
        for explained in rule.explains {
            assert!(find(explained).is_some(), "{} explains {explained}, which does not exist", rule.code);
        }
    }
}
