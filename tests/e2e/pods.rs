//! Requests that are missing and pods that do not count: many workloads in one namespace, each with its real symptom,
//! its cause and the repair that is typed.

mod ending;
mod incidents;

use std::time::Duration;

use serde_json::{Value, json};
use tfserve_sandbox::{CPU_ANNOTATION, End, MetricsServer, Release};

use self::incidents::{missing_requests, pods_that_do_not_run};
use crate::support::{
    apply, explain, field, kubectl, patch_status, sandbox, since, type_fix, until, with_metrics_server,
};
use crate::workloads::{container, cpu, deployment, hpa, requested, template, workload};

const ACTIVE: &str = "{.status.conditions[?(@.type=='ScalingActive')]}";

/// One workload and its HPA, both of the name that is the workload's label as well.
struct Incident {
    name: &'static str,
    objects: Vec<Value>,
    /// A part of what the controller says of it.
    says: &'static str,
    /// The code of the first finding.
    code: &'static str,
    /// A part of the objects that it names.
    at_fault: &'static str,
    /// Whether its first repair, typed, lets the HPA compute again.
    recovers: bool,
}

#[track_caller]
fn prove(namespace: &str, incident: &Incident) {
    let name = incident.name;
    until(
        &format!("the controller says {} of {name}", incident.says),
        || {
            let said = field(namespace, &format!("hpa/{name}"), ACTIVE);
            said.contains(incident.says).then_some(())
        },
    );
    let finding = until(&format!("{} comes first for {name}", incident.code), || {
        let finding = explain(namespace, name)["findings"][0].clone();
        // While pods are being started, that is all there is to say.
        (finding["code"] == incident.code && finding["severity"] != "info").then_some(finding)
    });
    let objects = finding["objects"].to_string();
    assert!(objects.contains(incident.at_fault), "{name}: {objects}");
    if incident.recovers {
        type_fix(&finding, 0);
    }
}

#[track_caller]
fn recovered(namespace: &str, incident: &Incident) {
    until(&format!("{} is repaired", incident.name), || {
        let said = field(namespace, &format!("hpa/{}", incident.name), ACTIVE);
        said.contains("ValidMetricFound").then_some(())
    });
}

#[test]
fn requests_and_pods() {
    let space = sandbox().namespace("pods").expect("a namespace");
    let namespace = space.name();
    let _turn = with_metrics_server(MetricsServer::Ready);
    let mut missing = missing_requests(namespace);
    if !since(
        Release::V1_37,
        "until 1.34 a pod without the metric's container is no error",
    ) {
        missing.retain(|incident| incident.name != "named");
    }
    let stuck = pods_that_do_not_run(namespace);
    let objects: Vec<Value> = missing
        .iter()
        .chain(&stuck)
        .flat_map(|it| it.objects.clone())
        .collect();
    apply(&objects);
    rollouts(namespace, true);
    lookers(namespace);
    until("the foreign pod runs", || {
        (field(namespace, "pod/going", "{.status.phase}") == "Running").then_some(())
    });
    kubectl(&format!("delete pod going -n {namespace} --wait=false")).expect_code(0);
    rollouts(namespace, false);
    ending::begin(namespace);
    for incident in missing.iter().chain(&stuck) {
        prove(namespace, incident);
    }
    ending::told(namespace);
    replaced_by_hand(namespace);
    held_up(namespace);
    pods_that_count_for_nothing(namespace);
    hidden_and_mistaken(namespace);
    for incident in missing.iter().chain(&stuck).filter(|it| it.recovers) {
        recovered(namespace, incident);
    }
}

/// Workloads whose template is repaired while nothing, or nothing that runs, takes the place of their pods.
fn rollouts(namespace: &str, before: bool) {
    let resources = if before {
        json!({})
    } else {
        json!({"requests": {"cpu": "100m"}})
    };
    let set = |name: &str, strategy: &Value| {
        let mut set = workload(
            namespace,
            "StatefulSet",
            name,
            &template(name, &[container("app", &resources)], &json!({})),
        );
        set["spec"]["updateStrategy"] = strategy.clone();
        set
    };
    let too_much = if before {
        json!({})
    } else {
        json!({"requests": {"cpu": "500"}})
    };
    let mut held = deployment(namespace, "held-up", &[container("app", &too_much)]);
    held["spec"]["strategy"] = json!({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}});
    apply(&[
        set("by-hand", &json!({"type": "OnDelete"})),
        set(
            "partition",
            &json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}),
        ),
        held,
    ]);
    if !before {
        apply(&[
            hpa(namespace, "StatefulSet", "by-hand", &cpu(60)),
            hpa(namespace, "StatefulSet", "partition", &cpu(60)),
            hpa(namespace, "Deployment", "held-up", &cpu(60)),
        ]);
        return;
    }
    for name in ["by-hand", "partition", "held-up"] {
        until("the pods without a request run", || {
            let phases = kubectl(&format!(
                "get pods -n {namespace} -l app={name} -o jsonpath={{.items[*].status.phase}}"
            ));
            (phases.stdout == "Running").then_some(())
        });
    }
}

fn replaced_by_hand(namespace: &str) {
    for (name, at_fault) in [("by-hand", "by-hand-0"), ("partition", "partition-0")] {
        let incident = Incident {
            name,
            objects: Vec::new(),
            says: "missing request for cpu in container app",
            code: "TFS404",
            at_fault,
            recovers: true,
        };
        prove(namespace, &incident);
        recovered(namespace, &incident);
    }
}

