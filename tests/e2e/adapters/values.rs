//! The values of an adapter: the controller's reading is ours, and values that are of other pods or in another unit.

use serde_json::json;
use tfserve_sandbox::Answer;
use tfserve_sandbox::MetricsGroup::{Custom, External};

use super::{ACTIVE, adapter, alone, average, deploy, namespaces, of_object, of_pods, of_queue};
use crate::fixtures::first;
use crate::support::{explain, field, type_fix, until};

/// What the last sync decided and read is what an explanation reads and decides.
#[track_caller]
fn agrees(namespace: &str, replicas: i32, current: &str, value: &str) {
    until(&format!("{namespace} has {replicas} replicas"), || {
        let wanted = field(namespace, "hpa/web", "{.status.desiredReplicas}");
        let read = field(
            namespace,
            "hpa/web",
            &format!("{{.status.currentMetrics[0]{current}}}"),
        );
        (wanted == replicas.to_string() && read == value).then_some(())
    });
    let answer = until("the rescale is over", || {
        let answer = explain(namespace, "web");
        (answer["recommendation"]["agreesWithStatus"] == true).then_some(answer)
    });
    let metric = &answer["recommendation"]["metrics"][0];
    assert_eq!(metric["valueFrom"], "metricsApi", "{answer:#}");
    assert_eq!(metric["current"], value, "{answer:#}");
    assert_eq!(
        answer["recommendation"]["desiredReplicas"], replicas,
        "{answer:#}"
    );
}

