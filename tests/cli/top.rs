//! `top`.

use crate::fixtures::{HPAS, shop};
use crate::mock::Fault;
use crate::run::Stage;

#[test]
fn usage_request_and_target_stand_side_by_side() {
    let stage = Stage::new(shop(&["web"]));
    let outcome = stage.run(&["top", "web"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(
        outcome.stdout,
        "\
shop/web  Deployment/web  cpu 426%/60%  1 → 4 replicas (1..4)
  limited: 426% of 60%: the metrics want 8 replicas, maxReplicas allows 4
  POD           CPU  REQUEST  REQUEST%  TARGET%  COUNTED
  web-5f6d-x  2130m     500m      426%     710%  yes
"
    );
    let report = stage.run(&["top", "web", "-o", "json"]).json();
    assert_eq!(report["kind"], "PodUsageList");
    assert_eq!(report["items"][0]["pods"][0]["percentOfRequest"], 426);
}

#[test]
fn without_a_metrics_api_the_requests_remain() {
    let mut world = shop(&["web"]);
    world.faults.push(("metrics.k8s.io/v1beta1", Fault::Refuse(404)));
    let outcome = Stage::new(world).run(&["top"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("nothing serves metrics.k8s.io"),
        "{}",
        outcome.stdout
    );
    let row = outcome
        .stdout
        .lines()
        .find(|line| line.contains("web-5f6d-x"))
        .unwrap();
    assert_eq!(
        row.split_whitespace().collect::<Vec<_>>()[..6],
        ["web-5f6d-x", "-", "500m", "-", "-", "-"]
    );
}

#[test]
fn a_deployment_without_an_hpa_is_shown_by_name() {
    let mut world = shop(&["web"]);
    world.collections.insert(HPAS.to_owned(), Vec::new());
    let stage = Stage::new(world);
    let outcome = stage.run(&["top", "web"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome
            .stdout
            .starts_with("shop/web  Deployment/web  1 replica  no HPA\n"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.contains("64Mi"), "{}", outcome.stdout);
    assert_eq!(stage.run(&["top", "nothing"]).code, 3);
}
