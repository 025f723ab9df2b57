//! How many requests it takes: `docs/requests.md`.

use serde_json::json;

use crate::fixtures::{DEPLOYMENTS, HPAS, PODS, hpa, pod, shop};
use crate::mock::{Fault, World};
use crate::run::Stage;

fn count(world: World, arguments: &[&str]) -> usize {
    let stage = Stage::new(world);
    let outcome = stage.run(
        &[
            &["explain-hpa", "--save-facts", "-", "--fail-on", "never"],
            arguments,
        ]
        .concat(),
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    stage.mock.requests().len()
}

#[test]
fn one_healthy_hpa_takes_seven() {
    let stage = Stage::new(shop(&["web"]));
    stage.run(&["explain-hpa", "web"]);
    let mut requests: Vec<_> = stage
        .mock
        .requests()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    requests.sort();
    assert_eq!(
        requests,
        [
            "/api/v1/namespaces/shop/events?&fieldSelector=involvedObject.uid%3Duid-web",
            "/api/v1/namespaces/shop/pods?&labelSelector=app%3Dweb",
            "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
            "/apis/apps/v1/namespaces/shop/deployments/web",
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers?&limit=500",
            "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?&labelSelector=app%3Dweb",
            "/version",
        ]
    );
}

/// A shop whose HPAs scale by a queue outside of the cluster, of which an adapter knows.
fn queues(names: &[&str]) -> World {
    let mut world = shop(names);
    for hpa in world.collections.get_mut(HPAS).unwrap() {
        hpa["spec"]["metrics"] = json!([{"type": "External", "external": {
            "metric": {"name": "queue", "selector": {"matchLabels": {"topic": "orders"}}},
            "target": {"type": "AverageValue", "averageValue": "10"},
        }}]);
        hpa["status"]["currentMetrics"] = json!([{"type": "External", "external": {
            "metric": {"name": "queue"}, "current": {"averageValue": "5"},
        }}]);
    }
    world.documents.insert(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue".to_owned(),
        json!({"items": [
            {"metricName": "queue", "timestamp": "2026-01-02T03:10:00Z", "window": 60, "value": "18"},
            {"metricName": "queue", "timestamp": "2026-01-02T03:10:00Z", "value": "12500m"},
        ]}),
    );
    world
}

#[test]
fn an_outside_metric_takes_its_value_in_place_of_usage_and_decides() {
    let stage = Stage::new(queues(&["web"]));
    let outcome = stage.run(&["explain-hpa", "web", "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let recommendation = &answer["items"][0]["recommendation"];
    assert_eq!(recommendation["desiredReplicas"], 4, "{recommendation:#}");
    assert_eq!(recommendation["metrics"][0]["valueFrom"], "metricsApi");
    let requests = stage.mock.requests();
    assert_eq!(requests.len(), 5 + 1);
    assert!(requests.iter().any(|seen| seen.target
        == "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue?labelSelector=topic%3Dorders"));
}

#[test]
fn a_value_that_may_not_be_read_is_the_one_of_the_last_sync() {
    let mut world = queues(&["web"]);
    world.faults.push(("external.metrics.k8s.io", Fault::Refuse(403)));
    let stage = Stage::new(world);
    let outcome = stage.run(&["explain-hpa", "web", "-o", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        answer["items"][0]["recommendation"]["metrics"][0]["valueFrom"],
        "status"
    );
    assert_eq!(
        answer["notReadable"][0]["needs"], "list queue.external.metrics.k8s.io -n shop",
        "{answer:#}"
    );
}

/// Nothing matches the selector, and the metric has no value in the last sync; discovery lists these names.
fn nothing_selected(listed: &[&str]) -> World {
    let mut world = queues(&["web"]);
    let resources: Vec<_> = listed
        .iter()
        .map(|name| {
            json!({"name": name, "singularName": "", "namespaced": true, "kind": "ExternalMetricValueList",
                "verbs": ["get"]})
        })
        .collect();
    world.documents.insert(
        "/apis/external.metrics.k8s.io/v1beta1".to_owned(),
        json!({"groupVersion": "external.metrics.k8s.io/v1beta1", "resources": resources}),
    );
    world.documents.insert(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue".to_owned(),
        json!({"items": []}),
    );
    for hpa in world.collections.get_mut(HPAS).unwrap() {
        hpa["status"]["currentMetrics"] = json!([{"type": ""}]);
    }
    world
}

#[test]
fn a_selector_that_matches_nothing_takes_a_question_without_it() {
    let stage = Stage::new(nothing_selected(&["queue"]));
    stage.run(&["explain-hpa", "web"]);
    let requests = stage.mock.requests();
    assert_eq!(requests.len(), 5 + 3);
    let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue";
    assert!(requests.iter().any(|seen| seen.target == path));
    // Where discovery does not list it, the one who serves the group is asked for.
    assert_eq!(count(nothing_selected(&[]), &["web"]), 5 + 4);
}

/// An adapter whose Service has no ready endpoint, because its pod crashes.
fn deserted(group: &str, type_: &str, metric: &serde_json::Value) -> World {
    let mut world = queues(&["web"]);
    for hpa in world.collections.get_mut(HPAS).unwrap() {
        hpa["spec"]["metrics"] = json!([{"type": type_, type_.to_lowercase(): metric}]);
        hpa["status"]["currentMetrics"] = json!([{"type": ""}]);
    }
    let services = "/apis/apiregistration.k8s.io/v1/apiservices";
    world.collections.get_mut(services).unwrap().push(json!({
        "metadata": {"name": format!("v1beta1.{group}")},
        "spec": {"service": {"namespace": "monitoring", "name": "adapter"}, "groupPriorityMinimum": 100,
            "versionPriority": 100},
        "status": {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]},
    }));
    let mut crashes = pod("adapter");
    crashes["metadata"]["namespace"] = json!("monitoring");
    world.collections.insert(
        "/api/v1/namespaces/monitoring/services".to_owned(),
        vec![json!({"metadata": {"name": "adapter"}, "spec": {"selector": {"app": "adapter"}}})],
    );
    world
        .collections
        .insert("/api/v1/namespaces/monitoring/pods".to_owned(), vec![crashes]);
    world
}

#[test]
fn a_deserted_adapter_takes_its_pods_within_ten() {
    let mut world = deserted(
        "external.metrics.k8s.io",
        "External",
        &json!({"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "10"}}),
    );
    world
        .faults
        .push(("external.metrics.k8s.io/v1beta1", Fault::Refuse(503)));
    // Discovery and the APIService; the Service, its pods and a log.
    assert_eq!(count(world, &["web"]), 5 + 2 + 3);
    let mut world = deserted(
        "custom.metrics.k8s.io",
        "Pods",
        &json!({"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "10"}}),
    );
    world
        .faults
        .push(("custom.metrics.k8s.io/v1beta", Fault::Refuse(503)));
    // Two versions leave no request for the log.
    assert_eq!(count(world, &["web"]), 5 + 3 + 2);
}

#[test]
fn hpas_that_ask_for_the_same_value_share_the_request() {
    assert_eq!(count(queues(&["web", "cart", "search"]), &[]), 5 + 1);
}

#[test]
fn a_broken_pipeline_takes_three_more() {
    let mut world = shop(&["web"]);
    world.faults.push(("metrics.k8s.io/v1beta1", Fault::Refuse(503)));
    assert_eq!(count(world, &["web"]), 10);
}

#[test]
fn an_unregistered_pipeline_takes_one_more() {
    let mut world = shop(&["web"]);
    world
        .collections
        .remove("/apis/apiregistration.k8s.io/v1/apiservices");
    world.faults.push(("metrics.k8s.io/v1beta1", Fault::Refuse(404)));
    assert_eq!(count(world, &["web"]), 8);
}

#[test]
fn fifty_hpas_of_one_namespace_take_as_many_as_one() {
    let names: Vec<String> = (0..50).map(|index| format!("web{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(count(shop(&names), &[]), 7);
}

/// Shops with two HPAs each, in so many namespaces.
fn chain(namespaces: usize) -> World {
    let mut world = shop(&["web", "cart"]);
    for number in 1..namespaces {
        let name = format!("shop{number}");
        let far: Vec<_> = shop(&["web", "cart"])
            .collections
            .into_iter()
            .filter(|(path, _)| path.contains("/shop/"))
            .map(|(path, mut objects)| {
                for object in &mut objects {
                    object["metadata"]["namespace"] = json!(name);
                }
                (path.replace("/shop/", &format!("/{name}/")), objects)
            })
            .collect();
        world.collections.extend(far);
    }
    world
}

#[test]
fn each_of_a_few_namespaces_costs_four() {
    assert_eq!(count(chain(2), &["-A"]), 3 + 2 * 4);
    assert_eq!(count(chain(4), &["-A"]), 3 + 4 * 4);
}

#[test]
fn many_namespaces_share_one_list_of_each_kind() {
    assert_eq!(count(chain(5), &["-A"]), 3 + 4);
    assert_eq!(count(chain(40), &["-A"]), 3 + 4);
}

#[test]
fn what_may_not_be_listed_everywhere_is_listed_in_each_namespace() {
    let mut world = chain(6);
    world.faults.push(("/api/v1/pods", Fault::Refuse(403)));
    let stage = Stage::new(world);
    let outcome = stage.run(&["explain-hpa", "-A", "-o", "json", "--fail-on", "never"]);
    assert_eq!(stage.mock.requests().len(), 3 + 4 + 6, "{}", outcome.stderr);
    let answer: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["notReadable"], json!([]), "the namespaces were read");
}

#[test]
fn a_page_holds_five_hundred() {
    let mut world = chain(6);
    let pods = world.collections.get_mut(PODS).unwrap();
    for number in 0..1200 {
        let mut extra = pod("web");
        extra["metadata"]["name"] = json!(format!("web-5f6d-{number}"));
        pods.push(extra);
    }
    // 1,212 pods are three pages. The many without a sample make metrics-server suspicious: three more.
    assert_eq!(count(world, &["-A"]), 3 + 4 + 2 + 3);
}

/// Forty HPAs of kind `StatefulSet`, of which every one has fewer pods than it asks for: its own events could tell why.
fn forty_short() -> World {
    let names: Vec<String> = (0..40).map(|index| format!("web{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = shop(&names);
    for object in world.collections.get_mut(HPAS).unwrap() {
        object["spec"]["scaleTargetRef"]["kind"] = json!("StatefulSet");
    }
    let mut sets = world.collections.remove(DEPLOYMENTS).unwrap();
    for set in &mut sets {
        set["spec"]["replicas"] = json!(3);
    }
    world
        .collections
        .insert(DEPLOYMENTS.replace("deployments", "statefulsets"), sets);
    world
}

#[test]
fn single_hpas_among_many_share_a_bound() {
    // Ten for single ones, ten for what they share.
    assert!(count(forty_short(), &[]) <= 7 + 20);
}

#[test]
fn what_many_share_is_read_whatever_single_ones_took() {
    let mut world = forty_short();
    for (index, hpa) in world.collections.get_mut(HPAS).unwrap().iter_mut().enumerate() {
        let name = format!("queue{index}");
        hpa["spec"]["metrics"] = json!([{"type": "External", "external": {
            "metric": {"name": name}, "target": {"type": "AverageValue", "averageValue": "10"},
        }}]);
        hpa["status"]["currentMetrics"] = json!([{"type": ""}]);
        hpa["status"]["conditions"][1] = json!({"type": "ScalingActive", "status": "False",
            "reason": "FailedGetExternalMetric", "lastTransitionTime": "2026-01-02T03:05:00Z",
            "message": format!("the HPA was unable to compute the replica count: unable to get external metric \
                shop/{name}/nil: unable to fetch metrics from external metrics API: the server could not find the \
                metric {name} for ")});
    }
    world.documents.insert(
        "/apis/external.metrics.k8s.io/v1beta1".to_owned(),
        json!({"groupVersion": "external.metrics.k8s.io/v1beta1", "resources": []}),
    );
    let stage = Stage::new(world);
    let outcome = stage.run(&["explain-hpa", "-o", "json", "--fail-on", "never"]);
    assert!(stage.mock.requests().len() <= 7 + 20);
    let answer: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = |index: usize| answer["items"][index]["findings"].to_string();
    let all = || (0..40).map(findings);
    assert!(
        all().all(|it| it.contains("TFS309") && !it.contains("TFS902")),
        "{answer:#}"
    );
    // Values are asked for as far as requests are left; the others say so.
    let half = "kubectl tfserve explain-hpa web";
    let asked = all().filter(|it| !it.contains(half)).count();
    assert!((1..=10).contains(&asked), "{asked}");
}

#[test]
fn a_foreign_replica_set_is_looked_up_once() {
    let mut world = shop(&["web"]);
    let mut foreign = pod("web");
    foreign["metadata"]["name"] = json!("other-1");
    foreign["metadata"]["ownerReferences"][0]["name"] = json!("other-5f6d");
    world.collections.get_mut(PODS).unwrap().push(foreign);
    // The foreign pod has no sample, so the pipeline is looked at as well, and 10 requests are all there are.
    assert_eq!(count(world, &["web"]), 7 + 1 + 2);
}

#[test]
fn an_ambiguous_selector_takes_the_other_target() {
    let mut world = shop(&["web", "cart"]);
    for hpa in world.collections.get_mut(HPAS).unwrap() {
        hpa["status"]["conditions"][1] = json!({"type": "ScalingActive", "status": "False",
            "reason": "AmbiguousSelector", "lastTransitionTime": "2026-01-02T03:05:00Z",
            "message": "pods by selector app=web are controlled by more than one HPA (e.g. [shop/web shop/cart])"});
    }
    assert_eq!(count(world.clone(), &["web"]), 7 + 1);
    // Both are asked about: everything is in hand.
    assert_eq!(count(world, &[]), 7);
}

/// A custom resource as the scale target.
fn widget() -> World {
    let mut world = shop(&["web"]);
    world.collections.remove(DEPLOYMENTS);
    world
        .collections
        .insert(HPAS.to_owned(), vec![hpa("web", "example.com/v1", "Widget")]);
    world.collections.insert(
        "/apis/example.com/v1/namespaces/shop/widgets".to_owned(),
        vec![json!({"metadata": {"name": "web"}, "spec": {}})],
    );
    world.documents.insert(
        "/apis/example.com/v1".to_owned(),
        json!({"groupVersion": "example.com/v1", "resources": [
            {"name": "widgets", "kind": "Widget", "namespaced": true, "singularName": "", "verbs": ["get"]},
            {"name": "widgets/scale", "kind": "Scale", "namespaced": true, "singularName": "", "verbs": ["get"]},
        ]}),
    );
    world.documents.insert(
        "/apis/example.com/v1/namespaces/shop/widgets/web/scale".to_owned(),
        json!({"metadata": {}, "spec": {"replicas": 2}, "status": {"replicas": 2, "selector": "app=web"}}),
    );
    world
}

#[test]
fn another_kind_takes_discovery_and_a_scale() {
    assert_eq!(count(widget(), &["web"]), 9);
}

#[test]
fn another_kind_with_a_broken_pipeline_stays_within_ten() {
    let mut world = widget();
    world.faults.push(("metrics.k8s.io/v1beta1", Fault::Refuse(503)));
    assert_eq!(count(world, &["web"]), 10);
}

/// Shops whose Deployments were refused their pods with these words.
fn refused(names: &[&str], why: &str) -> World {
    let mut world = shop(names);
    for deployment in world.collections.get_mut(DEPLOYMENTS).unwrap() {
        deployment["status"]["conditions"] = json!([{"type": "ReplicaFailure", "status": "True",
            "reason": "FailedCreate", "message": why}]);
    }
    world
}

#[test]
fn a_refusal_takes_one_more_where_it_names_what_can_be_asked_for() {
    let quota = "pods \"web-1\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
    assert_eq!(count(refused(&["web"], quota), &["web"]), 8);
    // Those of one namespace share it.
    assert_eq!(count(refused(&["web", "cart", "search"], quota), &[]), 8);
    for (why, path) in [
        (
            "pods \"web-1\" is forbidden: error looking up service account shop/web-sa: serviceaccount \"web-sa\" not found",
            "/api/v1/namespaces/shop/serviceaccounts/web-sa",
        ),
        (
            "pods \"web-1\" is forbidden: no PriorityClass with name high was found",
            "/apis/scheduling.k8s.io/v1/priorityclasses/high",
        ),
        (
            "pods \"web-1\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found",
            "/apis/node.k8s.io/v1/runtimeclasses/gvisor",
        ),
    ] {
        let stage = Stage::new(refused(&["web"], why));
        stage.run(&["explain-hpa", "web"]);
        let requests = stage.mock.requests();
        assert_eq!(requests.len(), 8, "{why}");
        assert!(requests.iter().any(|seen| seen.target == path), "{requests:?}");
    }
    let policy = "pods \"web-1\" is forbidden: ValidatingAdmissionPolicy 'no-pods' with binding 'all' denied request: no";
    assert_eq!(count(refused(&["web"], policy), &["web"]), 7);
}

#[test]
fn verbosity_tells_the_number() {
    let outcome = Stage::new(shop(&["web"])).run(&["explain-hpa", "web", "-v", "1", "--fail-on", "never"]);
    assert!(
        outcome.stderr.starts_with("7 API requests to http://127.0.0.1:"),
        "{}",
        outcome.stderr
    );
}
