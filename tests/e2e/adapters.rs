//! Metrics that no kubelet measures: custom and external ones, with an adapter and without.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tfserve_sandbox::MetricsGroup::{Custom, External};
use tfserve_sandbox::{Adapter, Answer, MetricsGroup, Namespace, Reach};

use crate::fixtures::{deployment, first, hpa};
use crate::keda;
use crate::support::{apply, explain, field, kubectl, sandbox, type_fix, until};

const MESSAGE: &str = "{.status.conditions[?(@.type=='ScalingActive')].message}";
const UNABLE: &str = "the server is currently unable to handle the request";
/// Once a minute the API server asks every registered API for its discovery; one that does not answer is stale from
/// then on, and the controller's client of custom metrics leaves stale versions out.
const STALE: &str = "no known available metric versions found";
const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')].status}";

/// Which adapters there are is the whole cluster's state: one test at a time, and none is left from the one before.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    until("no adapter is registered", || {
        let served = kubectl("get apiservices -o name").expect_code(0).stdout;
        [Custom, External]
            .iter()
            .all(|group| !served.contains(group.name()))
            .then_some(())
    });
    turn
}

fn namespaces<const N: usize>(names: [&str; N]) -> [Namespace<'static>; N] {
    names.map(|name| sandbox().namespace(name).expect("a namespace"))
}

