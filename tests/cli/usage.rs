//! The command line itself.

use crate::fixtures::shop;
use crate::run::{Stage, offline};

#[test]
fn what_contradicts_itself_is_a_usage_error() {
    for arguments in [
        &["explain-hpa", "web", "-A"][..],
        &["explain-hpa", "web", "-l", "app=web"],
        &["explain-hpa", "web", "--facts", "x"],
        &["explain-hpa", "--request-timeout", "5 apples"],
        &["explain-hpa", "-o", "table"],
        &["explain-hpa", "--code", "TFS000"],
        &["explain-hpa", "--watch", "--facts", "x"],
        &["explain-hpa", "--watch", "--save-facts", "x"],
        &["explain-hpa", "--watch", "--code", "TFS301"],
        &["explain-hpa", "--watch", "--what-if", "max=8"],
        &["explain-hpa", "--watch", "--interval", "0"],
        &["explain-hpa", "--interval", "5s"],
        &["top", "web", "-A"],
        &["-n", "shop"],
        &["-o", "json"],
        &["help", "nothing"],
    ] {
        assert_eq!(offline(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn an_unknown_hpa_is_answered_with_those_that_exist() {
    let outcome = Stage::new(shop(&["web", "cart"])).run(&["explain-hpa", "nothing"]);
    assert_eq!(outcome.code, 3);
    assert_eq!(
        outcome.error(),
        "cannot find HorizontalPodAutoscaler `nothing` in namespace shop: no HPA has that name or scales a workload \
         of that name; the namespace has `cart`, `web`"
    );
}

#[test]
fn a_namespace_without_hpas_is_said_in_kubectls_words() {
    let outcome = Stage::new(shop(&[])).run(&["explain-hpa"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""));
    assert_eq!(
        outcome.stderr,
        "No HorizontalPodAutoscalers found in shop namespace\n"
    );
}

#[test]
fn labels_select_hpas() {
    let stage = Stage::new(shop(&["web", "cart"]));
    let report = stage.run(&["top", "-l", "app=cart", "-o", "json"]).json();
    assert_eq!(report["items"].as_array().unwrap().len(), 1);
    assert_eq!(report["items"][0]["hpa"], "cart");
}
