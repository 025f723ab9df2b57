//! Targets that cannot be scaled, limits that hold an HPA back, and somebody else who is in its way.

use serde_json::{Value, json};
use tfserve_sandbox::MetricsServer;

use crate::support::{apply, code, explain, field, kubectl, sandbox, type_fix, until, with_metrics_server};

const WEB: &str = "hpa/web";
const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')].reason}";
const ABLE: &str = "{.status.conditions[?(@.type=='AbleToScale')].reason}";

/// A workload called web, whose pods use as much cpu as given, of a request of 100m.
fn workload(namespace: &str, kind: &str, usage: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}, "annotations": {tfserve_sandbox::CPU_ANNOTATION: usage}},
            "spec": {"containers": [{"name": "app", "image": "example/app:1",
                "resources": {"requests": {"cpu": "100m"}}}]}}}})
}

fn hpa(namespace: &str, kind: &str, spec: &Value) -> Value {
    let mut object = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": "web"},
            "minReplicas": 1, "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource":
                {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}});
    for (key, value) in spec.as_object().into_iter().flatten() {
        object["spec"][key] = value.clone();
    }
    object
}

/// Waits until an explanation has the code first.
#[track_caller]
fn first(namespace: &str, wanted: &str) -> Value {
    until(&format!("{wanted} comes first in {namespace}"), || {
        let answer = explain(namespace, "web");
        (code(&answer) == wanted).then_some(answer)
    })
}

/// Waits for the real symptom.
#[track_caller]
fn symptom(namespace: &str, jsonpath: &str, wanted: &str) {
    until(&format!("{namespace} says {wanted}"), || {
        (field(namespace, WEB, jsonpath) == wanted).then_some(())
    });
}

fn policy(namespace: &str, name: &str) -> [Value; 2] {
    let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
        "resources": ["deployments/scale"]});
    [
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name}, "spec": {"matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "object.spec.replicas <= 1", "message": "frozen until Monday"}]}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector":
                {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}}}),
    ]
}

