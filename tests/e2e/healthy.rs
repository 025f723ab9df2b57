//! HPAs that need nothing: many shapes in one namespace, all of them really healthy, and not one warning.

use serde_json::{Value, json};
use tfserve_sandbox::MetricsServer;

use crate::support::{apply, field, kubectl, sandbox, until, with_metrics_server};
use crate::workloads::{container, cpu, deployment, hpa, requested, usage};

#[test]
fn no_healthy_hpa_is_warned_of() {
    let space = sandbox().namespace("quiet").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    apply(&healthy(namespace));
    nothing_to_warn_of(namespace);
}

/// A change of a workload and its HPA that leaves the HPA healthy.
type Change = fn(&mut Value, &mut Value);

const HEALTHY: &[(&str, Change)] = &[
    ("idle", |_, _| {}),
    ("at-target", |it, _| usage(it, "58m", 2)),
    ("at-maximum", |it, _| usage(it, "58m", 4)),
    ("in-tolerance", |it, _| usage(it, "65m", 2)),
    ("rounded", |it, _| usage(it, "40m", 2)),
    ("one-replica", |it, hpa| {
        usage(it, "50m", 1);
        hpa["spec"]["maxReplicas"] = json!(1);
    }),
    ("fixed", |it, hpa| {
        usage(it, "2m", 3);
        hpa["spec"]["minReplicas"] = json!(3);
        hpa["spec"]["maxReplicas"] = json!(3);
    }),
    ("limits", |it, _| {
        *first(it) = container("app", &json!({"limits": {"cpu": "100m"}}));
    }),
    ("pod-level", |it, _| {
        *first(it) = container("app", &json!({}));
        pod(it)["resources"] = json!({"requests": {"cpu": "100m"}});
    }),
    ("native-sidecar", |it, _| {
        pod(it)["initContainers"] = json!([{"name": "proxy", "image": "example/proxy:1", "restartPolicy": "Always",
            "resources": {"requests": {"cpu": "50m"}}}]);
    }),
    ("init-container", |it, _| {
        pod(it)["initContainers"] = json!([{"name": "migrate", "image": "example/migrate:1"}]);
    }),
    ("two-containers", |it, _| add(it, "50m")),
    ("big-sidecar", |it, _| {
        usage(it, "1m", 1);
        add(it, "300m");
    }),
    ("container-metric", |it, hpa| {
        pod(it)["containers"] = json!([requested(), container("log", &json!({}))]);
        hpa["spec"]["metrics"] = json!([{"type": "ContainerResource", "containerResource": {"name": "cpu",
            "container": "app", "target": {"type": "Utilization", "averageUtilization": 60}}}]);
    }),
    ("average-value", |it, hpa| {
        *first(it) = container("app", &json!({}));
        value(hpa, "cpu", "50m");
    }),
    ("cores", |it, hpa| {
        *first(it) = container(
            "app",
            &json!({"requests": {"cpu": "500m"}, "limits": {"cpu": "4"}}),
        );
        value(hpa, "cpu", "2");
    }),
    ("memory", |_, hpa| {
        hpa["spec"]["metrics"][0]["resource"]["name"] = json!("memory");
    }),
    ("memory-value", |_, hpa| value(hpa, "memory", "1Gi")),
    ("two-metrics", |it, hpa| {
        usage(it, "55m", 2);
        hpa["spec"]["metrics"] = json!([cpu(60)[0], {"type": "Resource", "resource": {"name": "memory",
            "target": {"type": "Utilization", "averageUtilization": 80}}}]);
    }),
    ("above-request", |it, hpa| {
        usage(it, "100m", 1);
        first(it)["resources"]["limits"] = json!({"cpu": "200m"});
        hpa["spec"]["metrics"] = cpu(150);
    }),
    ("never-down", |it, hpa| {
        usage(it, "1m", 1);
        hpa["spec"]["behavior"] = json!({"scaleDown": {"selectPolicy": "Disabled"}});
    }),
    ("never-up", |it, hpa| {
        usage(it, "55m", 2);
        hpa["spec"]["behavior"] = json!({"scaleUp": {"selectPolicy": "Disabled"}});
    }),
    ("slow", |it, hpa| {
        usage(it, "58m", 2);
        hpa["spec"]["behavior"] = json!({"scaleUp": {"stabilizationWindowSeconds": 120,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}});
    }),
    ("tolerant", |it, hpa| {
        usage(it, "75m", 2);
        hpa["spec"]["behavior"] = json!({"scaleUp": {"tolerance": "300m"}});
    }),
    ("step-by-step", |it, hpa| {
        usage(it, "20m", 3);
        hpa["spec"]["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": 0,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]}});
    }),
    ("ordered", |it, hpa| {
        usage(it, "55m", 2);
        kind(it, hpa, "StatefulSet");
    }),
    ("parallel", |it, hpa| {
        usage(it, "55m", 2);
        kind(it, hpa, "StatefulSet");
        it["spec"]["podManagementPolicy"] = json!("Parallel");
    }),
    ("replica-set", |it, hpa| kind(it, hpa, "ReplicaSet")),
    ("old-version", |_, hpa| {
        hpa["spec"]["scaleTargetRef"]["apiVersion"] = json!("apps/v1beta1");
    }),
    ("scaling-up", |it, hpa| {
        usage(it, "90m", 1);
        hpa["spec"]["maxReplicas"] = json!(40);
    }),
];

