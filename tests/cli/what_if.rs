//! `explain-hpa --what-if`.

use crate::fixtures::shop;
use crate::run::{Stage, offline};

#[test]
fn the_decision_before_and_after() {
    let stage = Stage::new(shop(&["web"]));
    let outcome = stage.run(&[
        "explain-hpa",
        "web",
        "--what-if",
        "max=8",
        "--what-if",
        "cpu=900m",
        "--what-if",
        "pods=+2",
    ]);
    insta::assert_snapshot!(outcome.stdout);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn the_decision_as_json() {
    let stage = Stage::new(shop(&["web"]));
    let json = stage
        .run(&[
            "explain-hpa",
            "web",
            "-o",
            "json",
            "--what-if",
            "max=8",
            "--what-if",
            "cpu=900m",
        ])
        .json();
    let item = &json["items"][0];
    assert_eq!(item["recommendation"]["desiredReplicas"], 4);
    let assumed = &item["whatIf"];
    assert_eq!(assumed["assumptions"], serde_json::json!(["max=8", "cpu=900m"]));
    assert_eq!(assumed["maxReplicas"], 8);
    assert_eq!(assumed["recommendation"]["desiredReplicas"], 3);
    let plain = stage.run(&["explain-hpa", "web", "-o", "json"]).json();
    assert!(plain["items"][0].get("whatIf").is_none());
}

#[test]
fn it_asks_about_one_hpa_of_a_cluster_or_of_a_file() {
    let stage = Stage::new(shop(&["cart", "web"]));
    let path = stage.directory.path().join("facts.yaml").display().to_string();
    stage.run(&["explain-hpa", "--save-facts", &path]);
    let several = offline(&["explain-hpa", "--facts", &path, "--what-if", "max=8"]);
    assert_eq!(several.code, 2);
    assert_eq!(
        several.error(),
        "--what-if asks about one HPA, and there are 2, shop/cart, shop/web among them; name one"
    );
    assert_eq!(stage.run(&["explain-hpa", "--what-if", "max=8"]).code, 2);

    let one = offline(&[
        "explain-hpa",
        "web",
        "--facts",
        &path,
        "--what-if",
        "max=8",
        "-o",
        "json",
    ])
    .json();
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    assert_eq!(one["items"][0]["whatIf"]["recommendation"]["desiredReplicas"], 4);

    let unknown = offline(&["explain-hpa", "nothing", "--facts", &path]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.error().contains("there are `cart`, `web`"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn what_cannot_be_assumed_is_a_usage_error_that_names_what_can() {
    for (assumption, why) in [
        ("cpu", "accepted are cpu=900m"),
        ("cpu=20%", "a change such as +20%"),
        ("pods=two", "a number such as 8"),
    ] {
        let outcome = offline(&["explain-hpa", "--facts", "none", "--what-if", assumption]);
        assert_eq!(outcome.code, 2);
        assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
    }
    let outcome = Stage::new(shop(&["web"])).run(&["explain-hpa", "web", "--what-if", "speed=5"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.error().contains("accepted are cpu=900m"),
        "{}",
        outcome.stderr
    );
}