fn adapter(namespace: &Namespace<'_>, groups: &[MetricsGroup]) -> Adapter<'static> {
    sandbox()
        .adapter(namespace, "prometheus-adapter", groups)
        .expect("an adapter")
}

/// Two pods, and an HPA called web of these metrics.
fn deploy(namespace: &str, metrics: &Value) {
    let mut web = deployment(namespace, "web", &json!({"app": "web"}));
    web["spec"]["replicas"] = json!(2);
    let mut object = hpa(namespace, "web");
    object["spec"]["minReplicas"] = json!(2);
    object["spec"]["metrics"] = metrics.clone();
    apply(&[web, object]);
    until("two pods run", || {
        let ready = field(namespace, "deployment/web", "{.status.readyReplicas}");
        ready.parse().is_ok_and(|ready: i32| ready >= 2).then_some(())
    });
}

fn of_pods(name: &str, average: &str) -> Value {
    json!({"type": "Pods", "pods": {"metric": {"name": name},
        "target": {"type": "AverageValue", "averageValue": average}}})
}

fn of_object(kind: &str, name: &str, target: &Value) -> Value {
    json!({"type": "Object", "object": {"metric": {"name": name}, "target": target,
        "describedObject": {"apiVersion": "v1", "kind": kind, "name": "web"}}})
}

fn of_queue(name: &str, target: &Value) -> Value {
    json!({"type": "External", "external": {"metric": {"name": name}, "target": target}})
}

fn average(value: &str) -> Value {
    json!({"type": "AverageValue", "averageValue": value})
}

/// Waits for the controller's own words, then asks for the cause.
#[track_caller]
fn cause(namespace: &str, words: &str, code: &str) -> Value {
    cause_of_either(namespace, &[words], code)
}

/// As `cause`, where it depends on the moment which of its words the controller has for it.
#[track_caller]
fn cause_of_either(namespace: &str, words: &[&str], code: &str) -> Value {
    said(namespace, words);
    let answer = explain(namespace, "web");
    let finding = answer["findings"][0].clone();
    assert_eq!(finding["code"], code, "{answer:#}");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    finding
}

#[track_caller]
fn said(namespace: &str, words: &[&str]) {
    until(&format!("the controller says one of {words:?}"), || {
        let message = field(namespace, "hpa/web", MESSAGE);
        words.iter().any(|words| message.contains(words)).then_some(())
    });
}

#[track_caller]
fn recovered(namespace: &str) {
    until(&format!("the HPA in {namespace} has its metric"), || {
        (field(namespace, "hpa/web", ACTIVE) == "True").then_some(())
    });
    let answer = explain(namespace, "web");
    let severity = &answer["findings"][0]["severity"];
    assert!(severity != "error" && severity != "warning", "{answer:#}");
}

#[test]
fn nobody_serves_them() {
    let _turn = alone();
    let [custom, external] = namespaces(["custom", "external"]);
    deploy(&custom, &json!([of_pods("rps", "10")]));
    deploy(&external, &json!([of_queue("queue", &average("10"))]));
    let words = "no custom metrics API (custom.metrics.k8s.io) registered";
    let finding = cause(&custom, words, "TFS307");
    assert_eq!(finding["objects"][0]["name"], "v1beta1.custom.metrics.k8s.io");
    let finding = cause(&external, "(get queue.external.metrics.k8s.io)", "TFS307");
    assert_eq!(finding["objects"][0]["name"], "v1beta1.external.metrics.k8s.io");
}

#[test]
fn a_selector_of_a_metric_has_no_such_operator() {
    let _turn = alone();
    let [space] = namespaces(["operator"]);
    let mut metric = of_queue("queue", &average("10"));
    metric["external"]["metric"]["selector"] =
        json!({"matchExpressions": [{"key": "series", "operator": "Equals", "values": ["orders"]}]});
    deploy(&space, &json!([metric]));
    let finding = cause(&space, "is not a valid label selector operator", "TFS312");
    type_fix(&finding, 1);
    // Now the metric is asked for, and nobody serves it.
    cause(&space, "(get queue.external.metrics.k8s.io)", "TFS307");
    let adapter = adapter(&space, &[External]);
    adapter.answer(External, "queue", Answer::Value("20".to_owned()));
    recovered(&space);
}

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

#[test]
fn the_adapter_has_no_such_metric() {
    let _turn = alone();
    let [slip, kind, series, empty, fails, busy] =
        namespaces(["slip", "kind", "series", "empty", "fails", "busy"]);
    let adapter = adapter(&slip, &[Custom, External]);
    adapter.answer(Custom, "pods/http_requests", Answer::Value("10".to_owned()));
    adapter.answer(Custom, "services/requests", Answer::Value("10".to_owned()));
    adapter.answer(Custom, "pods/empty", Answer::Values(Vec::new()));
    adapter.answer(Custom, "pods/fails", Answer::Fails);
    adapter.answer(Custom, "pods/busy", Answer::Status(503));
    let one = vec![("orders".to_owned(), "20".to_owned())];
    adapter.answer(External, "lag", Answer::Values(one));

    deploy(&slip, &json!([of_pods("http_request", "10")]));
    let target = json!({"type": "Value", "value": "10"});
    deploy(&kind, &json!([of_object("Servise", "requests", &target)]));
    let mut other = of_queue("lag", &average("10"));
    other["external"]["metric"]["selector"] = json!({"matchLabels": {"series": "refunds"}});
    deploy(&series, &json!([other]));
    deploy(&empty, &json!([of_pods("empty", "10")]));
    deploy(&fails, &json!([of_pods("fails", "10")]));
    deploy(&busy, &json!([of_pods("busy", "10")]));

    for (namespace, words) in [
        (
            &slip,
            "the server could not find the metric http_request for pods",
        ),
        (&kind, "unable to map kind Servise"),
        (&series, "no metrics returned from external metrics API"),
    ] {
        let finding = cause(namespace, words, "TFS309");
        type_fix(&finding, 0);
        recovered(namespace);
    }
    for (namespace, metric, words) in [
        (
            &empty,
            "pods/empty",
            "no metrics returned from custom metrics API",
        ),
        (&fails, "pods/fails", "the adapter's source of metrics fails"),
        (
            &busy,
            "pods/busy",
            "the server is currently unable to handle the request",
        ),
    ] {
        let finding = cause(namespace, words, "TFS309");
        let title = finding["title"].as_str().unwrap_or_default();
        assert!(title.contains(metric.rsplit('/').next().unwrap()), "{finding:#}");
        type_fix_or_fail_as_the_adapter(&finding);
        adapter.answer(Custom, metric, Answer::Value("10".to_owned()));
        recovered(namespace);
    }
}

/// The first repair only looks: it shows the answer of the adapter, or its refusal.
#[track_caller]
fn type_fix_or_fail_as_the_adapter(finding: &Value) {
    let command = finding["fix"][0]["command"].as_str().unwrap_or_default();
    let path = command
        .strip_prefix("kubectl get --raw ")
        .unwrap_or_else(|| panic!("{finding:#}"));
    let ran = kubectl(&format!("get --raw {}", path.trim_matches('\'')));
    let seen = format!("{}{}", ran.stdout, ran.stderr);
    let words = [
        "MetricValueList",
        "the adapter's source of metrics fails",
        "unable to handle the request",
    ];
    assert!(
        words.iter().any(|words| seen.contains(words)),
        "{command}: {seen}"
    );
}

#[test]
fn the_adapter_does_not_answer() {
    let _turn = alone();
    let [custom, external] = namespaces(["custom-down", "external-down"]);
    let adapter = adapter(&custom, &[Custom, External]);
    adapter.answer(Custom, "pods/rps", Answer::Value("10".to_owned()));
    adapter.answer(External, "queue", Answer::Value("20".to_owned()));
    deploy(&custom, &json!([of_pods("rps", "10")]));
    deploy(&external, &json!([of_queue("queue", &average("10"))]));
    for namespace in [&custom, &external] {
        recovered(namespace);
    }
    for (reach, reason) in [
        (Reach::NoEndpoint, "MissingEndpoints"),
        (Reach::Refused, "FailedDiscoveryCheck"),
    ] {
        adapter.reach(reach).expect("the state");
        for (namespace, group, words) in [
            (&custom, Custom, &[UNABLE, STALE][..]),
            (&external, External, &[UNABLE]),
        ] {
            let finding = cause_of_either(namespace, words, "TFS308");
            let registered = format!("v1beta1.{}", group.name());
            assert_eq!(finding["objects"][0]["name"], registered, "{finding:#}");
            assert_eq!(finding["objects"][1]["name"], "prometheus-adapter", "{finding:#}");
            assert!(finding["evidence"].to_string().contains(reason), "{finding:#}");
            type_fix(&finding, 0);
        }
        if reach == Reach::Refused {
            cause(&custom, STALE, "TFS308");
        }
        adapter.reach(Reach::Ready).expect("the state");
        for namespace in [&custom, &external] {
            recovered(namespace);
        }
    }
}

#[test]
fn external_metrics_belong_to_another_adapter() {
    let _turn = alone();
    let [space] = namespaces(["robbed"]);
    kubectl("create namespace keda").expect_code(0);
    let of_keda = sandbox()
        .adapter("keda", "keda-operator-metrics-apiserver", &[])
        .expect("an adapter");
    of_keda.answer(External, "s0-queue", Answer::Value("20".to_owned()));
    let other = adapter(&space, &[External]);
    other.answer(External, "depth", Answer::Value("20".to_owned()));
    apply(&[
        keda::scaled_objects(),
        deployment(&space, "web", &json!({"app": "web"})),
    ]);
    let mut object = keda::kept(&space, &json!({}));
    object["spec"]["metrics"] = json!([of_queue("s0-queue", &average("10"))]);
    apply(&[object]);
    until("the controller is refused", || {
        let message = field(&space, "hpa/keda-hpa-web", MESSAGE);
        message
            .contains("could not find the metric s0-queue")
            .then_some(())
    });
    let finding = first(&space, "keda-hpa-web", "TFS311");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert_eq!(finding["objects"][0]["name"], "v1beta1.external.metrics.k8s.io");
    type_fix(&finding, 0);
    until("KEDA's metric has a value", || {
        (field(&space, "hpa/keda-hpa-web", ACTIVE) == "True").then_some(())
    });
    kubectl("delete namespace keda --wait=false").expect_code(0);
}

#[test]
fn nobody_serves_either_of_them() {
    let _turn = alone();
    let [both] = namespaces(["both"]);
    deploy(
        &both,
        &json!([of_pods("rps", "10"), of_queue("queue", &average("10"))]),
    );
    said(
        &both,
        &["no custom metrics API (custom.metrics.k8s.io) registered"],
    );
    let finding = first(&both, "web", "TFS307");
    // Ten requests do not reach to the second API: the controller's word stands for it.
    assert_eq!(finding["confidence"], "likely", "{finding:#}");
    let title = finding["title"].as_str().unwrap_or_default();
    assert!(
        title.contains("custom.metrics.k8s.io and external.metrics.k8s.io"),
        "{finding:#}"
    );
    assert_eq!(
        finding["objects"][1]["name"], "v1beta1.external.metrics.k8s.io",
        "{finding:#}"
    );
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

/// A finding of a code, wherever it stands.
fn finding(namespace: &str, code: &str) -> Value {
    until(&format!("{namespace} has {code}"), || {
        let answer = explain(namespace, "keda-hpa-web");
        let findings = answer["findings"].as_array()?;
        findings.iter().find(|finding| finding["code"] == code).cloned()
    })
}

/// What KEDA would write into the status of its object; it does not run here.
fn condition(namespace: &str, type_: &str, status: &str) {
    let conditions = json!([{"type": type_, "status": status, "reason": "ScaledObjectCheckFailed",
        "message": "the queue cannot be asked"}]);
    let patch = json!({"status": {"conditions": conditions}}).to_string();
    let words = [
        "patch",
        "scaledobject",
        "web",
        "-n",
        namespace,
        "--type=merge",
        "-p",
        &patch,
    ];
    sandbox()
        .run_kubectl(&words, None)
        .expect("the status is written");
}

#[test]
fn the_scaled_object_says_why() {
    let _turn = alone();
    let [unready, falling, paused] = namespaces(["keda-unready", "keda-falls-back", "keda-paused"]);
    let adapter = sandbox()
        .adapter(&unready, "keda-operator-metrics-apiserver", &[External])
        .expect("an adapter");
    adapter.answer(External, "s0-silent", Answer::Fails);
    adapter.answer(External, "s0-queue", Answer::Value("20".to_owned()));
    apply(&[keda::scaled_objects()]);
    for (namespace, metric, object) in [
        (&unready, "s0-silent", json!({})),
        (&falling, "s0-queue", json!({})),
        (
            &paused,
            "s0-queue",
            json!({"metadata": {"name": "web", "namespace": paused.to_string(),
                "annotations": {"autoscaling.keda.sh/paused-replicas": "1"}}}),
        ),
    ] {
        apply(&[deployment(namespace, "web", &json!({"app": "web"}))]);
        let mut hpa = keda::kept(namespace, &object);
        hpa["spec"]["metrics"] = json!([of_queue(metric, &average("10"))]);
        apply(&[hpa]);
    }
    condition(&unready, "Ready", "False");
    condition(&falling, "Fallback", "True");

    until("the controller is refused", || {
        let message = field(&unready, "hpa/keda-hpa-web", MESSAGE);
        message
            .contains("unable to fetch metrics from external metrics API")
            .then_some(())
    });
    let not_ready = first(&unready, "keda-hpa-web", "TFS704");
    assert_eq!(not_ready["severity"], "error", "{not_ready:#}");
    assert_eq!(not_ready["objects"][0]["name"], "web", "{not_ready:#}");
    type_fix(&not_ready, 0);
    adapter.answer(External, "s0-silent", Answer::Value("10".to_owned()));
    condition(&unready, "Ready", "True");

    for namespace in [&falling, &paused] {
        until("the HPA has a value", || {
            (field(namespace, "hpa/keda-hpa-web", ACTIVE) == "True").then_some(())
        });
    }
    type_fix(&finding(&falling, "TFS705"), 0);
    condition(&falling, "Fallback", "False");
    type_fix(&finding(&paused, "TFS706"), 0);
    assert_eq!(field(&paused, "scaledobject/web", "{.metadata.annotations}"), "");

    for (namespace, code) in [(&unready, "TFS704"), (&falling, "TFS705"), (&paused, "TFS706")] {
        until(&format!("{code} is gone"), || {
            let findings = explain(namespace, "keda-hpa-web")["findings"].to_string();
            let active = field(namespace, "hpa/keda-hpa-web", ACTIVE) == "True";
            (active && !findings.contains(code)).then_some(())
        });
    }
}
