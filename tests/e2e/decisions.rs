//! What the controller decides of usage alone, and requests and resources that give it nothing to decide by.

use std::time::Duration;

use kubectl_tfserve::facts::Quantity;
use serde_json::{Value, json};
use tfserve_sandbox::{MetricsServer, Namespace};

use crate::fixtures::{deployment, first, hpa, says};
use crate::support::{
    apply, explain, field, kubectl, running, samples_count, sandbox, type_fix, until, with_metrics_server,
};

const LIMITED: &str = "{.status.conditions[?(@.type=='ScalingLimited')].reason}";

/// A Deployment called web, whose pods use as much cpu of a request of 100m.
fn deploy(namespace: &str, replicas: usize, usage: &str) {
    let mut web = deployment(namespace, "web", &json!({"app": "web"}));
    web["spec"]["replicas"] = json!(replicas);
    web["spec"]["template"]["metadata"]["annotations"] = json!({tfserve_sandbox::CPU_ANNOTATION: usage});
    apply(&[web]);
}

/// Its HPA at 60 % with a minimum, once the usage of all pods counts: by some of them it would decide otherwise.
fn scale(namespace: &str, replicas: usize, min: usize) {
    samples_count(namespace, "app=web", replicas);
    let mut object = hpa(namespace, "web");
    object["spec"]["minReplicas"] = json!(min);
    // Else the number at the start would be kept for five minutes, whatever usage wants.
    object["spec"]["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    apply(&[object]);
}

fn codes(answer: &Value) -> Vec<&str> {
    answer["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|finding| finding["code"].as_str())
        .collect()
}

/// The controller decides so, and the explanation is quiet and knows why.
#[track_caller]
fn decided(namespace: &str, limited: &str, code: &str) {
    until(&format!("{namespace} is {limited}, which is {code}"), || {
        let answer = explain(namespace, "web");
        let said = field(namespace, "hpa/web", LIMITED) == limited;
        (said && codes(&answer).contains(&code) && answer["verdict"] == "healthy").then_some(())
    });
}

#[test]
fn usage_alone_decides() {
    let spaces =
        ["minimum", "tolerance", "rounded"].map(|name| sandbox().namespace(name).expect("a namespace"));
    let [minimum, tolerance, rounded] = spaces.each_ref().map(Namespace::name);
    let _turn = with_metrics_server(MetricsServer::Ready);
    deploy(minimum, 2, "5m");
    deploy(tolerance, 2, "63m");
    // 3 × 45 / 60 is 2.25.
    deploy(rounded, 3, "45m");
    scale(minimum, 2, 2);
    scale(tolerance, 2, 1);
    scale(rounded, 3, 1);
    decided(minimum, "TooFewReplicas", "TFS601");
    decided(tolerance, "DesiredWithinRange", "TFS603");
    decided(rounded, "DesiredWithinRange", "TFS614");
    for (namespace, replicas) in [(minimum, "2"), (tolerance, "2"), (rounded, "3")] {
        assert_eq!(
            field(namespace, "deployment/web", "{.spec.replicas}"),
            replicas,
            "{namespace}"
        );
    }
}

/// Connections that stay with the pod that they were opened to: the average is far below the target.
#[test]
fn one_pod_does_the_work() {
    let space = sandbox().namespace("unshared").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    deploy(namespace, 3, "20m");
    let pods = running(namespace, "web", 3);
    kubectl(&format!(
        "annotate pod {} -n {namespace} --overwrite {}=100m",
        pods[0],
        tfserve_sandbox::CPU_ANNOTATION
    ))
    .expect_code(0);
    // By what it used before, the HPA would scale down.
    until("its usage is measured", || {
        let path = format!(
            "/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{}",
            pods[0]
        );
        let sample: Value = serde_json::from_str(&kubectl(&format!("get --raw {path}")).stdout).ok()?;
        let used = Quantity(sample["containers"][0]["usage"]["cpu"].as_str()?.to_owned());
        (used.milli_value().ok()? >= 95).then_some(())
    });
    sandbox()
        .set_age(namespace, "app=web", Duration::from_secs(600))
        .expect("they are old");
    scale(namespace, 3, 1);
    says(namespace, "web", "ValidMetricFound");
    until("the controller has nothing to change", || {
        let able = "{.status.conditions[?(@.type=='AbleToScale')].message}";
        (field(namespace, "hpa/web", able) == "recommended size matches current size").then_some(())
    });
    let finding = first(namespace, "web", "TFS712");
    assert_eq!(finding["severity"], "warning", "{finding:#}");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert_eq!(
        finding["objects"][0]["name"],
        Value::from(pods[0].as_str()),
        "{finding:#}"
    );
    assert_eq!(field(namespace, "deployment/web", "{.spec.replicas}"), "3");
    // The first repair is advice: requests are balanced, not connections.
    type_fix(&finding, 1);
    sandbox()
        .set_cpu(namespace, "app=web", "47m")
        .expect("pods take usage");
    until("the load is shared, and the HPA healthy", || {
        let answer = explain(namespace, "web");
        (answer["verdict"] == "healthy" && !codes(&answer).contains(&"TFS712")).then_some(())
    });
}

#[test]
fn nothing_to_decide_by() {
    let spaces = ["zero", "unmeasured"].map(|name| sandbox().namespace(name).expect("a namespace"));
    let [zero, unmeasured] = spaces.each_ref().map(Namespace::name);
    let _turn = with_metrics_server(MetricsServer::Ready);
    let mut web = deployment(zero, "web", &json!({"app": "web"}));
    web["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("0");
    apply(&[web, hpa(zero, "web")]);
    let web = deployment(unmeasured, "web", &json!({"app": "web"}));
    let mut object = hpa(unmeasured, "web");
    object["spec"]["metrics"][0]["resource"] = json!({"name": "ephemeral-storage",
        "target": {"type": "AverageValue", "averageValue": "1Gi"}});
    apply(&[web, object]);
    for (namespace, code) in [(zero, "TFS405"), (unmeasured, "TFS305")] {
        says(namespace, "web", "FailedGetResourceMetric");
        let finding = first(namespace, "web", code);
        assert_eq!(finding["confidence"], "proven", "{finding:#}");
        assert_eq!(finding["severity"], "error", "{finding:#}");
        type_fix(&finding, 0);
        says(namespace, "web", "ValidMetricFound");
    }
}

/// Load that comes and goes, until the HPA has followed it.
#[track_caller]
fn load(namespace: &str, usage: &str, replicas: &str) {
    until(&format!("{namespace} has {replicas} replicas at {usage}"), || {
        sandbox()
            .set_cpu(namespace, "app=web", usage)
            .expect("pods take usage");
        (field(namespace, "deployment/web", "{.spec.replicas}") == replicas).then_some(())
    });
}

#[test]
fn replicas_flap_where_no_window_keeps_them() {
    let spaces = ["flaps", "neighbours", "keeps"].map(|name| sandbox().namespace(name).expect("a namespace"));
    let [flaps, neighbours, keeps] = spaces.each_ref().map(Namespace::name);
    let _turn = with_metrics_server(MetricsServer::Ready);
    for namespace in [flaps, neighbours, keeps] {
        deploy(namespace, 1, "5m");
    }
    for namespace in [flaps, neighbours, keeps] {
        scale(namespace, 1, 1);
    }
    let of_web = |namespace: &str, patch: &str| {
        kubectl(&format!("patch hpa web -n {namespace} --type=merge -p {patch}")).expect_code(0);
    };
    of_web(neighbours, r#"{"spec":{"maxReplicas":2}}"#);
    of_web(keeps, r#"{"spec":{"behavior":null}}"#);
    for turn in 0..3 {
        for (namespace, peak) in [(flaps, "4"), (neighbours, "2"), (keeps, "4")] {
            load(namespace, "200m", peak);
        }
        for namespace in [flaps, neighbours] {
            if turn == 0 {
                let answer = explain(namespace, "web");
                assert!(!codes(&answer).contains(&"TFS615"), "once up is load: {answer:#}");
            }
            load(namespace, "5m", "1");
        }
        // The default window keeps what the same load asked for.
        sandbox()
            .set_cpu(keeps, "app=web", "5m")
            .expect("pods take usage");
    }
    let finding = first(flaps, "web", "TFS615");
    assert_eq!(finding["confidence"], "proven", "{finding:#}");
    assert_eq!(finding["severity"], "warning", "{finding:#}");
    let title = finding["title"].as_str().unwrap_or_default();
    assert!(title.contains("between 1 and 4 replicas"), "{finding:#}");
    let proof = finding["evidence"].to_string();
    assert!(
        proof.contains("to 4, 3 times") && proof.contains("to 1, 3 times"),
        "{proof}"
    );
    let beside = first(neighbours, "web", "TFS615");
    assert_eq!(beside["fix"].as_array().map(Vec::len), Some(2), "{beside:#}");
    type_fix(&finding, 0);
    type_fix(&beside, 1);
    load(flaps, "200m", "4");
    sandbox()
        .set_cpu(flaps, "app=web", "5m")
        .expect("pods take usage");
    for namespace in [flaps, keeps] {
        until(&format!("the window keeps the replicas of {namespace}"), || {
            let kept = field(
                namespace,
                "hpa/web",
                "{.status.conditions[?(@.type=='AbleToScale')].reason}",
            );
            let answer = explain(namespace, "web");
            let quiet = answer["verdict"] == "waiting" && !codes(&answer).contains(&"TFS615");
            (kept == "ScaleDownStabilized" && quiet).then_some(())
        });
        assert_eq!(field(namespace, "deployment/web", "{.spec.replicas}"), "4");
    }
    until("two are kept", || {
        let answer = explain(neighbours, "web");
        let kept = field(neighbours, "deployment/web", "{.spec.replicas}") == "2";
        (kept && answer["verdict"] == "healthy").then_some(())
    });
}

/// Memory that a pod takes whatever it does: the request that is printed lets the idle pods go.
#[test]
fn memory_of_idle_pods_holds_no_replicas_once_it_is_requested() {
    let space = sandbox().namespace("footprint").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let mut web = deployment(namespace, "web", &json!({"app": "web"}));
    web["spec"]["replicas"] = json!(3);
    let template = &mut web["spec"]["template"];
    template["metadata"]["annotations"] = json!({tfserve_sandbox::CPU_ANNOTATION: "2m",
        tfserve_sandbox::MEMORY_ANNOTATION: "60Mi"});
    template["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "100m", "memory": "100Mi"}});
    apply(&[web]);
    samples_count(namespace, "app=web", 3);
    let mut object = hpa(namespace, "web");
    object["spec"]["maxReplicas"] = json!(3);
    object["spec"]["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    object["spec"]["metrics"] = json!([{"type": "Resource", "resource":
        {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 50}}}]);
    apply(&[object]);
    let finding = first(namespace, "web", "TFS619");
    assert_eq!(finding["severity"], "warning", "{finding:#}");
    assert!(
        finding["consequences"].to_string().contains("TFS602"),
        "{finding:#}"
    );
    type_fix(&finding, 1);
    until("the idle pods are gone", || {
        (field(namespace, "deployment/web", "{.spec.replicas}") == "1").then_some(())
    });
}
