//! Metrics that no kubelet measures: custom and external ones, with an adapter and without.

mod keda;
mod samples;
mod values;
mod wholes;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tfserve_sandbox::MetricsGroup::{Custom, External};
use tfserve_sandbox::{Adapter, Answer, Doubt, MetricsGroup, MetricsServer, Namespace, Reach, Release};

use crate::fixtures::{deployment, first, hpa};
use crate::support::{apply, explain, field, kubectl, sandbox, since, type_fix, until, with_metrics_server};

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
    let _metrics_server = with_metrics_server(MetricsServer::Ready);
    let _turn = alone();
    let [custom, external] = namespaces(["custom", "external"]);
    deploy(&custom, &json!([of_pods("rps", "10")]));
    deploy(&external, &json!([of_queue("queue", &average("10"))]));
    let words = "no custom metrics API (custom.metrics.k8s.io) registered";
    let finding = cause(&custom, words, "TFS307");
    assert_eq!(finding["objects"][0]["name"], "v1beta1.custom.metrics.k8s.io");
    // The first repair is advice; the other one does without an adapter.
    type_fix(&finding, 1);
    let finding = cause(&external, "(get queue.external.metrics.k8s.io)", "TFS307");
    assert_eq!(finding["objects"][0]["name"], "v1beta1.external.metrics.k8s.io");
    type_fix(&finding, 1);
    for namespace in [&custom, &external] {
        recovered(namespace);
    }
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