fn pod(workload: &mut Value) -> &mut Value {
    &mut workload["spec"]["template"]["spec"]
}

fn first(workload: &mut Value) -> &mut Value {
    &mut pod(workload)["containers"][0]
}

/// A second container with this request.
fn add(workload: &mut Value, cpu: &str) {
    let beside = container("beside", &json!({"requests": {"cpu": cpu}}));
    pod(workload)["containers"] = json!([requested(), beside]);
}

fn value(hpa: &mut Value, resource: &str, value: &str) {
    hpa["spec"]["metrics"] = json!([{"type": "Resource", "resource":
        {"name": resource, "target": {"type": "AverageValue", "averageValue": value}}}]);
}

fn kind(workload: &mut Value, hpa: &mut Value, kind: &str) {
    workload["kind"] = json!(kind);
    hpa["spec"]["scaleTargetRef"]["kind"] = json!(kind);
}

fn healthy(namespace: &str) -> Vec<Value> {
    let mut objects = Vec::new();
    for (name, change) in HEALTHY {
        let mut workload = deployment(namespace, name, &[requested()]);
        let mut hpa = hpa(namespace, "Deployment", name, &cpu(60));
        change(&mut workload, &mut hpa);
        objects.extend([workload, hpa]);
    }
    let labels = json!({"app": "finished"});
    objects.push(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "finished", "namespace": namespace},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never",
            "containers": [container("load", &json!({}))]}}}}));
    objects
}

/// Every HPA computes, and none is warned of.
fn nothing_to_warn_of(namespace: &str) {
    until("every healthy HPA has a valid metric", || {
        let reasons = "{.items[*].status.conditions[?(@.type=='ScalingActive')].reason}";
        let said = field(namespace, "hpa", reasons);
        let valid = said
            .split_whitespace()
            .filter(|reason| *reason == "ValidMetricFound")
            .count();
        (valid == HEALTHY.len()).then_some(())
    });
    let answer = kubectl(&format!("tfserve explain-hpa -n {namespace} -o json"))
        .expect_code(0)
        .json();
    let items = answer["items"].as_array().expect("a list");
    assert_eq!(items.len(), HEALTHY.len());
    for item in items {
        let findings = item["findings"].as_array().expect("a list");
        assert!(
            findings.iter().all(|finding| finding["severity"] == "info"),
            "{item:#}"
        );
    }
}
