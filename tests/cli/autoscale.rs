//! `autoscale` where no cluster is needed, or one with faults.

use serde_json::{Value, json};

use crate::fixtures::{HPAS, shop};
use crate::mock::{Fault, World};
use crate::run::{Outcome, Stage, offline};

/// The first line on stderr, where the command is no command.
fn refused(arguments: &[&str]) -> String {
    let outcome = offline(&[&["autoscale"], arguments].concat());
    assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
    outcome.stderr.lines().next().unwrap_or_default().to_owned()
}

fn dry(arguments: &[&str]) -> Outcome {
    let outcome = offline(&[&["autoscale"], arguments, &["--dry-run=client"]].concat());
    assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.stderr);
    assert_eq!(outcome.stderr, "");
    outcome
}

#[test]
fn a_dry_run_asks_no_cluster_and_prints_what_git_can_keep() {
    let words = [
        "sts/web",
        "--name",
        "busy",
        "-n",
        "shop",
        "--cpu",
        "60%",
        "--max",
        "4",
        "--scale-down-window",
        "10m",
    ];
    insta::assert_snapshot!(dry(&[&words[..], &["-o", "yaml"]].concat()).stdout);
    let object = dry(&[&words[..], &["-o", "json"]].concat()).json();
    assert_eq!(object["metadata"]["name"], "busy");
    assert_eq!(
        dry(&words).stdout,
        "horizontalpodautoscaler.autoscaling/busy created (dry run)\n"
    );
}