#[test]
fn who_and_what_holds_an_hpa_back() {
    let spaces: Vec<_> = ["refused", "lower", "paused", "cap", "quota", "job", "down"]
        .into_iter()
        .map(|name| sandbox().namespace(name).expect("a namespace"))
        .collect();
    let [refused, lower, paused, cap, quota, job, down] =
        [0, 1, 2, 3, 4, 5, 6].map(|index: usize| spaces[index].name());
    let _turn = with_metrics_server(MetricsServer::Ready);

    let frozen = format!("{refused}.example.com");
    apply(&policy(refused, &frozen));
    apply(&[
        workload(refused, "Deployment", "200m"),
        hpa(refused, "Deployment", &json!({})),
    ]);
    apply(&[
        workload(lower, "Deployment", "30m"),
        hpa(lower, "deployment", &json!({})),
    ]);
    let mut object = workload(paused, "Deployment", "30m");
    object["spec"]["paused"] = json!(true);
    apply(&[object, hpa(paused, "Deployment", &json!({}))]);
    let mut object = workload(cap, "Deployment", "100m");
    object["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] = json!({"cpu": "100m"});
    apply(&[
        object,
        hpa(
            cap,
            "Deployment",
            &json!({"metrics": [{"type": "Resource", "resource":
        {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 120}}}]}),
        ),
    ]);
    apply(&[
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "two", "namespace": quota},
            "spec": {"hard": {"pods": "2"}}}),
        workload(quota, "StatefulSet", "200m"),
        hpa(quota, "StatefulSet", &json!({})),
    ]);
    apply(&[
        workload(job, "Deployment", "100m"),
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "import", "namespace": job},
            "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": {"restartPolicy": "Never",
                "containers": [{"name": "a", "image": "example/a:1", "resources": {"requests": {"cpu": "1"}}}]}}}}),
    ]);
    until("the pod of the Job has finished", || {
        let phases = field(job, "pods -l job-name=import", "{.items[*].status.phase}");
        (phases == "Succeeded").then_some(())
    });
    apply(&[hpa(job, "Deployment", &json!({}))]);
    let mut object = workload(down, "Deployment", "1m");
    object["spec"]["replicas"] = json!(3);
    apply(&[
        object,
        hpa(
            down,
            "Deployment",
            &json!({"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}),
        ),
    ]);

    refused_scale(refused, &frozen);
    kind_in_lower_case(lower);
    paused_before_its_first_pod(paused);
    out_of_reach(cap);
    quota_of_a_stateful_set(quota);
    finished_job(job);
    never_down(down);
}

fn refused_scale(namespace: &str, frozen: &str) {
    symptom(namespace, ABLE, "FailedUpdateScale");
    let answer = first(namespace, "TFS104");
    assert_eq!(answer["verdict"], "broken", "{answer:#}");
    assert_eq!(answer["findings"][0]["objects"][0]["name"], frozen, "{answer:#}");
    type_fix(&answer["findings"][0], 0);
    until("the HPA scales", || {
        (field(namespace, "deployment/web", "{.spec.replicas}") == "4").then_some(())
    });
    kubectl(&format!("delete validatingadmissionpolicybinding {frozen}")).expect_code(0);
}

fn kind_in_lower_case(namespace: &str) {
    symptom(namespace, ACTIVE, "ValidMetricFound");
    let answer = explain(namespace, "web");
    assert_eq!(answer["verdict"], "healthy", "{answer:#}");
}

fn paused_before_its_first_pod(namespace: &str) {
    symptom(namespace, ACTIVE, "FailedGetResourceMetric");
    let answer = first(namespace, "TFS106");
    let fix = answer["findings"][0]["fix"][0]["command"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(
        fix,
        format!("kubectl rollout resume deployment web -n {namespace}")
    );
    kubectl(fix.trim_start_matches("kubectl ")).expect_code(0);
    symptom(namespace, ACTIVE, "ValidMetricFound");
}

fn out_of_reach(namespace: &str) {
    symptom(namespace, ACTIVE, "ValidMetricFound");
    let answer = first(namespace, "TFS610");
    let fix = answer["findings"][0]["fix"][0]["command"]
        .as_str()
        .unwrap_or_default();
    kubectl(&fix.trim_start_matches("kubectl ").replace('\'', "")).expect_code(0);
    until("the HPA scales up", || {
        (field(namespace, "deployment/web", "{.spec.replicas}") != "1").then_some(())
    });
}

/// A `StatefulSet` tells only in an event what the API server said.
#[track_caller]
fn refused_creation(namespace: &str, words: &str) {
    until(&format!("an event says {words}"), || {
        field(
            namespace,
            "events",
            "{.items[?(@.reason=='FailedCreate')].message}",
        )
        .contains(words)
        .then_some(())
    });
}

fn quota_of_a_stateful_set(namespace: &str) {
    until("the HPA asks for more than the quota allows", || {
        (field(namespace, "statefulset/web", "{.spec.replicas}") == "4").then_some(())
    });
    refused_creation(namespace, "exceeded quota: two");
    let answer = first(namespace, "TFS702");
    let objects = answer["findings"][0]["objects"].to_string();
    assert!(objects.contains("\"two\""), "the quota is named: {objects}");
    type_fix(&answer["findings"][0], 0);
    assert_eq!(
        field(namespace, "resourcequota/two", "{.spec.hard.pods}"),
        "4",
        "two more than there are"
    );
    until("the pods are there", || {
        (field(namespace, "statefulset/web", "{.status.readyReplicas}") == "4").then_some(())
    });
}

fn finished_job(namespace: &str) {
    symptom(namespace, ACTIVE, "ValidMetricFound");
    assert_eq!(
        field(namespace, "deployment/web", "{.spec.replicas}"),
        "1",
        "the Job's pod damps the scale-up"
    );
    let answer = first(namespace, "TFS701");
    assert_eq!(answer["findings"][0]["objects"][0]["kind"], "Pod", "{answer:#}");
    type_fix(&answer["findings"][0], 0);
    until("the HPA scales up", || {
        (field(namespace, "deployment/web", "{.spec.replicas}") != "1").then_some(())
    });
}

fn never_down(namespace: &str) {
    symptom(namespace, ACTIVE, "ValidMetricFound");
    let answer = first(namespace, "TFS606");
    assert_eq!(answer["verdict"], "limited", "{answer:#}");
    assert_eq!(answer["findings"][0]["severity"], "info", "{answer:#}");
    type_fix(&answer["findings"][0], 0);
    until("it may scale down again", || {
        let select = "{.spec.behavior.scaleDown.selectPolicy}";
        (field(namespace, "hpa/web", select) == "Max").then_some(())
    });
}