#[test]
fn the_adapter_has_no_such_metric() {
    let _turn = alone();
    let [slip, kind, series, empty, fails, busy, ratio] =
        namespaces(["slip", "kind", "series", "empty", "fails", "busy", "ratio"]);
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

    adapter.answer(External, "depth", Answer::Value("NaN".to_owned()));
    deploy(&ratio, &json!([of_queue("depth", &average("10"))]));
    let finding = cause(&ratio, "quantities must match the regular expression", "TFS309");
    let title = finding["title"].as_str().unwrap_or_default();
    assert!(title.contains("answers `NaN` for"), "{finding:#}");
    adapter.answer(External, "depth", Answer::Value("20".to_owned()));
    recovered(&ratio);

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

/// What sleeps at zero is woken by its metric alone: while that fails, a person wakes it.
#[test]
fn the_metric_of_a_target_that_sleeps_fails() {
    if !since(Release::V1_37, "an HPA scales to zero by default") {
        return;
    }
    let _turn = alone();
    let [space] = namespaces(["asleep"]);
    let adapter = adapter(&space, &[External]);
    adapter.answer(External, "asleep", Answer::Value("0".to_owned()));
    deploy(&space, &json!([of_queue("asleep", &average("10"))]));
    let patch = r#"{"spec":{"minReplicas":0,"behavior":{"scaleDown":{"stabilizationWindowSeconds":0}}}}"#;
    kubectl(&format!(
        "patch hpa web -n {} --type=merge -p {patch}",
        space.name()
    ))
    .expect_code(0);
    until("it sleeps", || {
        (field(&space, "deployment/web", "{.spec.replicas}") == "0").then_some(())
    });
    let quiet = explain(&space, "web");
    assert_eq!(quiet["verdict"], "healthy", "{quiet:#}");
    adapter.answer(External, "asleep", Answer::Fails);
    let finding = cause(&space, "the adapter's source of metrics fails", "TFS309");
    type_fix(&finding, 1);
    until("it is awake, and the HPA leaves it so", || {
        let ready = field(&space, "deployment/web", "{.status.readyReplicas}");
        (ready == "1").then_some(())
    });
}

/// One series is near enough to be meant, under the label or with the name that the selector has wrong; where none is, what
/// there is is told.
#[test]
fn a_selector_with_a_slip() {
    let _turn = alone();
    let [value, name, other] = namespaces(["slip-value", "slip-name", "no-slip"]);
    let adapter = adapter(&value, &[External]);
    let series = [("orders", "20"), ("refunds", "4")];
    let series = series.map(|(name, value)| (name.to_owned(), value.to_owned()));
    adapter.answer(External, "lag", Answer::Values(series.to_vec()));
    for (namespace, label, wanted) in [
        (&value, "series", "order"),
        (&name, "serie", "orders"),
        (&other, "series", "payments"),
    ] {
        let mut metric = of_queue("lag", &average("10"));
        metric["external"]["metric"]["selector"] = json!({"matchLabels": {label: wanted}});
        deploy(namespace, &json!([metric]));
    }
    let words = "no metrics returned from external metrics API";
    for namespace in [&value, &name] {
        let finding = cause(namespace, words, "TFS309");
        let proof = finding["evidence"].to_string();
        assert!(proof.contains("series=orders"), "{finding:#}");
        type_fix(&finding, 0);
        recovered(namespace);
        let selector = "{.spec.metrics[0].external.metric.selector.matchLabels}";
        assert_eq!(field(namespace, "hpa/web", selector), r#"{"series":"orders"}"#);
    }
    let finding = cause(&other, words, "TFS309");
    let proof = finding["evidence"].to_string();
    assert!(proof.contains("series=orders and series=refunds"), "{finding:#}");
    let look = finding["fix"][0]["command"].as_str().unwrap_or_default();
    assert!(look.ends_with(&format!("/namespaces/{other}/lag")), "{finding:#}");
    type_fix(&finding, 0);
    type_fix(&finding, 1);
    recovered(&other);
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

/// Where nothing is ready behind the adapter's Service, its pods say why.
#[test]
fn the_pods_of_the_adapter_are_not_ready() {
    let _turn = alone();
    let [space] = namespaces(["adapter-pods"]);
    let adapter = adapter(&space, &[Custom, External]);
    adapter.answer(External, "queue", Answer::Value("20".to_owned()));
    deploy(&space, &json!([of_queue("queue", &average("10"))]));
    recovered(&space);
    let mut pods = deployment(&space, "prometheus-adapter", &json!({"app": "adapter"}));
    pods["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("4k");
    apply(&[pods.clone()]);
    adapter.reach(Reach::NoEndpoint).expect("the state");
    let selector = r#"{"spec":{"selector":{"app":"adapter"}}}"#;
    kubectl(&format!(
        "patch service prometheus-adapter -n {space} --type=merge -p {selector}"
    ))
    .expect_code(0);
    let why = |words: &str| {
        until(&format!("the reason is {words}"), || {
            let finding = explain(&space, "web")["findings"][0].clone();
            let why = finding["cause"].as_str().unwrap_or_default();
            (finding["code"] == "TFS308" && why.contains(words)).then_some(finding)
        })
    };
    let finding = why("prometheus-adapter is Pending, no node has room");
    type_fix(&finding, 0);

    pods["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("100m");
    pods["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
    apply(&[pods]);
    let pod = until("its one pod is ready", || {
        let pods = sandbox().pod_names(&space, "app=adapter").ok()?;
        let [pod] = pods.as_slice() else {
            return None;
        };
        let ready = field(
            &space,
            &format!("pod/{pod}"),
            "{.status.conditions[?(@.type=='Ready')].status}",
        );
        (ready == "True").then(|| pod.clone())
    });
    for (reason, words) in [
        (
            "CrashLoopBackOff",
            "prometheus-adapter does not stay up (CrashLoopBackOff)",
        ),
        (
            "ImagePullBackOff",
            "the image of prometheus-adapter cannot be pulled",
        ),
    ] {
        sandbox()
            .set_waiting(&space, &pod, reason, "back-off 40s")
            .expect("the pod waits");
        let finding = why(words);
        assert!(finding["evidence"].to_string().contains(&pod), "{finding:#}");
        type_fix(&finding, 0);
    }
    kubectl(&format!(
        "scale deployment prometheus-adapter -n {space} --replicas=0"
    ))
    .expect_code(0);
    let finding = why("prometheus-adapter is scaled to 0");
    type_fix(&finding, 0);
}

/// What the API server does not trust in a certificate is told, and how it becomes trusted.
#[test]
fn the_certificate_of_the_adapter_is_not_trusted() {
    let _turn = alone();
    let [custom, external] = namespaces(["custom-untrusted", "external-untrusted"]);
    let adapter = adapter(&custom, &[Custom, External]);
    adapter.answer(Custom, "pods/rps", Answer::Value("10".to_owned()));
    adapter.answer(External, "queue", Answer::Value("20".to_owned()));
    deploy(&custom, &json!([of_pods("rps", "10")]));
    deploy(&external, &json!([of_queue("queue", &average("10"))]));
    for (doubt, words) in [
        (Doubt::Authority, "is not that of the authority that signed it"),
        (
            Doubt::Name,
            "it is made for localhost and adapter, and prometheus-adapter.",
        ),
        (Doubt::Expired, "it expired on 2021-01-01"),
    ] {
        for namespace in [&custom, &external] {
            recovered(namespace);
        }
        adapter.reach(Reach::Untrusted(doubt)).expect("the state");
        for (namespace, said) in [(&custom, &[UNABLE, STALE][..]), (&external, &[UNABLE])] {
            let finding = cause_of_either(namespace, said, "TFS308");
            let title = finding["title"].as_str().unwrap_or_default();
            assert!(
                title.starts_with("The API server does not trust the certificate"),
                "{finding:#}"
            );
            let why = finding["cause"].as_str().unwrap_or_default();
            assert!(why.contains(words), "{finding:#}");
            type_fix(&finding, 1);
            type_fix(&finding, 0);
            recovered(namespace);
        }
        adapter.reach(Reach::Ready).expect("the state");
    }
}

/// Two adapters serve two versions of a group: the controller asks the newer one, whose adapter lacks the metric.
#[test]
fn two_versions_of_two_adapters() {
    let _turn = alone();
    let [space, cost] = namespaces(["two-versions", "cost"]);
    let other = sandbox()
        .adapter(cost.name(), "cost-adapter", &[Custom])
        .expect("the other adapter");
    other.answer(Custom, "pods/cost", Answer::Value("1".to_owned()));
    let adapter = adapter(&space, &[Custom]);
    adapter.answer(Custom, "pods/rps", Answer::Value("10".to_owned()));
    let patch = format!(
        r#"{{"spec":{{"service":{{"name":"cost-adapter","namespace":"{}"}}}}}}"#,
        cost.name()
    );
    kubectl(&format!(
        "patch apiservice v1beta2.custom.metrics.k8s.io --type=merge -p {patch}"
    ))
    .expect_code(0);
    deploy(&space, &json!([of_pods("rps", "10")]));
    let finding = cause(&space, "could not find the metric rps", "TFS311");
    assert_eq!(
        finding["objects"][0]["name"], "v1beta2.custom.metrics.k8s.io",
        "{finding:#}"
    );
    type_fix(&finding, 0);
    recovered(&space);
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
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
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