/// The repair is applied, and no node has room for the new pod: that is the cause, the old pod follows from it.
fn held_up(namespace: &str) {
    prove(
        namespace,
        &Incident {
            name: "held-up",
            objects: Vec::new(),
            says: "missing request for cpu in container app",
            code: "TFS503",
            at_fault: "\"held-up-",
            recovers: false,
        },
    );
    let finding = explain(namespace, "held-up")["findings"][0].clone();
    assert_eq!(finding["severity"], "error", "{finding:#}");
    assert_eq!(finding["consequences"][0]["code"], "TFS404", "{finding:#}");
}

/// Workloads whose pods are changed once they run.
fn lookers(namespace: &str) {
    let busy = |mut workload: Value| {
        workload["spec"]["template"]["metadata"]["annotations"][CPU_ANNOTATION] = json!("100m");
        workload
    };
    let big = container("proxy", &json!({"requests": {"cpu": "300m"}}));
    let mut hidden = deployment(namespace, "hidden", &[requested(), big]);
    hidden["spec"]["template"]["metadata"]["annotations"]["cpu.sandbox.tfserve.dev/app"] = json!("100m");
    hidden["spec"]["template"]["metadata"]["annotations"]["cpu.sandbox.tfserve.dev/proxy"] = json!("1m");
    let value = |value: &str| {
        json!([{"type": "Resource", "resource":
        {"name": "cpu", "target": {"type": "AverageValue", "averageValue": value}}}])
    };
    let ordered = busy(workload(
        namespace,
        "StatefulSet",
        "ordered",
        &template("ordered", &[requested()], &json!({})),
    ));
    apply(&[
        busy(deployment(namespace, "ended", &[requested()])),
        deployment(namespace, "timeless", &[requested()]),
        hpa(namespace, "Deployment", "timeless", &cpu(60)),
        ordered,
        hidden,
        hpa(namespace, "Deployment", "hidden", &cpu(60)),
        busy(deployment(namespace, "thousandth", &[requested()])),
        hpa(namespace, "Deployment", "thousandth", &value("1m")),
    ]);
    for name in ["ended", "timeless", "ordered"] {
        until("the pod runs", || {
            let phases = kubectl(&format!(
                "get pods -n {namespace} -l app={name} -o jsonpath={{.items[*].status.phase}}"
            ));
            (phases.stdout == "Running").then_some(())
        });
    }
    let pod = |name: &str| {
        sandbox()
            .pod_names(namespace, &format!("app={name}"))
            .expect("pods")[0]
            .clone()
    };
    sandbox()
        .finish(namespace, &pod("ended"), End::Succeeded)
        .expect("the pod ends");
    patch_status(
        namespace,
        &pod("timeless"),
        "json",
        &json!([{"op": "remove", "path": "/status/startTime"}]),
    );
    sandbox()
        .set_age(namespace, "app=ordered", Duration::from_secs(3600))
        .expect("it is old");
    let since = (chrono::Utc::now() - chrono::Duration::minutes(5))
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": since}]}});
    patch_status(namespace, "ordered-0", "strategic", &unready);
    // Before that, their HPAs would have scaled.
    apply(&[
        hpa(namespace, "Deployment", "ended", &cpu(60)),
        hpa(namespace, "StatefulSet", "ordered", &cpu(60)),
    ]);
}

fn pods_that_count_for_nothing(namespace: &str) {
    let incident = |name, says, code, at_fault, recovers| Incident {
        name,
        objects: Vec::new(),
        says,
        code,
        at_fault,
        recovers,
    };
    prove(
        namespace,
        &incident(
            "timeless",
            "pods might be unready",
            "TFS502",
            "\"timeless-",
            false,
        ),
    );
    until("the HPA asks for more pods than come", || {
        (field(namespace, "statefulset/ordered", "{.spec.replicas}") != "1").then_some(())
    });
    prove(
        namespace,
        &incident("ordered", "ValidMetricFound", "TFS505", "\"ordered-0\"", false),
    );
    // The first repair reads only.
    type_fix(&explain(namespace, "ordered")["findings"][0], 1);
    until("the next pod is made", || {
        (field(namespace, "statefulset/ordered", "{.status.replicas}") != "1").then_some(())
    });
    assert_eq!(
        field(namespace, "deployment/ended", "{.spec.replicas}"),
        "1",
        "the ended pod damps the scale-up"
    );
    prove(
        namespace,
        &incident("ended", "ValidMetricFound", "TFS506", "\"ended-", true),
    );
    until("the HPA scales up", || {
        (field(namespace, "deployment/ended", "{.spec.replicas}") != "1").then_some(())
    });
}

fn hidden_and_mistaken(namespace: &str) {
    let incident = |name, code, at_fault| Incident {
        name,
        objects: Vec::new(),
        says: "ValidMetricFound",
        code,
        at_fault,
        recovers: true,
    };
    assert_eq!(field(namespace, "deployment/hidden", "{.spec.replicas}"), "1");
    prove(namespace, &incident("hidden", "TFS613", "\"container\":\"app\""));
    until("the HPA sees the busy container", || {
        (field(namespace, "deployment/hidden", "{.spec.replicas}") != "1").then_some(())
    });
    until("the HPA is at its maximum", || {
        (field(namespace, "deployment/thousandth", "{.spec.replicas}") == "4").then_some(())
    });
    prove(namespace, &incident("thousandth", "TFS612", "\"thousandth\""));
    assert_eq!(
        field(
            namespace,
            "hpa/thousandth",
            "{.spec.metrics[0].resource.target.averageValue}"
        ),
        "1"
    );
}