#[test]
fn values_are_those_of_the_controller() {
    let _turn = alone();
    let [pods, part, value, each, namespace, queue, series] =
        namespaces(["pods", "part", "value", "each", "namespace", "queue", "series"]);
    let adapter = adapter(&pods, &[Custom, External]);
    adapter.answer(Custom, "pods/rps", Answer::Value("14500m".to_owned()));
    adapter.answer(Custom, "services/requests", Answer::Value("14500m".to_owned()));
    adapter.answer(Custom, "namespaces/requests", Answer::Value("25".to_owned()));
    adapter.answer(External, "depth", Answer::Value("31".to_owned()));
    let all =
        [("orders", "7"), ("refunds", "5500m")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    adapter.answer(External, "lag", Answer::Values(all.to_vec()));

    deploy(&pods, &json!([of_pods("rps", "10")]));
    let target = json!({"type": "Value", "value": "10"});
    deploy(&value, &json!([of_object("Service", "requests", &target)]));
    deploy(&each, &json!([of_object("Service", "requests", &average("5"))]));
    deploy(&namespace, &json!([of_object("Namespace", "requests", &target)]));
    deploy(&queue, &json!([of_queue("depth", &average("10"))]));
    let mut one = of_queue("lag", &average("2"));
    one["external"]["metric"]["selector"] = json!({"matchLabels": {"series": "refunds"}});
    deploy(&series, &json!([one]));
    deploy(&part, &json!([of_pods("latency", "10")]));
    let pod = field(&part, "pods", "{.items[0].metadata.name}");
    adapter.answer(
        Custom,
        "pods/latency",
        Answer::Values(vec![(pod, "15".to_owned())]),
    );

    agrees(&pods, 4, ".pods.current.averageValue", "14500m");
    agrees(&value, 4, ".object.current.value", "14500m");
    agrees(&each, 3, ".object.current.averageValue", "4834m");
    agrees(&namespace, 4, ".object.current.value", "25");
    agrees(&queue, 4, ".external.current.averageValue", "7750m");
    agrees(&series, 3, ".external.current.averageValue", "1834m");
    // 15 of 10, and the pod without a value counts as 0: no reason to scale up, none to scale down.
    agrees(&part, 2, ".pods.current.averageValue", "15");
    let shares = explain(&part, "web")["recommendation"]["metrics"][0]["pods"].to_string();
    assert!(shares.contains("\"missing\""), "{shares}");
}

/// The last sync found a valid metric, and shows this value.
#[track_caller]
fn looks_healthy(namespace: &str, current: &str, value: &str) {
    until(&format!("{namespace} shows {value}"), || {
        let shown = field(
            namespace,
            "hpa/web",
            &format!("{{.status.currentMetrics[0]{current}}}"),
        );
        (shown == value && field(namespace, "hpa/web", ACTIVE) == "True").then_some(())
    });
}

#[test]
fn the_values_are_of_other_pods() {
    let _turn = alone();
    let [foreign, some] = namespaces(["foreign-values", "some-foreign-values"]);
    let adapter = adapter(&foreign, &[Custom]);
    let values = |names: &[&str]| {
        let all = names.iter().map(|name| ((*name).to_owned(), "40".to_owned()));
        Answer::Values(all.collect())
    };
    adapter.answer(
        Custom,
        "pods/scraped",
        values(&["node-exporter-7xk2p", "node-exporter-m4c8q"]),
    );
    deploy(&foreign, &json!([of_pods("scraped", "10")]));
    deploy(&some, &json!([of_pods("unselected", "10")]));
    let pods = field(&some, "pods", "{.items[*].metadata.name}");
    let names: Vec<&str> = pods.split_whitespace().chain(["payments-0"]).collect();
    adapter.answer(Custom, "pods/unselected", values(&names));

    for (namespace, severity) in [(&foreign, "error"), (&some, "warning")] {
        looks_healthy(namespace, ".pods.current.averageValue", "40");
        let finding = first(namespace, "web", "TFS313");
        assert_eq!(finding["severity"], severity, "{finding:#}");
        assert_eq!(finding["confidence"], "proven", "{finding:#}");
        type_fix(&finding, 0);
    }
    adapter.answer(Custom, "pods/scraped", Answer::Value("10".to_owned()));
    adapter.answer(Custom, "pods/unselected", Answer::Value("10".to_owned()));
    for namespace in [&foreign, &some] {
        until("the finding is gone", || {
            let findings = explain(namespace, "web")["findings"].to_string();
            (!findings.contains("TFS313")).then_some(())
        });
    }
}

#[test]
fn the_target_is_in_another_unit() {
    let _turn = alone();
    let [half, share, mean] = namespaces(["half", "share", "mean"]);
    let adapter = adapter(&half, &[Custom, External]);
    adapter.answer(External, "depth", Answer::Value("800".to_owned()));
    adapter.answer(
        Custom,
        "pods/gpu_cache_usage_perc",
        Answer::Value("930m".to_owned()),
    );
    adapter.answer(External, "latency_ms", Answer::Value("600".to_owned()));
    deploy(&half, &json!([of_queue("depth", &average("500m"))]));
    deploy(&share, &json!([of_pods("gpu_cache_usage_perc", "70")]));
    deploy(&mean, &json!([of_queue("latency_ms", &average("310"))]));

    let replicas = |namespace: &str, wanted: &str| {
        until(&format!("{namespace} has {wanted} replicas"), || {
            (field(namespace, "deployment/web", "{.spec.replicas}") == wanted).then_some(())
        });
    };
    // 800 of one half want 1600, 930m of 70 want one and get the minimum, 600 of 310 want two and have two.
    replicas(&half, "4");
    looks_healthy(&half, ".external.current.averageValue", "200");
    looks_healthy(&share, ".pods.current.averageValue", "930m");
    looks_healthy(&mean, ".external.current.averageValue", "300");
    for (namespace, grown) in [(&half, None), (&share, Some("3")), (&mean, Some("4"))] {
        let finding = first(namespace, "web", "TFS612");
        assert_eq!(finding["confidence"], "likely", "{finding:#}");
        type_fix(&finding, 0);
        if let Some(grown) = grown {
            replicas(namespace, grown);
        }
        until("the finding is gone", || {
            let findings = explain(namespace, "web")["findings"].to_string();
            (!findings.contains("TFS612")).then_some(())
        });
    }
}
