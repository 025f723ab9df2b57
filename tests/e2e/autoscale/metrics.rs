//! `spec.metrics`: every source arrives, a metric that is left out goes, and one that nobody serves is refused.

use super::{autoscale, said, space, spec, web};
use crate::adapters::alone;
use crate::support::kubectl;

pub(super) fn what_it_scales_by() {
    // An adapter of another test would serve what nobody serves here.
    let _turn = alone();
    let namespace = space("autoscale-metrics");
    web(namespace);
    every_source_arrives(namespace);
    what_is_left_out_goes(namespace);
    a_metric_that_nobody_serves(namespace);
}

fn every_source_arrives(namespace: &str) {
    let words = "web --cpu 60% --memory 50Mi --container-cpu app=70% --metric requests-per-second=50 \
        --metric depth=3,queue=a --external-metric orders=30,topic=new --max 4 --dry-run=server";
    let printed = autoscale(namespace, &format!("{words} -o json")).expect_code(0);
    let metrics = serde_json::to_string_pretty(&printed.json()["spec"]["metrics"]).unwrap();
    insta::assert_snapshot!("every_source", metrics);
    let told = autoscale(namespace, words).expect_code(0);
    insta::assert_snapshot!("every_source_checked", said(&told));
    let nothing = kubectl(&format!("get hpa -n {namespace} -o name"));
    assert_eq!(nothing.stdout, "", "a dry run writes nothing");
}

fn what_is_left_out_goes(namespace: &str) {
    let two = autoscale(namespace, "web --cpu 60% --container-cpu app=70% --max 4").expect_code(0);
    insta::assert_snapshot!("two_metrics", said(&two));
    assert_eq!(
        spec(namespace, "web")["metrics"].as_array().map(Vec::len),
        Some(2)
    );
    let one = autoscale(namespace, "web --container-cpu app=70% --max 5").expect_code(0);
    insta::assert_snapshot!("one_metric", said(&one));
    let spec = spec(namespace, "web");
    assert_eq!(spec["metrics"].as_array().map(Vec::len), Some(1), "{spec:#}");
    assert_eq!(spec["metrics"][0]["containerResource"]["container"], "app");
    assert_eq!(spec["maxReplicas"], 5);
    kubectl(&format!("delete hpa web -n {namespace}")).expect_code(0);
}

fn a_metric_that_nobody_serves(namespace: &str) {
    let words = "web --metric requests-per-second=50 --max 4";
    let refused = autoscale(namespace, words).expect_code(1);
    insta::assert_snapshot!("nobody_serves_it", said(&refused));
    assert_eq!(kubectl(&format!("get hpa -n {namespace} -o name")).stdout, "");

    let printed = autoscale(namespace, &format!("{words} -o yaml")).expect_code(1);
    assert_eq!(printed.stdout, "", "standard output is for objects alone");

    let started = std::time::Instant::now();
    let forced = autoscale(namespace, &format!("{words} --force")).expect_code(1);
    assert!(started.elapsed().as_secs() < 240, "no waiting helps");
    insta::assert_snapshot!("forced", said(&forced));
    assert_eq!(spec(namespace, "web")["metrics"][0]["type"], "Pods");

    let external = autoscale(namespace, "web --external-metric orders=30 --max 4").expect_code(1);
    insta::assert_snapshot!("nobody_serves_external", said(&external));
    // Another metric keeps it going: what is missing is a warning.
    let beside = autoscale(namespace, "web --cpu 60% --external-metric orders=30 --max 4");
    insta::assert_snapshot!("one_of_two_is_missing", said(&beside));
}