#[test]
fn the_rule_of_the_adapter_is_data() {
    let outcome = offline(&["autoscale", "--print-adapter-rule"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(outcome.stdout);
}

#[test]
fn what_is_wrong_with_the_words_is_told_before_anything_is_asked() {
    insta::assert_snapshot!(refused(&["web", "--cpu", "60%", "--min", "5", "--max", "4"]), @"error: `--max 4` is less than `--min 5`");
    insta::assert_snapshot!(refused(&["web", "--cpu", "much", "--max", "4"]), @"error: invalid value 'much' for '--cpu <TARGET>': `much` is no target: write a percentage of the request such as `60%`, or a quantity a pod such as `500m`");
    insta::assert_snapshot!(refused(&["web", "--cpu", "60%", "--max", "4", "--scale-down-window", "2h"]), @"error: invalid value '2h' for '--scale-down-window <DURATION>': 7200 s; the API allows at most 3600 s");
    insta::assert_snapshot!(refused(&["web", "--cpu", "60%", "--max", "4", "--scale-up-policy", "4pods/45m"]), @"error: invalid value '4pods/45m' for '--scale-up-policy <CHANGE/PERIOD>': `4pods/45m`: the period is 2700 s; the API allows 1 s to 1800 s");
    insta::assert_snapshot!(refused(&["web", "--cpu", "60%", "--max", "4", "--scale-up-tolerance=-5%"]), @"error: invalid value '-5%' for '--scale-up-tolerance <RATIO>': `-5%` is no tolerance: write `5%` or `0.05`; the API allows 0 and more");
    insta::assert_snapshot!(refused(&["web", "--metric", "queue=0", "--max", "4"]), @"error: invalid value 'queue=0' for '--metric <NAME=VALUE[,SELECTOR]>': `0` is no value: write a quantity above 0 such as `50` or `500m`");
    insta::assert_snapshot!(refused(&["web", "--container-cpu", "60%", "--max", "4"]), @"error: invalid value '60%' for '--container-cpu <CONTAINER=TARGET>': write CONTAINER=TARGET, for example `tf-serving=60%`");
    insta::assert_snapshot!(refused(&["web", "--install-metrics-server", "--scale-down-window", "1h"]), @"error: there is no HPA to write without a metric: add `--cpu 60% --max 4`, or leave `--max` and the `--scale-…` flags out");
    insta::assert_snapshot!(refused(&["rollout/web", "--cpu", "60%", "--max", "4"]), @"error: invalid value 'rollout/web' for '[TARGET]': `rollout` is no kind that every cluster has: write KIND.GROUP/NAME, for example `rollout.argoproj.io/web`; `kubectl api-resources` lists the groups");
    insta::assert_snapshot!(refused(&["rollout.argoproj.io/web", "--cpu", "60%", "--max", "4", "--dry-run=client"]), @"error: `rollout.argoproj.io/web` with `--dry-run=client`: no cluster is asked for the version and the spelling of the kind; write Kind.VERSION.argoproj.io/web, or use `--dry-run=server`");
}

const NODES: &str = "/api/v1/nodes";

/// A shop whose HPA is ours, on nodes of 4 cpu each.
fn ours(nodes: usize) -> World {
    let mut world = shop(&["web"]);
    let hpa = &mut world.collections.get_mut(HPAS).unwrap()[0];
    hpa["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("kubectl-tfserve");
    world
        .collections
        .insert("/api/v1/namespaces/shop/resourcequotas".to_owned(), Vec::new());
    let node = |number: usize| {
        json!({"metadata": {"name": format!("n{number}")}, "spec": {}, "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
    };
    world
        .collections
        .insert(NODES.to_owned(), (1..=nodes).map(node).collect());
    world
}

fn autoscale(stage: &Stage, words: &[&str]) -> Outcome {
    stage.run(&[&["autoscale", "web", "--wait=false"], words].concat())
}

fn asked(stage: &Stage) -> Vec<String> {
    let mut targets: Vec<String> = stage
        .mock
        .requests()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    targets.sort();
    targets
}

#[test]
fn what_is_asked_before_the_hpa_is_written() {
    let stage = Stage::new(ours(3));
    let outcome = autoscale(&stage, &["--cpu", "60%", "--max", "20"]);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(
        asked(&stage),
        [
            "/api/v1/namespaces/shop/pods?&labelSelector=app%3Dweb",
            "/api/v1/namespaces/shop/resourcequotas?",
            "/api/v1/nodes?&limit=500",
            "/api/v1/pods?&fieldSelector=spec.nodeName%3Dn1&limit=500",
            "/api/v1/pods?&fieldSelector=spec.nodeName%3Dn2&limit=500",
            "/api/v1/pods?&fieldSelector=spec.nodeName%3Dn3&limit=500",
            "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
            "/apis/apps/v1/namespaces/shop/deployments/web",
            "/apis/apps/v1/namespaces/shop/deployments/web",
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web",
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web?&fieldManager=kubectl-tfserve",
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers?&limit=500",
            "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?&labelSelector=app%3Dweb",
            "/version",
        ]
    );
}

#[test]
fn no_more_pods_than_there_are_need_no_room() {
    let stage = Stage::new(ours(3));
    let outcome = autoscale(&stage, &["--cpu", "60%", "--max", "1"]);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    let asked = asked(&stage);
    assert!(
        !asked
            .iter()
            .any(|target| target.contains("nodes") || target.contains("quotas")),
        "{asked:?}"
    );
}

#[test]
fn twenty_nodes_are_all_that_is_asked_of_many() {
    let stage = Stage::new(ours(60));
    let outcome = autoscale(&stage, &["--cpu", "60%", "--max", "1000"]);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    let of_nodes = asked(&stage)
        .into_iter()
        .filter(|target| target.contains("spec.nodeName"));
    assert_eq!(of_nodes.count(), 20);
    assert!(
        !outcome.stderr.contains("TFS710"),
        "what was not counted is not said to be full: {}",
        outcome.stderr
    );
}

#[test]
fn a_full_cluster_is_a_warning() {
    let stage = Stage::new(ours(2));
    let outcome = autoscale(&stage, &["--cpu", "60%", "--max", "20"]);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    insta::assert_snapshot!(outcome.stderr);
    assert_eq!(
        outcome.stdout,
        "horizontalpodautoscaler.autoscaling/web unchanged\n"
    );
}

#[test]
fn what_could_not_be_checked_is_said() {
    let mut world = ours(2);
    world.faults.push((NODES, Fault::Refuse(403)));
    let stage = Stage::new(world);
    let outcome = autoscale(&stage, &["--cpu", "500%", "--max", "20"]);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    insta::assert_snapshot!(outcome.stderr.trim_end(), @r#"note: not checked: nodes: nodes is forbidden: User "jane" cannot read it (needs list nodes)"#);
}

/// An adapter that has two metrics of pods, and values of one of them.
fn with_adapter(mut world: World) -> World {
    let names: Vec<Value> = ["pods/http_requests", "pods/queue_depth"]
        .map(|name| json!({"name": name, "namespaced": true, "kind": "MetricValueList", "singularName": "", "verbs": ["get"]}))
        .into();
    world.documents.insert(
        "/apis/custom.metrics.k8s.io/v1beta1".to_owned(),
        json!({"kind": "APIResourceList", "groupVersion": "custom.metrics.k8s.io/v1beta1", "resources": names}),
    );
    world.documents.insert(
        "/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/pods/*/queue_depth".to_owned(),
        json!({"items": [{"describedObject": {"kind": "Pod", "name": "web-5f6d-x"}, "metricName": "queue_depth",
            "timestamp": "2026-01-02T03:10:00Z", "value": "2"}]}),
    );
    world
}

#[test]
fn a_metric_that_the_adapter_has_is_written_without_a_word() {
    let stage = Stage::new(with_adapter(ours(3)));
    let outcome = autoscale(&stage, &["--metric", "queue_depth=3", "--max", "4"]);
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (0, ""),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_metric_that_the_adapter_lacks_is_refused_with_what_it_has() {
    let stage = Stage::new(with_adapter(ours(3)));
    let outcome = autoscale(&stage, &["--metric", "queue_dept=3", "--max", "4"]);
    assert_eq!(outcome.code, 1, "{}{}", outcome.stdout, outcome.stderr);
    insta::assert_snapshot!(outcome.stdout);
    let stage = Stage::new(with_adapter(ours(3)));
    let outcome = autoscale(&stage, &["--metric", "requests-per-second=50", "--max", "4"]);
    assert_eq!(outcome.code, 1, "{}{}", outcome.stdout, outcome.stderr);
    insta::assert_snapshot!(outcome.stdout);
    assert!(outcome.stderr.contains("metricsQuery"), "{}", outcome.stderr);
}

#[test]
fn an_adapter_that_does_not_answer_is_named() {
    let mut world = with_adapter(ours(3));
    world.faults.push(("custom.metrics.k8s.io", Fault::Refuse(503)));
    let stage = Stage::new(world);
    let outcome = autoscale(&stage, &["--metric", "queue_depth=3", "--max", "4"]);
    assert_eq!(outcome.code, 1, "{}{}", outcome.stdout, outcome.stderr);
    insta::assert_snapshot!(outcome.stdout);
}
